#!/usr/bin/env python3
"""One training step of a wide residual network in PyTorch, timed; the other side of bench/compare.

The step is what `repro bench` times: forward, cross-entropy, backward and an SGD step with momentum
and weight decay, on one batch that stays where it is.  Everything that costs PyTorch time and is
not the step is left out: no data loading, the input already f32 and in the layout asked for,
gradients set to None rather than zeroed, the fused optimizer where this version has it.  On a GPU
steps are queued one behind the other and timed by the device's clock, as ours are.  Prints one JSON
object; exits with 77 and a sentence on stderr where PyTorch or what it needs is missing.

With --turns one process, which compiles once, serves any number of measurements: it warms up,
prints an object that says "ready", then waits for a line on its input before each measurement and
prints one object behind it, until the input ends.
"""
import argparse
import contextlib
import json
import os
import re
import statistics
import sys
import time

CANNOT_RUN = 77


def refuse(reason):
    print(f"pytorch_wrn.py: {reason}", file=sys.stderr)
    sys.exit(CANNOT_RUN)


try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    refuse(f"{sys.executable} cannot import PyTorch ({error}); name an interpreter that can by "
           "--python")


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


def sgd(parameters):
    settings = dict(lr=0.01, momentum=0.9, weight_decay=5e-4)
    parameters = list(parameters)
    try:
        return torch.optim.SGD(parameters, fused=True, **settings)
    except (TypeError, RuntimeError):
        return torch.optim.SGD(parameters, **settings)


def make_step(options):
    """A function that trains once: done when it returns on a CPU, queued on a GPU."""
    depth, width = map(int, options.network.groups())
    layout = torch.channels_last if options.layout == "nhwc" else torch.contiguous_format
    net = wide_resnet(depth, width).train().to(options.device, memory_format=layout)
    optimizer = sgd(net.parameters())
    images = torch.randn(options.batch, 3, 32, 32).to(options.device, memory_format=layout)
    labels = torch.randint(10, (options.batch,)).to(options.device)
    model = torch.compile(net, mode="max-autotune") if options.compile else net
    half = options.precision == "bf16"

    def step():
        with (torch.autocast(options.device, dtype=torch.bfloat16) if half
              else contextlib.nullcontext()):
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    return step, sum(p.numel() for p in net.parameters())


def time_steps(step, count, device):
    """Seconds of each of count steps."""
    if device == "cpu":
        moments = [time.perf_counter()]
        for _ in range(count):
            step()
            moments.append(time.perf_counter())
        return [after - before for before, after in zip(moments, moments[1:])]
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
    marks[0].record()
    for mark in marks[1:]:
        step()
        mark.record()
    torch.cuda.synchronize()
    return [1e-3 * before.elapsed_time(after) for before, after in zip(marks, marks[1:])]


def measure(options, step, parameters):
    seconds = time_steps(step, options.steps, options.device)
    onednn = re.search(r"(?:MKL-DNN|oneDNN) v([\d.]+)", torch.__config__.show())
    library = torch.backends.cudnn.version() if options.device == "cuda" else onednn and onednn[1]
    return {
        "network": options.network[0], "batch": options.batch, "precision": options.precision,
        "layout": options.layout, "device": options.device, "compiled": options.compile,
        "threads": torch.get_num_threads(), "parameters": parameters,
        "torch": torch.__version__, ("cudnn" if options.device == "cuda" else "onednn"): library,
        "clock": "device" if options.device == "cuda" else "host", "seconds": seconds,
        "images_per_second": options.batch / statistics.median(seconds),
        "best_images_per_second": options.batch / min(seconds)}


def network_name(text):
    found = re.fullmatch(r"wrn-(\d+)-(\d+)", text)
    if not found or int(found[1]) < 10 or (int(found[1]) - 4) % 6:
        raise argparse.ArgumentTypeError(f"'{text}' is no wrn-D-K with D of 10, 16, 22, ...")
    return found


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1")
    return int(text)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", type=network_name, default="wrn-16-4", metavar="wrn-D-K")
    parser.add_argument("--batch", type=positive, default=128)
    parser.add_argument("--precision", choices=["f32", "tf32", "bf16"], default="f32")
    parser.add_argument("--layout", choices=["nchw", "nhwc"], default="nhwc")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--compile", action="store_true",
                        help="through torch.compile(mode='max-autotune')")
    parser.add_argument("--threads", type=positive, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--steps", type=positive, default=9)
    parser.add_argument("--warm-up", type=positive, default=3)
    parser.add_argument("--turns", action="store_true", help="measure once for each line of input")
    return parser.parse_args()


def main():
    options = parse()
    if options.device == "cuda" and not torch.cuda.is_available():
        refuse("PyTorch sees no CUDA device")
    if options.device == "cpu" and options.precision == "tf32":
        refuse("PyTorch has no tf32 on a CPU")
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    tf32 = options.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    step, parameters = make_step(options)
    time_steps(step, options.warm_up, options.device)
    if not options.turns:
        print(json.dumps(measure(options, step, parameters)))
        return
    print(json.dumps({"ready": True, "compiled": options.compile}), flush=True)
    for _ in sys.stdin:
        time_steps(step, 3, options.device)  # the clocks of a device that waited
        print(json.dumps(measure(options, step, parameters)), flush=True)


if __name__ == "__main__":
    main()
