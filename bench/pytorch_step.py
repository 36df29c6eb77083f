"""A network's training step in PyTorch, timed; the other side of bench/compare.  pytorch_wrn.py and
pytorch_inception.py have the networks.

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
import pathlib
import re
import statistics
import sys
import time

CANNOT_RUN = 77


def refuse(reason):
    print(f"{pathlib.Path(sys.argv[0]).name}: {reason}", file=sys.stderr)
    sys.exit(CANNOT_RUN)


try:
    import torch
    from torch.nn import functional as F
except ImportError as error:
    refuse(f"{sys.executable} cannot import PyTorch ({error}); name an interpreter that can by "
           "--python")


def sgd(parameters):
    settings = dict(lr=0.01, momentum=0.9, weight_decay=5e-4)
    parameters = list(parameters)
    try:
        return torch.optim.SGD(parameters, fused=True, **settings)
    except (TypeError, RuntimeError):
        return torch.optim.SGD(parameters, **settings)


def make_step(options, net, side, classes):
    """A function that trains once: done when it returns on a CPU, queued on a GPU."""
    layout = torch.channels_last if options.layout == "nhwc" else torch.contiguous_format
    net = net.train().to(options.device, memory_format=layout)
    optimizer = sgd(net.parameters())
    images = torch.randn(options.batch, 3, side, side)
    images = images.to(options.device, memory_format=layout)
    labels = torch.randint(classes, (options.batch,)).to(options.device)
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
        "network": options.network[0], "side": options.side, "batch": options.batch,
        "precision": options.precision,
        "layout": options.layout, "device": options.device, "compiled": options.compile,
        "threads": torch.get_num_threads(), "parameters": parameters,
        "torch": torch.__version__, ("cudnn" if options.device == "cuda" else "onednn"): library,
        "clock": "device" if options.device == "cuda" else "host", "seconds": seconds,
        "images_per_second": options.batch / statistics.median(seconds),
        "best_images_per_second": options.batch / min(seconds)}


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 1")
    return int(text)


def parse(doc, network):
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--network", type=network.parse, default=network.parse(network.default),
                        metavar=network.pattern)
    parser.add_argument("--side", type=positive, help="pixels of an image either way (default: "
                        "the network's own)")
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


def main(doc, network):
    """network: an object with the pattern of its names, a default, parse() of a name to a match,
    and build() of that to a module, the side and the classes of its images."""
    options = parse(doc, network)
    if options.device == "cuda" and not torch.cuda.is_available():
        refuse("PyTorch sees no CUDA device")
    if options.device == "cpu" and options.precision == "tf32":
        refuse("PyTorch has no tf32 on a CPU")
    torch.manual_seed(1)
    torch.set_num_threads(options.threads)
    torch.backends.cudnn.benchmark = True
    tf32 = options.precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    module, side, classes = network.build(options.network)
    options.side = options.side or side
    step, parameters = make_step(options, module, options.side, classes)
    time_steps(step, options.warm_up, options.device)
    if not options.turns:
        print(json.dumps(measure(options, step, parameters)))
        return
    print(json.dumps({"ready": True, "compiled": options.compile}), flush=True)
    for _ in sys.stdin:
        time_steps(step, 3, options.device)  # the clocks of a device that waited
        print(json.dumps(measure(options, step, parameters)), flush=True)

