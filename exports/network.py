#!/usr/bin/env python3
"""The networks of `repro` in PyTorch, for the parameters that `repro export --as weights` writes.

    from network import load
    network, facts = load("FOLDER")        # in evaluation mode; facts: the file's metadata

    python3 network.py FOLDER              # loads it, strictly, and says what is in it
    python3 network.py FOLDER --test DIR   # its accuracy: DIR holds CIFAR-10's test_batch.bin, or
                                           # ImageNet's val/CLASS/*, which wants Pillow

Names are those of repro's own nodes, so state_dict() is the file.  For PyTorch from 1.12 on.
"""
import argparse
import json
import pathlib
import re
import struct
import sys
from collections import OrderedDict

import numpy
import torch
from torch import nn
from torch.nn import functional as F

WRN_EPSILON, INCEPTION_EPSILON = 1e-5, 1e-3
DROPPED = 0.2  # before Inception's dense layer, in training


# ---- Wide residual networks ----------------------------------------------------------------------

def conv(channels_in, channels, kernel, stride=1):
    return nn.Conv2d(channels_in, channels, kernel, stride, kernel // 2, bias=False)


class Residual(nn.Module):
    """Batch norm, ReLU, 3x3, batch norm, ReLU, 3x3, plus a shortcut: a 1x1 of the first ReLU where
    the shape changes, else the source."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(channels_in, eps=WRN_EPSILON)
        self.conv1 = conv(channels_in, channels, 3, stride)
        self.bn2 = nn.BatchNorm2d(channels, eps=WRN_EPSILON)
        self.conv2 = conv(channels, channels, 3)
        if channels_in != channels or stride != 1:
            self.shortcut = nn.Conv2d(channels_in, channels, 1, stride, bias=False)

    def forward(self, src):
        active = F.relu(self.bn1(src))
        dst = self.conv2(F.relu(self.bn2(self.conv1(active))))
        return dst + (self.shortcut(active) if hasattr(self, "shortcut") else src)


class WideResNet(nn.Module):
    """blocks: a list of (name, channels, stride)."""

    def __init__(self, stem, stem_stride, blocks, inputs, classes):
        super().__init__()
        self.stem = conv(inputs, stem, 3, stem_stride)
        self.order, channels = [], stem
        for name, channels_out, stride in blocks:
            block, folder = Residual(channels, channels_out, stride), self
            *folders, last = name.split(".")
            for part in folders:
                if part not in folder._modules:
                    folder.add_module(part, nn.Module())
                folder = folder._modules[part]
            folder.add_module(last, block)
            self.order.append(name)
            channels = channels_out
        self.head = nn.ModuleDict({"bn": nn.BatchNorm2d(channels, eps=WRN_EPSILON),
                                   "dense": nn.Linear(channels, classes)})

    def forward(self, src):
        dst = self.stem(src)
        for name in self.order:
            dst = self.get_submodule(name)(dst)
        return self.head["dense"](F.relu(self.head["bn"](dst)).mean((2, 3)))


def wide_resnet(depth, width, inputs, classes):
    blocks = [(f"group{group + 1}.block{block + 1}", (16 << group) * width,
               2 if group > 0 and block == 0 else 1)
              for group in range(3) for block in range((depth - 4) // 6)]
    return WideResNet(16, 1, blocks, inputs, classes)


def tiny(inputs, classes):
    return WideResNet(4, 2, [("block1", 4, 1), ("block2", 8, 2)], inputs, classes)


# ---- Inception-ResNet-V2 -------------------------------------------------------------------------

# A layer is (kind, kernel, channels, stride, same): a convolution with batch norm and ReLU, or a
# pool.  A block is its branches, whose ends are joined.
def c(kernel, channels, stride=1, same=True):
    return "conv", kernel if isinstance(kernel, tuple) else (kernel, kernel), channels, stride, same


MAX, MEAN = ("max", (3, 3), 0, 2, False), ("mean", (3, 3), 0, 1, True)
STEM = [[c(3, 32, 2, False), c(3, 32, 1, False), c(3, 64), MAX, c(1, 80, 1, False),
         c(3, 192, 1, False), MAX]]
MIXED = [[c(1, 96)], [c(1, 48), c(5, 64)], [c(1, 64), c(3, 96), c(3, 96)], [MEAN, c(1, 64)]]
BLOCK_A = [[c(1, 32)], [c(1, 32), c(3, 32)], [c(1, 32), c(3, 48), c(3, 64)]]
REDUCTION_A = [[c(3, 384, 2, False)], [c(1, 256), c(3, 256), c(3, 384, 2, False)], [MAX]]
BLOCK_B = [[c(1, 192)], [c(1, 128), c((1, 7), 160), c((7, 1), 192)]]
REDUCTION_B = [[c(1, 256), c(3, 384, 2, False)], [c(1, 256), c(3, 288, 2, False)],
               [c(1, 256), c(3, 288), c(3, 320, 2, False)], [MAX]]
BLOCK_C = [[c(1, 192)], [c(1, 192), c((1, 3), 224), c((3, 1), 256)]]
BLOCKS, SCALES = (10, 20, 10), (0.17, 0.10, 0.20)


class Branch(nn.Module):
    """conv1, bn1, ... by their places among the layers; a single layer has no place where none is
    wanted."""

    def __init__(self, layers, channels, width, place=True):
        super().__init__()
        self.layers = []
        for i, (kind, kernel, wanted, stride, same) in enumerate(layers):
            suffix = str(i + 1) if place else ""
            padding = tuple(k // 2 for k in kernel) if same else (0, 0)
            self.layers.append((kind, suffix, kernel, stride, padding))
            if kind == "conv":
                self.add_module("conv" + suffix, nn.Conv2d(channels, width(wanted), kernel, stride,
                                                           padding, bias=False))
                channels = width(wanted)
                self.add_module("bn" + suffix, nn.BatchNorm2d(channels, eps=INCEPTION_EPSILON))
        self.channels = channels

    def forward(self, src):
        for kind, suffix, kernel, stride, padding in self.layers:
            if kind == "max":
                src = F.max_pool2d(src, kernel, stride)
            elif kind == "mean":
                src = F.avg_pool2d(src, kernel, stride, padding, count_include_pad=False)
            else:
                modules = self._modules
                src = F.relu(modules["bn" + suffix](modules["conv" + suffix](src)))
        return src


class Block(nn.Module):
    """Branches side by side; with a scale, a 1x1 with bias behind them is added to the source."""

    def __init__(self, table, channels, width, scale=None, activation=True):
        super().__init__()
        self.scale, self.activation, joined = scale, activation, 0
        for i, layers in enumerate(table):
            branch = Branch(layers, channels, width)
            self.add_module(f"branch{i + 1}", branch)
            joined += branch.channels
        self.count, self.channels = len(table), joined
        if scale is not None:
            self.up, self.channels = nn.Conv2d(joined, channels, 1), channels

    def forward(self, src):
        dst = torch.cat([self._modules[f"branch{i + 1}"](src) for i in range(self.count)], 1)
        if self.scale is None:
            return dst
        dst = src + self.scale * self.up(dst)
        return F.relu(dst) if self.activation else dst


class Inception(nn.Module):
    """The network that its authors released, every width divided by one number and the numbers of
    residual blocks by another; the last block has scale 1 and no activation."""

    def __init__(self, divisor, shallower, inputs, classes):
        super().__init__()

        def width(channels):
            return 16 * max(1, (2 * channels + 16 * divisor) // (32 * divisor))

        order = OrderedDict(stem=Branch(STEM[0], inputs, width))
        order["mixed"] = Block(MIXED, order["stem"].channels, width)
        channels = order["mixed"].channels
        a, b, last = (blocks // shallower for blocks in BLOCKS)
        for letter, table, count, scale, reduction in (
                ("a", BLOCK_A, a, SCALES[0], ("reduction_a", REDUCTION_A)),
                ("b", BLOCK_B, b, SCALES[1], ("reduction_b", REDUCTION_B)),
                ("c", BLOCK_C, last, SCALES[2], None)):
            for i in range(1, count + 1):
                end = letter == "c" and i == last
                order[f"{letter}{i}"] = Block(table, channels, width, 1.0 if end else scale,
                                              not end)
            if reduction is not None:
                order[reduction[0]] = Block(reduction[1], channels, width)
                channels = order[reduction[0]].channels
        for name, module in order.items():
            self.add_module(name, module)
        self.order = list(order)
        self.head = Branch([c(1, 1536)], channels, width, place=False)
        self.head.add_module("dense", nn.Linear(self.head.channels, classes))

    def forward(self, src):
        for name in self.order:
            src = self._modules[name](src)
        dst = F.dropout(self.head(src).mean((2, 3)), DROPPED, self.training)
        return self.head.dense(dst)


# ---- Files ---------------------------------------------------------------------------------------

def build(name, inputs=3, classes=10):
    """The network of one of repro's names."""
    if name == "tiny":
        return tiny(inputs, classes)
    found = re.fullmatch(r"wrn-(\d+)-(\d+)", name)
    if found:
        return wide_resnet(int(found[1]), int(found[2]), inputs, classes)
    found = re.fullmatch(r"inception-resnet-v2(?:-(\d+)-(\d+))?", name)
    if found:
        return Inception(int(found[1] or 1), int(found[2] or 1), inputs, classes)
    raise ValueError(f"no network is called '{name}'")


def read(path):
    """The tensors and the metadata of a safetensors file; the package safetensors does the same."""
    types = {"F32": torch.float32, "I64": torch.int64}
    data = pathlib.Path(path).read_bytes()
    length, = struct.unpack("<Q", data[:8])
    header, data = json.loads(data[8:8 + length]), bytearray(data[8 + length:])
    meta, tensors = header.pop("__metadata__"), {}
    for name, tensor in header.items():
        begin, end = tensor["data_offsets"]
        tensors[name] = torch.frombuffer(data[begin:end], dtype=types[tensor["dtype"]]).reshape(
            tensor["shape"])
    return tensors, meta


def load(folder):
    tensors, facts = read(pathlib.Path(folder) / "model.safetensors")
    channels = int(facts["input_shape"].split(",")[0])
    network = build(facts["network"], channels, int(facts["classes"]))
    network.load_state_dict(tensors, strict=True)
    return network.eval(), facts


def normalise(pixels, facts):
    """[rows, channels, height, width] on 0..255 to what the network takes."""
    mean, deviation = (torch.tensor([float(value) for value in facts[key].split(",")])
                       for key in ("input_mean", "input_deviation"))
    return (pixels.float() - mean.reshape(1, -1, 1, 1)) / deviation.reshape(1, -1, 1, 1)


# ---- Test images ---------------------------------------------------------------------------------

def cifar10(folder, count):
    path = pathlib.Path(folder)
    if (path / "cifar-10-batches-bin").is_dir():
        path /= "cifar-10-batches-bin"
    records = numpy.fromfile(path / "test_batch.bin", numpy.uint8).reshape(-1, 3073)[:count]
    return [(torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()),
             torch.from_numpy(records[:, 0].astype(numpy.int64)))]


def imagenet(folder, count, side):
    """All images of val/CLASS/*, one by one: the central 87.5 % of each side, resized by Pillow's
    bilinear filter, which weighs all pixels as repro's antialias does."""
    from PIL import Image

    classes = sorted(path for path in (pathlib.Path(folder) / "val").iterdir() if path.is_dir())
    files = [(file, label) for label, path in enumerate(classes) for file in sorted(path.iterdir())]
    if len(files) != count:
        sys.exit(f"{folder}: {len(files)} images, where the run was measured on {count} of its own "
                 "choice")
    for file, label in files:
        image = Image.open(file).convert("RGB")
        left, top = image.width // 16, image.height // 16
        box = left, top, image.width - left, image.height - top
        pixels = numpy.asarray(image.resize((side, side), Image.BILINEAR, box))
        yield torch.from_numpy(pixels.transpose(2, 0, 1).copy())[None], torch.tensor([label])


@torch.no_grad()
def accuracy(network, facts, batches, rows=100):
    right = count = 0
    for pixels, labels in batches:
        for first in range(0, len(labels), rows):
            logits = network(normalise(pixels[first:first + rows], facts))
            right += int((logits.argmax(1) == labels[first:first + rows]).sum())
        count += len(labels)
    return right / count


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--test", metavar="DIR", help="folder of the test images")
    given = parser.parse_args()
    network, facts = load(given.folder)
    print(f"{facts['network']}: {sum(p.numel() for p in network.parameters())} parameters")
    if given.test is None:
        return
    count, side = int(facts["test_images"]), int(facts["input_shape"].split(",")[1])
    batches = cifar10(given.test, count) if facts["data"] == "cifar10" else \
        imagenet(given.test, count, side)
    print(f"test accuracy: {accuracy(network, facts, batches):.6f}, repro's own: "
          f"{facts['test_accuracy']}")


if __name__ == "__main__":
    main()
