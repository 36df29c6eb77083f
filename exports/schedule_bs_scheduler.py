#!/usr/bin/env python3
"""A schedule of learning rate and batch size for PyTorch with bs-scheduler, written by repro.

    loader = DataLoader(dataset, batch_size=PLAN["phases"][0]["batch_size"], shuffle=True,
                        drop_last=not PLAN["keep_last_batch"])
    batches, rates = make_schedulers(loader, optimizer)
    for epoch in range(PLAN["epochs"]):
        for images, labels in loader:
            ...
        batches.step()
        rates.step()

Run by itself it prints what the two libraries make of it, epoch by epoch.  Written for the PyPI
package bs-scheduler 1.0 (MultiStepBS where the steps of the batch size have one factor, else
LambdaBS) and torch.optim.lr_scheduler.LambdaLR.  Both change the batch size of the loader at hand:
workers that run on hold batches of the old size, so leave persistent_workers off.
"""
import torch
from bs_scheduler import LambdaBS, MultiStepBS
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader, TensorDataset

PLAN = "@PLAN@"


def phase_at(epoch):
    """The phase of an epoch, counted from 0."""
    return [phase for phase in PLAN["phases"] if phase["first_epoch"] <= epoch][-1]


def make_batch_scheduler(loader):
    phases = PLAN["phases"]
    steps = [(after["first_epoch"], after["batch_size"] / before["batch_size"])
             for before, after in zip(phases, phases[1:])
             if after["batch_size"] != before["batch_size"]]
    largest = max(phase["batch_size"] for phase in phases)
    if steps and len({factor for _, factor in steps}) == 1:
        return MultiStepBS(loader, milestones=[epoch for epoch, _ in steps], gamma=steps[0][1],
                           max_batch_size=largest)
    return LambdaBS(loader, bs_lambda=lambda epoch: phase_at(epoch)["batch_size"] /
                    phases[0]["batch_size"], max_batch_size=largest)


def make_schedulers(loader, optimizer):
    """Of the batch size and of the learning rate; both step() behind every epoch."""
    rates = LambdaLR(optimizer, lambda epoch: phase_at(epoch)["learning_rate"] /
                     PLAN["phases"][0]["learning_rate"])
    return make_batch_scheduler(loader), rates


def main():
    first = PLAN["phases"][0]
    optimizer = torch.optim.SGD(torch.nn.Linear(1, 1).parameters(), lr=first["learning_rate"],
                                momentum=first["momentum"])
    loader = DataLoader(TensorDataset(torch.zeros(PLAN["train_n"], 1)), shuffle=True,
                        batch_size=first["batch_size"], drop_last=not PLAN["keep_last_batch"])
    batches, rates = make_schedulers(loader, optimizer)
    print("epoch\tlearning_rate\tbatch_size\tupdates")
    for epoch in range(PLAN["epochs"]):
        print(epoch, f"{optimizer.param_groups[0]['lr']:.12g}", loader.batch_sampler.batch_size,
              len(loader), sep="\t")
        optimizer.step()
        batches.step()
        rates.step()


if __name__ == "__main__":
    main()
