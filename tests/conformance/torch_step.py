#!/usr/bin/env python3
"""usage: torch_step.py FOLDER f32|tf32|bf16

Judges what `step` wrote into FOLDER: PyTorch computes the same training step in float64 on the
processor, from the same weights and rows, and the loss, the logits, the gradients, the updated
weights and the running statistics must lie within a bound of it (relative L2 of the whole): 1e-5 in
f32, 1e-3 in tf32, 1e-2 in bf16.  Where some ReLU's source lies closer to 0 than a precision rounds,
a gradient is off by more with nobody wrong; so PyTorch's own step in that precision is measured by
the same rule, and twice its distance is allowed. One ghost only: PyTorch has no ghost batch norm.
Exits with 1 when one is beyond, with 77 where PyTorch is missing.

This is for WRN; inception_torch.py is the same for another network.
"""
import pathlib
import sys

try:
    import numpy
    import torch
    from torch.nn import functional as F
except ImportError as error:
    print(f"torch_step.py: {error}", file=sys.stderr)
    sys.exit(77)

LR, MOMENTUM, DECAY, KEEP = 0.1, 0.9, 5e-4, 0.9
MEAN, DEVIATION = [125.3, 122.9, 113.9], [63.0, 62.1, 66.7]
EPSILON = 1e-5
BOUNDS = {"f32": 1e-5, "tf32": 1e-3, "bf16": 1e-2}


def tf32(x):
    """To the ten bits of mantissa that a tensor core reads, to nearest even."""
    bits = x.contiguous().view(torch.int32)
    return ((bits + 0xfff + ((bits >> 13) & 1)) & ~0x1fff).view(torch.float32)


class Tf32Conv(torch.autograd.Function):
    """A convolution as tensor cores compute it from f32, which a processor cannot do by itself."""

    @staticmethod
    def forward(context, x, weights, stride, pad):
        context.save_for_backward(x, weights)
        context.window = stride, pad
        return F.conv2d(tf32(x), tf32(weights), stride=stride, padding=pad)

    @staticmethod
    def backward(context, diff):
        x, weights = context.saved_tensors
        return (torch.nn.grad.conv2d_input(x.shape, tf32(weights), tf32(diff), *context.window),
                torch.nn.grad.conv2d_weight(tf32(x), weights.shape, tf32(diff), *context.window),
                None, None)


class Step:
    """One step of PyTorch's: parameters are kept in `kept`, activations and convolutions are
    computed in `type`.  A network is a class with a logits() of its own."""

    epsilon = EPSILON

    def __init__(self, folder, kept, type, cores=False):
        self.kept, self.type, self.cores = kept, type, cores
        self.folder = pathlib.Path(folder)
        self.places, self.params, self.statistics = {}, {}, {}
        arena = self.read("param.f32", numpy.float32)
        for line in (self.folder / "tensors.txt").read_text().splitlines():
            name, kind, first, count, *dims = line.split()
            self.places[name] = kind, int(first), int(count)
            if kind == "param":
                values = torch.tensor(arena[int(first):int(first) + int(count)]).to(kept)
                self.params[name] = values.reshape([int(d) for d in dims]).requires_grad_()

    def read(self, name, kind):
        return numpy.fromfile(self.folder / name, dtype=kind)

    def norm(self, x, name):
        wide = x.detach().to(torch.float64)
        self.statistics[name] = wide.mean((0, 2, 3)), wide.var((0, 2, 3), unbiased=False)
        return F.batch_norm(x, None, None, self.params[name + ".gamma"],
                            self.params[name + ".beta"], training=True, eps=self.epsilon)

    def conv(self, x, name, stride, pad):
        weights = self.params[name + ".weights"].to(self.type)
        if self.cores:
            return Tf32Conv.apply(x, weights, stride, pad)
        return F.conv2d(x, weights, stride=stride, padding=pad)

    def dense(self, x, name):
        return x @ self.params[name + ".weights"].T + self.params[name + ".bias"]

    def image(self, rows):
        pixels = self.read("pixels.u8", numpy.uint8)
        side = round((pixels.size / rows / 3) ** 0.5)
        pixels = pixels.reshape(rows, side, side, 3)
        x = torch.tensor(pixels.astype(numpy.float64)) - torch.tensor(MEAN, dtype=torch.float32)
        x = x / torch.tensor(DEVIATION, dtype=torch.float32)
        return x.to(self.type).permute(0, 3, 1, 2)

    def forward(self):
        labels = self.read("labels.i32", numpy.int32)
        self.output = self.logits(self.image(len(labels)))
        return F.cross_entropy(self.output, torch.tensor(labels.astype(numpy.int64)))

    def logits(self, x):
        raise NotImplementedError

    def expected(self, of):
        """The arena of parameters whose tensors are of(name)."""
        arena = numpy.zeros(self.read("param.f32", numpy.float32).size)
        for name, values in self.params.items():
            _, first, count = self.places[name]
            arena[first:first + count] = of(name).detach().reshape(-1).to(torch.float64).numpy()
        return arena

    def expected_running(self):
        arena = numpy.zeros(self.read("running.f32", numpy.float32).size)
        for name, (mean, variance) in self.statistics.items():
            for part, values, initial in (("mean", mean, 0.0), ("variance", variance, 1.0)):
                _, first, count = self.places[f"{name}.{part}"]
                arena[first:first + count] = KEEP * initial + (1 - KEEP) * values.numpy()
        return arena

    def results(self):
        """The four arenas that a step leaves."""
        loss = self.forward()
        loss.backward()
        return {
            "loss": numpy.array([loss.item()]),
            "logits": self.output.detach().reshape(-1).to(torch.float64).numpy(),
            "gradients": self.expected(lambda name: self.params[name].grad),
            "updated weights": self.expected(
                lambda name: self.params[name] - LR * (self.params[name].grad
                                                       + DECAY * self.params[name])),
            "running statistics": self.expected_running(),
        }


class WideResidual(Step):
    """WRN-d-k, from the names of its blocks."""

    def logits(self, x):
        x = self.conv(x, "stem", 1, 1)
        for block in sorted({name.rsplit(".", 2)[0] for name in self.params
                             if name.startswith("group")}):
            stride = 2 if block.endswith("block1") and not block.startswith("group1") else 1
            active = F.relu(self.norm(x, block + ".bn1"))
            shortcut = x
            if block + ".shortcut.weights" in self.params:
                shortcut = self.conv(active, block + ".shortcut", stride, 0)
            y = self.conv(active, block + ".conv1", stride, 1)
            x = shortcut + self.conv(F.relu(self.norm(y, block + ".bn2")), block + ".conv2", 1, 1)
        x = F.relu(self.norm(x, "head.bn")).mean((2, 3)).to(self.kept)
        return self.dense(x, "head.dense")


def distance(got, want):
    return float(numpy.linalg.norm(got.astype(numpy.float64) - want) / numpy.linalg.norm(want))


def judge(network, usage):
    """Of the network that a class computes; exits."""
    if len(sys.argv) != 3 or sys.argv[2] not in BOUNDS:
        print(usage, file=sys.stderr)
        sys.exit(2)
    folder, precision = sys.argv[1:]
    step = network(folder, torch.float64, torch.float64)
    want = step.results()
    type = torch.bfloat16 if precision == "bf16" else torch.float32
    theirs = network(folder, torch.float32, type, precision == "tf32").results()
    params = step.read("param.f32", numpy.float32).size
    got = {
        "loss": numpy.array([float((step.folder / "loss.txt").read_text())]),
        "logits": step.read("logits.f32", numpy.float32),
        "gradients": step.read("grads.f32", numpy.float32)[:params],
        "updated weights": step.read("updated.f32", numpy.float32),
        "running statistics": step.read("running.f32", numpy.float32),
    }
    failed = False
    for name in want:
        ours, own = distance(got[name], want[name]), distance(theirs[name], want[name])
        bound = max(BOUNDS[precision], 2 * own)
        failed |= not ours <= bound
        print(f"{name}: {ours:.1e} from float64, PyTorch {torch.__version__} itself {own:.1e}, "
              f"bound {bound:.0e}")
    sys.exit(failed)


if __name__ == "__main__":
    judge(WideResidual, __doc__.splitlines()[0])
