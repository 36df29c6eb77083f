#!/usr/bin/env python3
"""One training step of Inception-ResNet-V2 in PyTorch, timed; see pytorch_step.py.

The network of Szegedy et al. (2017) as its authors released it, written as modules that one would
train in PyTorch: every convolution without bias, batch norm and ReLU in place behind it, branches
joined by torch.cat, and a 1x1 convolution with bias whose result is scaled and added.
"""
import argparse
import re

import pytorch_step  # exits with 77 where PyTorch is missing

import torch
from torch import nn
from torch.nn import functional as F

BLOCKS = 10, 20, 10
SCALES = 0.17, 0.10, 0.20


class Unit(nn.Module):
    """A convolution with its batch norm and ReLU; pads to the same size unless it strides or is
    told not to."""

    def __init__(self, channels_in, channels, kernel=1, stride=1, same=True):
        super().__init__()
        kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        padding = tuple(k // 2 for k in kernel) if same and stride == 1 else 0
        self.conv = nn.Conv2d(channels_in, channels, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(channels, eps=1e-3)

    def forward(self, src):
        return F.relu(self.norm(self.conv(src)), inplace=True)


class Branches(nn.Module):
    """Sequences side by side, joined along the channels; empty ones pass the source on."""

    def __init__(self, *branches):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, src):
        return torch.cat([branch(src) for branch in self.branches], 1)


class Residual(nn.Module):
    def __init__(self, channels, branches, joined, scale, activation=True):
        super().__init__()
        self.branches, self.scale, self.activation = branches, scale, activation
        self.up = nn.Conv2d(joined, channels, 1)

    def forward(self, src):
        dst = torch.add(src, self.up(self.branches(src)), alpha=self.scale)
        return F.relu(dst, inplace=True) if self.activation else dst


class Builder:
    """Widths divided by one number, the numbers of blocks by another."""

    def __init__(self, divisor, shallower, classes):
        self.divisor, self.shallower, self.classes = divisor, shallower, classes

    def width(self, channels):
        return max(16, int(channels / self.divisor / 16 + 0.5) * 16)

    def chain(self, channels_in, *units):
        """Units (channels, kernel, stride or "valid") in sequence, and the channels at its end."""
        layers = []
        for channels, *rest in units:
            kernel, how = (rest + [1, 1][len(rest):])[:2]
            layers.append(Unit(channels_in, self.width(channels), kernel,
                               1 if how == "valid" else how, how != "valid"))
            channels_in = self.width(channels)
        return nn.Sequential(*layers), channels_in

    def join(self, channels_in, *chains, pooled=0):
        """Chains side by side, and the channels of all; `pooled`: those that a pool adds."""
        made = [self.chain(channels_in, *chain) for chain in chains]
        branches = [chain for chain, _ in made]
        if pooled:
            branches.append(nn.MaxPool2d(3, 2))
        return Branches(*branches), sum(count for _, count in made) + pooled

    def stage(self, channels, count, scale, *chains, last=True):
        blocks = []
        for i in range(count):
            branches, joined = self.join(channels, *chains)
            end = i == count - 1 and not last
            blocks.append(Residual(channels, branches, joined, 1.0 if end else scale, not end))
        return blocks

    def mixed(self, channels):
        branches, joined = self.join(channels, [(96,)], [(48,), (64, 5)],
                                     [(64,), (96, 3), (96, 3)])
        pool, pooled = self.chain(channels, (64,))
        average = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        branches.branches.append(nn.Sequential(average, *pool))
        return branches, joined + pooled

    def network(self):
        a, b, c = (blocks // self.shallower for blocks in BLOCKS)
        first, channels = self.chain(3, (32, 3, 2), (32, 3, "valid"), (64, 3))
        second, channels = self.chain(channels, (80,), (192, 3, "valid"))
        layers = [first, nn.MaxPool2d(3, 2), second, nn.MaxPool2d(3, 2)]
        mixed, channels = self.mixed(channels)
        layers += [mixed, *self.stage(channels, a, SCALES[0], [(32,)], [(32,), (32, 3)],
                                      [(32,), (48, 3), (64, 3)])]
        reduction, channels = self.join(channels, [(384, 3, 2)], [(256,), (256, 3), (384, 3, 2)],
                                        pooled=channels)
        layers += [reduction, *self.stage(channels, b, SCALES[1], [(192,)],
                                          [(128,), (160, (1, 7)), (192, (7, 1))])]
        reduction, channels = self.join(channels, [(256,), (384, 3, 2)], [(256,), (288, 3, 2)],
                                        [(256,), (288, 3), (320, 3, 2)], pooled=channels)
        layers += [reduction, *self.stage(channels, c, SCALES[2], [(192,)],
                                          [(192,), (224, (1, 3)), (256, (3, 1))], last=False)]
        head, channels = self.chain(channels, (1536,))
        return nn.Sequential(*layers, head, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                             nn.Dropout(0.2), nn.Linear(channels, self.classes))


class Network:
    pattern, default = "inception-resnet-v2[-W-D]", "inception-resnet-v2-4-5"

    @staticmethod
    def parse(text):
        found = re.fullmatch(r"inception-resnet-v2(?:-([1-9]\d*)-(1|2|5|10))?", text)
        if not found:
            raise argparse.ArgumentTypeError(f"'{text}' is no inception-resnet-v2-W-D with D of "
                                             "1, 2, 5 or 10")
        return found

    @staticmethod
    def build(name):
        divisor, shallower = (int(number or 1) for number in name.groups())
        side, classes = (96, 100) if name[1] else (299, 1000)
        return Builder(divisor, shallower, classes).network(), side, classes


if __name__ == "__main__":
    pytorch_step.main(__doc__, Network)
