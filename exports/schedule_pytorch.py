#!/usr/bin/env python3
"""A schedule of learning rate and batch size for PyTorch, written by repro.

    optimizer = make_optimizer(network)
    scheduler = make_scheduler(optimizer)
    for epoch in range(PLAN["epochs"]):
        for images, labels in make_loader(dataset, epoch):
            ...
            optimizer.step()
        scheduler.step()
        at_epoch_end(optimizer, epoch)

Run by itself it prints what PyTorch makes of it, epoch by epoch.  Of torch it uses
optim.lr_scheduler.MultiStepLR, or LambdaLR where the steps of the learning rate have several
factors, and utils.data.DataLoader: the interfaces of PyTorch 1.4 to 2.15.
"""
import torch
from torch.optim.lr_scheduler import LambdaLR, MultiStepLR
from torch.utils.data import DataLoader, TensorDataset

PLAN = "@PLAN@"


def phase_at(epoch):
    """The phase of an epoch, counted from 0."""
    return [phase for phase in PLAN["phases"] if phase["first_epoch"] <= epoch][-1]


def make_optimizer(network):
    """As repro's: A <- m A + g, w <- w - lr A, which is torch.optim.SGD's.  Its Adam adds epsilon
    outside of the correction, PyTorch's inside: they differ in the first updates, by epsilon."""
    plan, phase = PLAN["optimizer"], phase_at(0)
    decays = [p for p in network.parameters() if plan["weight_decay_on"] == "all" or p.dim() > 1]
    others = [p for p in network.parameters() if all(p is not d for d in decays)]
    groups = [{"params": decays, "weight_decay": plan["weight_decay"]}]
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    if plan["name"] == "adam":
        return torch.optim.Adam(groups, lr=phase["learning_rate"],
                                betas=(plan["beta1"], plan["beta2"]), eps=plan["epsilon"])
    return torch.optim.SGD(groups, lr=phase["learning_rate"], momentum=phase["momentum"],
                           nesterov=plan["name"] == "nesterov")


def make_scheduler(optimizer):
    """scheduler.step() comes behind every epoch."""
    phases = PLAN["phases"]
    steps = [(after["first_epoch"], after["learning_rate"] / before["learning_rate"])
             for before, after in zip(phases, phases[1:])
             if after["learning_rate"] != before["learning_rate"]]
    if len({f"{factor:.9g}" for _, factor in steps}) <= 1:
        return MultiStepLR(optimizer, milestones=[epoch for epoch, _ in steps],
                           gamma=steps[0][1] if steps else 1.0)
    return LambdaLR(optimizer, lambda epoch: phase_at(epoch)["learning_rate"] /
                    phases[0]["learning_rate"])


def batch_size(epoch):
    return phase_at(epoch)["batch_size"]


def make_loader(dataset, epoch, **options):
    """The batches of an epoch: a new loader, since a DataLoader's batch size cannot be changed."""
    return DataLoader(dataset, batch_size=batch_size(epoch), shuffle=True,
                      drop_last=not PLAN["keep_last_batch"], **options)


def at_epoch_end(optimizer, epoch):
    """The optimizer begins anew at a step, where the plan says so; else nothing."""
    if PLAN["reset_moments"] and epoch + 1 < PLAN["epochs"] and \
            phase_at(epoch + 1) is not phase_at(epoch):
        optimizer.state.clear()


def main():
    network = torch.nn.Linear(1, 1)
    optimizer = make_optimizer(network)
    scheduler = make_scheduler(optimizer)
    dataset = TensorDataset(torch.zeros(PLAN["train_n"], 1))
    print("epoch\tlearning_rate\tbatch_size\tupdates")
    for epoch in range(PLAN["epochs"]):
        loader = make_loader(dataset, epoch)
        print(epoch, f"{optimizer.param_groups[0]['lr']:.12g}", loader.batch_size, len(loader),
              sep="\t")
        optimizer.step()
        scheduler.step()
        at_epoch_end(optimizer, epoch)


if __name__ == "__main__":
    main()
