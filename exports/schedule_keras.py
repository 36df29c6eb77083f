#!/usr/bin/env python3
"""A schedule of learning rate and batch size for Keras 3, written by repro.

    network.compile(optimizer=make_optimizer(), loss=...)
    fit(network, images, labels)

The learning rate is keras.callbacks.LearningRateScheduler's.  A callback cannot change the batch
size of a fit() that runs, so there is one a phase, which goes on at initial_epoch with the
optimizer as it stands; the batches are a keras.utils.PyDataset.  Written for Keras 3.0 to 3.15.

Run by itself it trains one weight on as many numbers as there are images and prints what Keras
did, epoch by epoch.
"""
import keras
import numpy

PLAN = "@PLAN@"


def phase_at(epoch):
    """The phase of an epoch, counted from 0."""
    return [phase for phase in PLAN["phases"] if phase["first_epoch"] <= epoch][-1]


def learning_rate(epoch, rate=None):
    """What LearningRateScheduler asks for."""
    return phase_at(epoch)["learning_rate"]


def make_callbacks():
    return [keras.callbacks.LearningRateScheduler(learning_rate)]


def make_optimizer():
    """Of Keras's SGD the velocity has the learning rate in it: v <- m v - lr g, w <- w + v.  Where
    the learning rate falls at a step, what has built up goes on at the old one, so the first
    1/(1-m) updates behind it differ from repro's A <- m A + g, w <- w - lr A.  Weight decay is the
    L2 term of the loss, as repro's; Keras's own weight_decay is another, decoupled one: give the
    layers kernel_regularizer=keras.regularizers.L2(PLAN["optimizer"]["weight_decay"] / 2)."""
    plan, phase = PLAN["optimizer"], phase_at(0)
    if plan["name"] == "adam":
        return keras.optimizers.Adam(phase["learning_rate"], plan["beta1"], plan["beta2"],
                                     plan["epsilon"])
    return keras.optimizers.SGD(phase["learning_rate"], phase["momentum"],
                                nesterov=plan["name"] == "nesterov")


class Batches(keras.utils.PyDataset):
    """The rows in an order that is new every epoch, `size` at a time."""

    def __init__(self, rows, labels, size, seed):
        super().__init__()
        self.rows, self.labels, self.size = rows, labels, size
        self.random = numpy.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        whole, rest = divmod(len(self.rows), self.size)
        return whole + (PLAN["keep_last_batch"] and rest > 0)

    def __getitem__(self, index):
        chosen = self.order[index * self.size:(index + 1) * self.size]
        return self.rows[chosen], self.labels[chosen]

    def on_epoch_end(self):
        self.order = self.random.permutation(len(self.rows))


def fit(network, rows, labels, callbacks=(), seed=1, **options):
    """All phases; options are fit()'s.  Returns its histories."""
    histories = []
    for phase in PLAN["phases"]:
        histories.append(network.fit(
            Batches(rows, labels, phase["batch_size"], [seed, phase["first_epoch"]]),
            initial_epoch=phase["first_epoch"], epochs=phase["first_epoch"] + phase["epochs"],
            callbacks=make_callbacks() + list(callbacks), **options))
    return histories


class Table(keras.callbacks.Callback):
    """Prints every epoch: the learning rate and the number of updates that Keras made."""

    def on_epoch_begin(self, epoch, logs=None):
        self.updates = 0

    def on_train_batch_end(self, batch, logs=None):
        self.updates += 1

    def on_epoch_end(self, epoch, logs=None):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        print(epoch, f"{rate:.7g}", phase_at(epoch)["batch_size"], self.updates, sep="\t")


def main():
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile(optimizer=make_optimizer(), loss="mse")
    rows = numpy.zeros((PLAN["train_n"], 1), "float32")
    print("epoch\tlearning_rate\tbatch_size\tupdates")
    fit(network, rows, rows, callbacks=[Table()], verbose=0)


if __name__ == "__main__":
    main()
