#!/usr/bin/env python3
"""What gpu-acceptance.sh measures and judges by more than a program's exit status.

    gpu-judge.py turns      sides in turns: images per second, the ratio of their medians
    gpu-judge.py curves     the final accuracies of a folder of runs, and how its time was spent
    gpu-judge.py precisions two folders of the same runs: do the final accuracies differ by more
                            than their seeds do

Prints a line "target: WORDS: VALUE: met" or "...: MISSED" for each target, and as the last line
what was seen.  A missed target is a finding, no failure.  Exit status 77: what it needs is missing.
"""
import argparse
import csv
import json
import math
import pathlib
import shlex
import statistics
import subprocess
import sys

CANNOT_RUN = 77
PAPER = {"original": 94.3, "increasing-batch-size": 94.4, "increased-initial-learning-rate": 94.5}
LOWER = "increased-momentum-coefficient"


def target(words, value, met):
    print(f"target: {words}: {value}: {'met' if met else 'MISSED'}")


# ---- Turns ----


class Theirs:
    """A process that measures once for each line of its input."""

    def __init__(self, command):
        self.process = subprocess.Popen(shlex.split(command), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.ready = self.read()

    def read(self):
        line = self.process.stdout.readline()
        return json.loads(line) if line.strip() else None

    def measure(self):
        print(file=self.process.stdin, flush=True)
        return self.read()

    def end(self):
        self.process.stdin.close()
        return self.process.wait()


def start_theirs(command):
    """The process and how it runs; PyTorch as it is where its compiler fails."""
    tries = [command] + ([command.replace(" --compile", "")] if " --compile" in command else [])
    for attempt in tries:
        theirs = Theirs(attempt)
        if theirs.ready is not None:
            return theirs, "compiled" if theirs.ready["compiled"] else "not compiled"
        if theirs.end() == CANNOT_RUN:
            break
    return None, "missing"


def ours_once(command):
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return json.loads(done.stdout)


def spread(rates):
    return f"{statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f})"


def take_turns(options, theirs):
    """{side: images per second of each of its turns}; theirs may be missing."""
    commands = {"ours": options.ours, **({"tuned": options.tuned} if options.tuned else {})}
    rates = {side: [] for side in [*commands, *(["PyTorch"] if theirs else [])]}
    with open(options.log, "w", encoding="utf-8") as log:
        for _ in range(options.turns):
            for side in rates:
                result = ours_once(commands[side]) if side in commands else theirs.measure()
                if result is None:
                    sys.exit("PyTorch ended before its turns did")
                rates[side].append(result["images_per_second"])
                print(json.dumps({"side": side, **result}), file=log, flush=True)
                print(f"{side}: {rates[side][-1]:.0f} images/s by the "
                      f"{result.get('clock', 'host')}'s clock", flush=True)
    return rates


def turns(options):
    theirs, how = start_theirs(options.theirs)
    rates = take_turns(options, theirs)
    if theirs is not None:
        theirs.end()
    other = rates.pop("PyTorch", None)
    medians = {side: statistics.median(own) for side, own in rates.items()}
    ratios = {side: median / statistics.median(other) for side, median in medians.items()} \
        if other else {}
    for side, median in medians.items():
        words = "" if side == "ours" else f"{side}, "
        if options.rate:
            target(f"{words}at least {options.rate:g} images/s", f"{median:.0f}",
                   median >= options.rate)
        if options.ratio and other:
            target(f"{words}at least {options.ratio:g} x PyTorch", f"{ratios[side]:.2f}, {how}",
                   ratios[side] >= options.ratio)
    seen = f"{spread(rates['ours'])} images/s"
    if "tuned" in rates:
        seen += f", tuned {spread(rates['tuned'])}: {medians['tuned'] / medians['ours']:.2f}"
    if not other:
        print(f"{seen}; PyTorch is {how}")
        return CANNOT_RUN
    print(f"{seen}; PyTorch {how} {spread(other)}: "
          + ", ".join(f"{ratio:.2f}" for ratio in ratios.values()))
    return 0


# ---- Curves ----


def read_runs(folder, names=None):
    """{run: {seed: rows of its log}} of a results folder; of the runs named."""
    runs = {}
    for manifest in sorted(pathlib.Path(folder).glob("runs/*/manifest.json")):
        known = json.loads(manifest.read_text(encoding="utf-8"))
        log = manifest.with_name("log.tsv")
        if not log.exists() or (names and known["run"] not in names):
            continue
        with open(log, encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t"))
        if rows:
            runs.setdefault(known["run"], {})[known["identity"]["seed"]] = rows
    return runs


def final(rows):
    return 100.0 * float(rows[-1]["test_accuracy"])


def evaluation_share(runs):
    """The part of an epoch's seconds that is not its rows' training."""
    whole = training = 0.0
    for logs in runs.values():
        for rows in logs.values():
            before = 0
            for row in rows:
                images, before = int(row["images"]) - before, int(row["images"])
                whole += float(row["seconds"])
                training += images / float(row["images_per_second"])
    return (whole - training) / whole, whole


def curves(options):
    runs = read_runs(options.folder, [*PAPER, LOWER] if options.figure5 else None)
    share, seconds = evaluation_share(runs)
    finals = {run: statistics.mean(map(final, logs.values())) for run, logs in runs.items()}
    target("evaluation and the rest below 5 % of the time", f"{100 * share:.1f} %", share < 0.05)
    if options.figure5:
        for run, paper in PAPER.items():
            target(f"{run} within 0.5 points of {paper} %", f"{finals[run]:.2f} %",
                   abs(finals[run] - paper) <= 0.5)
        lowest = min(finals[run] for run in PAPER)
        target(f"{LOWER} below the others", f"{finals[LOWER]:.2f} % by {lowest:.2f} %",
               finals[LOWER] < lowest)
    if options.minutes_target:
        minutes = options.seconds / 60
        target(f"at most {options.minutes_target:g} minutes", f"{minutes:.1f}",
               minutes <= options.minutes_target)
    print(f"{len(runs)} curves, {seconds / 60:.1f} minutes in their logs; final test accuracies "
          + ", ".join(f"{run} {value:.2f}" for run, value in finals.items()))
    return 0


# ---- Precisions ----


def precisions(options):
    one, other = (read_runs(folder) for folder in options.folders)
    differences, variance = [], 0.0
    for run in sorted(one):
        a, b = ([final(rows) for rows in side[run].values()] for side in (one, other))
        differences.append(statistics.mean(b) - statistics.mean(a))
        if len(a) > 1 and len(b) > 1:
            variance += statistics.variance(a) / len(a) + statistics.variance(b) / len(b)
        print(f"{run}: {', '.join(f'{x:.2f}' for x in a)} against "
              f"{', '.join(f'{x:.2f}' for x in b)}: {differences[-1]:+.2f}")
    difference, error = statistics.mean(differences), math.sqrt(variance) / len(differences)
    words = f"{difference:+.2f} points, two standard errors {2 * error:.2f}"
    target("bf16 ends where f32 does, within what seeds differ by", words,
           abs(difference) <= 2 * error)
    print(f"bf16 - f32 over {len(differences)} curves of {len(a)} seeds: {words}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("turns")
    command.set_defaults(run=turns)
    command.add_argument("--ours", required=True, help="command that prints one JSON object")
    command.add_argument("--tuned", help="the same with convolutions chosen by trial")
    command.add_argument("--theirs", required=True,
                         help="command that prints one for each line of input")
    command.add_argument("--log", required=True)
    command.add_argument("--turns", type=int, default=5)
    command.add_argument("--rate", type=float, help="target, images/s")
    command.add_argument("--ratio", type=float, help="target, ours by theirs")
    command = commands.add_parser("curves")
    command.set_defaults(run=curves)
    command.add_argument("folder")
    command.add_argument("--figure5", action="store_true")
    command.add_argument("--seconds", type=float, default=0.0, help="that the training took in all")
    command.add_argument("--minutes-target", type=float)
    command = commands.add_parser("precisions")
    command.set_defaults(run=precisions)
    command.add_argument("folders", nargs=2, metavar="FOLDER")
    options = parser.parse_args()
    sys.exit(options.run(options))


if __name__ == "__main__":
    main()
