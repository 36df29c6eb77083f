#!/usr/bin/env python3
"""Prints optimizers.h: a hundred steps of PyTorch's own optimizers in float64, which test_update.c
holds the backends to.

Sixteen parameters, w_i = cos(i) rounded to float32, with the gradient float32(0.01 sin(0.7 i + 0.3
t) + 0.002) at step t, t = 1..100; weight decay 5e-4 as L2, momentum 0.9, beta1 0.9, beta2 0.99; the
learning rate is 0.1 up to step 50 and 0.02 from then on.

torch.optim.SGD and its momentum and Nesterov forms are the formulas of core/backend/backend.h. 
torch.optim.Adam adds epsilon inside the bias correction where TensorFlow (and the paper) adds it
outside; with epsilon / sqrt(1 - beta2^t) at step t PyTorch's formula is TensorFlow's, so the script
sets that before each step.

    python3 optimizers.py > optimizers.h
"""
import math

import numpy
import torch

COUNT, STEPS, KEPT = 16, 100, (1, 2, 10, 50, 51, 100)
DECAY, MOMENTUM, BETA1, BETA2, EPSILON = 5e-4, 0.9, 0.9, 0.99, 1e-3
NAMES = ("sgd", "momentum", "nesterov", "adam")


def gradient(t):
    return torch.tensor([float(numpy.float32(0.01 * math.sin(0.7 * i + 0.3 * t) + 0.002))
                         for i in range(COUNT)],
                        dtype=torch.float64)


def optimizer(name, w):
    if name == "adam":
        return torch.optim.Adam([w], lr=0.1, betas=(BETA1, BETA2), eps=EPSILON, weight_decay=DECAY)
    momentum = 0.0 if name == "sgd" else MOMENTUM
    return torch.optim.SGD([w], lr=0.1, momentum=momentum, weight_decay=DECAY,
                           nesterov=name == "nesterov")


def run(name):
    w = torch.nn.Parameter(torch.tensor([float(numpy.float32(math.cos(i))) for i in range(COUNT)],
                                        dtype=torch.float64))
    step = optimizer(name, w)
    for t in range(1, STEPS + 1):
        for group in step.param_groups:
            group["lr"] = 0.1 if t <= STEPS // 2 else 0.02
            if name == "adam":
                group["eps"] = EPSILON / math.sqrt(1 - BETA2 ** t)
        w.grad = gradient(t)
        step.step()
        if t in KEPT:
            state = step.state[w]
            zero = torch.zeros(COUNT, dtype=torch.float64)
            moment1 = state.get("exp_avg", state.get("momentum_buffer"))
            moment2 = state.get("exp_avg_sq")
            yield (t, w.detach(), zero if moment1 is None else moment1,
                   zero if moment2 is None else moment2)


def main():
    print(f"/* Made by optimizers.py with PyTorch {torch.__version__.split('+')[0]}; see there.  "
          "[optimizer][kept step][parameter]: w, "
          "moment1, moment2. */")
    print("#ifndef CONFORMANCE_OPTIMIZERS_H\n#define CONFORMANCE_OPTIMIZERS_H\n")
    print(f"#define STORED_COUNT {COUNT}\n#define STORED_STEPS {len(KEPT)}\n")
    print(f"static const int stored_step[STORED_STEPS] = {{{', '.join(map(str, KEPT))}}};\n")
    print("static const struct {\n    double w, moment1, moment2;\n"
          "} stored[4][STORED_STEPS][STORED_COUNT] = {")
    for name in NAMES:
        print(f"    {{ /* {name} */")
        for t, w, moment1, moment2 in run(name):
            print(f"        {{ /* step {t} */")
            for i in range(COUNT):
                print(f"            {{{w[i].item():.15g}, {moment1[i].item():.15g}, "
                      f"{moment2[i].item():.15g}}},")
            print("        },")
        print("    },")
    print("};\n\n#endif")


main()
