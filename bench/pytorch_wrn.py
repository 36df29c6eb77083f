#!/usr/bin/env python3
"""One training step of a wide residual network in PyTorch, timed; see pytorch_step.py."""
import argparse
import re

import pytorch_step  # exits with 77 where PyTorch is missing

from torch import nn
from torch.nn import functional as F


def conv(channels_in, channels_out, kernel, stride):
    return nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, bias=False)


class Residual(nn.Module):
    """Batch norm, ReLU, 3x3, batch norm, ReLU, 3x3, plus a shortcut: a 1x1 of the first ReLU
    where the shape changes."""

    def __init__(self, channels_in, channels_out, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = conv(channels_in, channels_out, 3, stride)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.conv2 = conv(channels_out, channels_out, 3, 1)
        changes = channels_in != channels_out or stride != 1
        self.shortcut = conv(channels_in, channels_out, 1, stride) if changes else None

    def forward(self, src):
        active = F.relu(self.norm1(src), inplace=True)
        dst = self.conv2(F.relu(self.norm2(self.conv1(active)), inplace=True))
        return dst + (src if self.shortcut is None else self.shortcut(active))


def wide_resnet(depth, width, classes=10):
    layers, channels = [conv(3, 16, 3, 1)], 16
    for group in range(3):
        for block in range((depth - 4) // 6):
            channels_out = (16 << group) * width
            layers.append(Residual(channels, channels_out, 2 if group > 0 and block == 0 else 1))
            channels = channels_out
    head = [nn.BatchNorm2d(channels), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
            nn.Linear(channels, classes)]
    return nn.Sequential(*layers, *head)


class Network:
    pattern, default = "wrn-D-K", "wrn-16-4"

    @staticmethod
    def parse(text):
        found = re.fullmatch(r"wrn-(\d+)-(\d+)", text)
        if not found or int(found[1]) < 10 or (int(found[1]) - 4) % 6:
            raise argparse.ArgumentTypeError(f"'{text}' is no wrn-D-K with D of 10, 16, 22, ...")
        return found

    @staticmethod
    def build(name):
        return wide_resnet(*map(int, name.groups())), 32, 10


if __name__ == "__main__":
    pytorch_step.main(__doc__, Network)
