#!/usr/bin/env python3
"""usage: inception_torch.py FOLDER f32|tf32|bf16

Judges a step of Inception-ResNet-V2 that `step` wrote into FOLDER, by the rule of torch_step.py,
with which it must share a folder.  The network is written here once more, as the authors' own
program has it (their names stand beside ours), and every width is checked; so is dropout, by the
contract's rule for which elements are kept.

    step openblas f32 inception-resnet-v2-4-5 8 8 FOLDER 96
"""
import re

import torch_step  # exits with 77 where PyTorch is missing

import numpy
import torch
from torch.nn import functional as F

DROPPED, SEED, EPOCH = 0.2, 11, 3
PURPOSE = 5  # of dropout, in the counter


def philox(key, counter):
    """The four words of Philox4x32-10 (Salmon et al., 2011)."""
    word = 0xffffffff
    key, counter = list(key), list(counter)
    for _ in range(10):
        first, second = 0xd2511f53 * counter[0], 0xcd9e8d57 * counter[2]
        counter = [second >> 32 ^ counter[1] ^ key[0], second & word,
                   first >> 32 ^ counter[3] ^ key[1], first & word]
        key = [key[0] + 0x9e3779b9 & word, key[1] + 0xbb67ae85 & word]
    return counter


class Inception(torch_step.Step):
    epsilon = 1e-3

    def __init__(self, folder, *rest):
        super().__init__(folder, *rest)
        name = (self.folder / "network.txt").read_text()
        numbers = re.fullmatch(r"inception-resnet-v2(?:-(\d+)-(\d+))?", name)
        self.divisor, self.shallower = (int(number or 1) for number in numbers.groups())

    def width(self, channels):
        return max(16, int(channels / self.divisor / 16 + 0.5) * 16)

    def unit(self, x, place, channels, kernel, stride=1, padding="SAME"):
        """slim.conv2d with its normalizer and activation; place: block or branch, and number."""
        path, number = place
        kernel = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        shape = tuple(self.params[f"{path}.conv{number}.weights"].shape)
        assert shape == (self.width(channels), x.shape[1], *kernel), (place, shape)
        pad = tuple(k // 2 for k in kernel) if padding == "SAME" else 0
        x = self.conv(x, f"{path}.conv{number}", stride, pad)
        return F.relu(self.norm(x, f"{path}.bn{number}"))

    def up(self, x, block, channels):
        return self.conv(x, f"{block}.up", 1, 0) + \
            self.params[f"{block}.up.bias"].to(self.type).reshape(1, channels, 1, 1)

    def stem(self, x):
        x = self.unit(x, ("stem", 1), 32, 3, 2, "VALID")        # Conv2d_1a_3x3
        x = self.unit(x, ("stem", 2), 32, 3, 1, "VALID")        # Conv2d_2a_3x3
        x = self.unit(x, ("stem", 3), 64, 3)                    # Conv2d_2b_3x3
        x = F.max_pool2d(x, 3, 2)                               # MaxPool_3a_3x3
        x = self.unit(x, ("stem", 5), 80, 1, 1, "VALID")        # Conv2d_3b_1x1
        x = self.unit(x, ("stem", 6), 192, 3, 1, "VALID")       # Conv2d_4a_3x3
        return F.max_pool2d(x, 3, 2)                            # MaxPool_5a_3x3

    def mixed_5b(self, x, block):
        one, two, three, four = (f"{block}.branch{i}" for i in (1, 2, 3, 4))
        y0 = self.unit(x, (one, 1), 96, 1)
        y1 = self.unit(self.unit(x, (two, 1), 48, 1), (two, 2), 64, 5)
        y2 = self.unit(x, (three, 1), 64, 1)
        y2 = self.unit(self.unit(y2, (three, 2), 96, 3), (three, 3), 96, 3)
        y3 = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return torch.cat([y0, y1, y2, self.unit(y3, (four, 2), 64, 1)], 1)

    def block35(self, x, block):
        one, two, three = (f"{block}.branch{i}" for i in (1, 2, 3))
        y0 = self.unit(x, (one, 1), 32, 1)
        y1 = self.unit(self.unit(x, (two, 1), 32, 1), (two, 2), 32, 3)
        y2 = self.unit(x, (three, 1), 32, 1)
        y2 = self.unit(self.unit(y2, (three, 2), 48, 3), (three, 3), 64, 3)
        return torch.cat([y0, y1, y2], 1)

    def mixed_6a(self, x, block):
        one, two = (f"{block}.branch{i}" for i in (1, 2))
        y0 = self.unit(x, (one, 1), 384, 3, 2, "VALID")
        y1 = self.unit(self.unit(x, (two, 1), 256, 1), (two, 2), 256, 3)
        y1 = self.unit(y1, (two, 3), 384, 3, 2, "VALID")
        return torch.cat([y0, y1, F.max_pool2d(x, 3, 2)], 1)

    def block17(self, x, block):
        one, two = (f"{block}.branch{i}" for i in (1, 2))
        y0 = self.unit(x, (one, 1), 192, 1)
        y1 = self.unit(self.unit(x, (two, 1), 128, 1), (two, 2), 160, (1, 7))
        return torch.cat([y0, self.unit(y1, (two, 3), 192, (7, 1))], 1)

    def mixed_7a(self, x, block):
        one, two, three = (f"{block}.branch{i}" for i in (1, 2, 3))
        y0 = self.unit(self.unit(x, (one, 1), 256, 1), (one, 2), 384, 3, 2, "VALID")
        y1 = self.unit(self.unit(x, (two, 1), 256, 1), (two, 2), 288, 3, 2, "VALID")
        y2 = self.unit(self.unit(x, (three, 1), 256, 1), (three, 2), 288, 3)
        y2 = self.unit(y2, (three, 3), 320, 3, 2, "VALID")
        return torch.cat([y0, y1, y2, F.max_pool2d(x, 3, 2)], 1)

    def block8(self, x, block):
        one, two = (f"{block}.branch{i}" for i in (1, 2))
        y0 = self.unit(x, (one, 1), 192, 1)
        y1 = self.unit(self.unit(x, (two, 1), 192, 1), (two, 2), 224, (1, 3))
        return torch.cat([y0, self.unit(y1, (two, 3), 256, (3, 1))], 1)

    def residual(self, x, kind, block, scale, activation=F.relu):
        return activation(x + scale * self.up(kind(x, block), block, x.shape[1]))

    def survivors(self, rows, width):
        """Of row r, which is image r, the elements that dropout keeps."""
        node = (self.folder / "nodes.txt").read_text().split().index("head.dropout")
        words = [word for row in range(rows) for block in range(-(-width // 4))
                 for word in philox((SEED, 0), (block, row, EPOCH, node << 8 | PURPOSE))]
        words = numpy.array(words).reshape(rows, -1)[:, :width]
        return torch.tensor(words * 2.0 ** -32 >= float(numpy.float32(DROPPED)))

    def logits(self, x):
        x = self.mixed_5b(self.stem(x), "mixed")
        for i in range(1, 10 // self.shallower + 1):
            x = self.residual(x, self.block35, f"a{i}", 0.17)
        x = self.mixed_6a(x, "reduction-a")
        for i in range(1, 20 // self.shallower + 1):
            x = self.residual(x, self.block17, f"b{i}", 0.10)
        x = self.mixed_7a(x, "reduction-b")
        for i in range(1, 10 // self.shallower):
            x = self.residual(x, self.block8, f"c{i}", 0.20)
        x = self.residual(x, self.block8, f"c{10 // self.shallower}", 1.0, lambda y: y)
        x = self.unit(x, ("head", ""), 1536, 1)                 # Conv2d_7b_1x1
        x = x.mean((2, 3)).to(self.kept)
        x = torch.where(self.survivors(*x.shape), x / (1.0 - DROPPED), torch.zeros_like(x))
        return self.dense(x, "head.dense")


if __name__ == "__main__":
    torch_step.judge(Inception, __doc__.splitlines()[0])
