#!/usr/bin/env bats
# repro export.
load common

# $python has these packages, or a skip.  They are only looked for: to import one takes seconds.
need_python() {
    python=${REPRO_PYTHON:-python3}
    command -v "$python" >/dev/null || skip "there is no $python"
    local package
    for package in "$@"; do
        "$python" -c "import importlib.util, sys
sys.exit(importlib.util.find_spec('$package') is None)" || skip "$python has no $package"
    done
}

# Expected rows of a schedule file's own table, from phases "FIRST_EPOCH LR BATCH UPDATES" an epoch:
# expect_table EPOCHS PHASE...
expect_table() {
    local epochs=$1
    shift
    printf '%s\n' "$@" | awk -v epochs="$epochs" '
        { first[NR] = $1; lr[NR] = $2; batch[NR] = $3; updates[NR] = $4 }
        END {
            print "epoch\tlearning_rate\tbatch_size\tupdates"
            for (e = 0; e < epochs; e++) {
                p += first[p + 1] == e && p < NR
                print e "\t" lr[p] "\t" batch[p] "\t" updates[p]
            }
        }'
}

# The tables that files of schedules print, one behind the other, by one process: table FILE...
table() {
    "$python" -c 'import runpy, sys
for path in sys.argv[1:]:
    runpy.run_path(path, run_name="__main__")' "$@" > table
}

# trained SEEDS: the runs that most tests read, a toy of two schedules.
trained() {
    toy mini '{ name = "one"; title = "One, \"first\""; batch_max = 32; },
              { name = "two"; title = "Two"; action = "decay_lr"; }'
    repro mini --seeds "$1"
    [ "$status" -eq 0 ]
}

@test "curves: a row an epoch of every finished run, with the log's own digits" {
    trained 2
    repro export mini --as curves --to ex
    [ "$status" -eq 0 ]
    [ "$output" = "exported: ex/mini-mini-synthetic-openblas.{csv,json}, 4 runs" ]
    local table=ex/mini-mini-synthetic-openblas.csv log
    local names=figure,profile,data,backend,run,seed
    names+=,$(head -qn 1 results/runs/*/log.tsv | sort -u | tr '\t' ,)
    [ "$(head -n 1 $table)" = "$names" ]
    [ "$(wc -l < $table)" -eq 17 ]
    # every log's row stands in it
    for log in results/runs/*/log.tsv; do
        sed 1d "$log" | tr '\t' , | while read -r row; do
            [ "$(grep -c -- ",$row\$" $table)" -ge 1 ] || { echo "lacks $row"; return 1; }
        done
    done
    [ "$(cut -d, -f 1-4 $table | sed 1d | sort -u)" = mini,mini,synthetic,openblas ]
    [ "$(cut -d, -f 5,6 $table | sed 1d | uniq | tr '\n' ' ')" = "one,1 one,2 two,1 two,2 " ]
    cp -r ex before
    repro export mini --as curves --to ex
    diff -r before ex
    # one run, by its id
    repro export mini/mini/two/2 --as curves --to ex
    [ "$status" -eq 0 ]
    [ "$output" = "exported: ex/mini-mini-two-s2.{csv,json}, 1 run" ]
    [ "$(wc -l < ex/mini-mini-two-s2.csv)" -eq 5 ]
}

@test "curves: the JSON is the same table, with where each run came from" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    trained 1
    repro export mini --as curves
    [ "$status" -eq 0 ]
    python3 - results/export/mini-mini-synthetic-openblas results/runs <<'PY'
import csv, glob, json, sys
stem, runs = sys.argv[1:]
table = json.load(open(stem + ".json"))
rows = list(csv.DictReader(open(stem + ".csv", newline="")))
assert list(table["rows"][0]) == table["columns"] == list(rows[0])
assert len(table["rows"]) == len(rows) == 8
for one, other in zip(table["rows"], rows):
    for name, text in other.items():
        assert one[name] == (text if isinstance(one[name], str) else float(text)), name
assert set(table["units"]) <= set(table["columns"])
found = {run["identity_hash"]: run for run in table["runs"]}
for path in glob.glob(runs + "/*/manifest.json"):
    manifest = json.load(open(path))
    run = found.pop(manifest["identity_hash"])
    assert run["identity"] == manifest["identity"] and run["run"] == manifest["run"]
    assert run["result"]["updates"] == manifest["result"]["updates"]
    assert run["sessions"][0]["commit"] == manifest["sessions"][0]["commit"]
assert not found
assert table["runs"][0]["title"] == 'One, "first"'
PY
}

@test "tensorboard: the real reader finds every epoch at its update, with the log's values" {
    need_python tensorboard
    trained 1
    repro export mini --as tensorboard --to ex
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "exported: ex/tensorboard/mini-mini-one-s1" ]
    "$python" - ex/tensorboard/mini-mini-one-s1 results/runs <<'PY'
import calendar, csv, glob, json, struct, sys, time
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for path in glob.glob(sys.argv[2] + "/*/manifest.json"):
    manifest = json.load(open(path))
    if (manifest["run"], manifest["identity"]["seed"]) == ("one", 1):
        log = list(csv.DictReader(open(path.replace("manifest.json", "log.tsv")), delimiter="\t"))
        begun = manifest["sessions"][0]["started"]
begun = calendar.timegm(time.strptime(begun, "%Y-%m-%dT%H:%M:%SZ"))
events = EventAccumulator(sys.argv[1])
events.Reload()
tags = {"loss/train": "train_loss", "loss/train_l2": "train_loss_l2", "loss/test": "test_loss",
        "accuracy/train": "train_accuracy", "accuracy/test": "test_accuracy",
        "schedule/learning_rate": "lr", "schedule/batch_size": "batch",
        "schedule/momentum": "momentum", "schedule/noise_scale": "noise_scale",
        "progress/epoch": "epoch", "progress/images": "images",
        "progress/images_per_second": "images_per_second"}
assert sorted(events.Tags()["scalars"]) == sorted(tags), events.Tags()
for tag, column in tags.items():
    spent = 0.0
    found = events.Scalars(tag)
    assert len(found) == len(log) == 4
    for event, row in zip(found, log):
        spent += float(row["seconds"])
        assert event.step == int(row["updates"])
        assert event.value == struct.unpack("<f", struct.pack("<f", float(row[column])))[0], tag
        assert abs(event.wall_time - begun - spent) < 1e-3
PY
}

@test "weights: PyTorch loads them strictly, and every value is the checkpoint's" {
    need_python torch numpy
    trained 1
    repro export mini/mini/one/1 --as weights --to ex
    [ "$status" -eq 0 ]
    [ "$output" = "exported: ex/weights/mini-mini-one-s1" ]
    cp -r ex before
    repro export mini/mini/one/1 --as weights --to ex
    diff -r before ex
    cd ex/weights/mini-mini-one-s1
    run "$python" network.py .
    [ "$status" -eq 0 ]
    [[ $output == "tiny: "*" parameters" ]]
    grep -q 'mean 127.3, 127.3, 127.3 and deviation 53.4, 53.4, 53.4' README.md
    grep -q 'epsilon 1e-05\.' README.md
    "$python" - "$scratch"/results/runs <<'PY'
import glob, json, sys
import torch
from network import load, read
network, facts = load(".")
assert facts["format"] == "pt" and facts["test_images"] == "32", facts
for path in glob.glob(sys.argv[1] + "/*/manifest.json"):
    manifest = json.load(open(path))
    if manifest["identity_hash"] == facts["identity"]:
        checkpoint, _ = read(path.replace("manifest.json", "checkpoint.safetensors"))
        updates = manifest["result"]["updates"]
own = {"weights": "weight", "gamma": "weight", "beta": "bias", "bias": "bias",
       "mean": "running_mean", "variance": "running_var"}
state = network.state_dict()
for name, value in checkpoint.items():
    arena, _, rest = name.partition("/")
    node, _, part = rest.rpartition(".")
    if arena in ("param", "running"):
        assert torch.equal(state.pop(f"{node}.{own[part]}"), value), name
assert state and all(name.endswith("num_batches_tracked") for name in state)
assert {int(value) for value in state.values()} == {updates}
PY
}

@test "weights: the program's own test accuracy, in PyTorch on CIFAR-10" {
    [ -n "$REPRO_REAL_DATA" ] || skip "REPRO_DATA names no CIFAR-10"
    need_python torch numpy
    local id=figure2/smoke/momentum-increasing-batch-size/1 folder
    repro run $id --data "$REPRO_REAL_DATA"
    [ "$status" -eq 0 ]
    repro export $id --as weights
    [ "$status" -eq 0 ]
    folder=results/export/weights/figure2-smoke-momentum-increasing-batch-size-s1
    run "$python" $folder/network.py $folder --test "$REPRO_REAL_DATA"
    [ "$status" -eq 0 ]
    [[ ${lines[1]} =~ ^"test accuracy: "(0\.[0-9]{6})", repro's own: "(0\.[0-9]{6})$ ]]
    [ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] || { echo "$output"; return 1; }
}

@test "weights: without a checkpoint, or with a damaged one, there are none" {
    mini
    repro mini
    [ "$status" -eq 0 ]
    local file
    file=$(ls results/runs/*/checkpoint.safetensors)
    cp "$file" whole
    printf '\1' | dd of="$file" bs=1 seek=$(($(stat -c %s "$file") - 9)) conv=notrunc 2>/dev/null
    repro export mini --as weights
    [ "$status" -eq 1 ]
    error_says "$file: damaged: its checksum does not fit"
    head -c 3000 whole > "$file"
    repro export mini --as weights
    [ "$status" -eq 1 ]
    error_says "$file: cut short or no safetensors file"
    rm "$file"
    repro export mini --as weights
    [ "$status" -eq 1 ]
    error_says "$file: is not there: a run's parameters lie in its checkpoint"
    [ -z "$(find results/export -type f 2>/dev/null)" ]
    # what needs none is there all the same
    repro export mini --as tensorboard
    [ "$status" -eq 0 ]
}

@test "schedule: without any run, four files for each; what PyTorch makes of them is the plan" {
    repro export figure5 --as schedule --profile paper --to ex
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 16 ]
    [ ! -e results ]
    need_python torch
    { # the second is a MultiStepLR
        expect_table 200 "0 0.1 128 390" "60 0.1 640 78" "120 0.1 3200 15" "160 0.032 5120 9"
        expect_table 200 "0 0.1 128 390" "60 0.02 128 390" "120 0.004 128 390" \
            "160 0.0008 128 390"
    } > wanted
    table ex/figure5-paper-{increasing-batch-size,original}/schedule_pytorch.py
    diff wanted table
}

@test "schedule: what bs-scheduler makes of it is the plan" {
    need_python torch bs_scheduler
    repro export figure5 --as schedule --profile paper --to ex
    [ "$status" -eq 0 ]
    # one factor throughout: MultiStepBS
    repro convert 0.1@0 0.05@2 0.025@5 --epochs 8 --batch 16 --train-n 1000 --format bs-scheduler
    [ "$status" -eq 0 ]
    echo "$output" > twin.py
    {
        expect_table 200 "0 0.1 128 390" "60 0.1 640 78" "120 0.1 3200 15" "160 0.032 5120 9"
        expect_table 8 "0 0.1 16 62" "2 0.1 32 31" "5 0.1 64 15"
    } > wanted
    table ex/figure5-paper-increasing-batch-size/schedule_bs_scheduler.py twin.py
    diff wanted table
}

@test "schedule: what Keras makes of it is the plan" {
    need_python keras torch
    repro convert 0.1@0 0.05@1 0.025@3 --epochs 4 --batch 16 --train-n 200 --batch-max 32 \
        --format keras
    [ "$status" -eq 0 ]
    echo "$output" > twin.py
    expect_table 4 "0 0.1 16 12" "1 0.1 32 6" "3 0.05 32 6" > wanted
    KERAS_BACKEND=torch table twin.py
    diff wanted table
}

# The numbers of an option's argument as Megatron-LM reads them: "THRESHOLD:BATCH ..." with
# thresholds in tokens, which it divides by --seq-length.
megatron_phases() {
    sed -n "s/.*--step-batch-size-schedule '\([^']*\)'.*/\1/p" <<< "$1" | tr ' ' '\n' |
        awk -F: -v length_="$2" 'NF != 2 || $1 !~ /^[0-9]+$/ || $2 !~ /^[0-9]+$/ { exit 1 }
            { printf "%d:%d ", $1 / length_, $2 }'
}

@test "schedule: Megatron-LM's options, by its grammar: thresholds in tokens, a launch a rate" {
    repro export figure5 --as schedule --profile paper --to ex
    [ "$status" -eq 0 ]
    run env SEQ_LENGTH=1024 sh ex/figure5-paper-increasing-batch-size/schedule_megatron.sh
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 2 ] # B_max leaves a factor for the learning rate
    # images: 60 epochs of 390 x 128, 60 of 78 x 640, 40 of 15 x 3200, 40 of 9 x 5120
    local line
    for line in "${lines[@]}"; do
        [ "$(megatron_phases "$line" 1024)" = "0:128 2995200:640 5990400:3200 7910400:5120 " ]
        [[ $line == "--train-samples 9753600 --seq-length 1024 "* ]]
        [[ $line == *" --optimizer sgd --sgd-momentum 0.9 --weight-decay 0.0005 "* ]]
        [[ $line == *" --lr-decay-style constant --lr-warmup-samples 0 "* ]]
    done
    [[ ${lines[0]} == *" --lr 0.1 --min-lr 0.1 --exit-interval 28680" ]]
    [[ ${lines[1]} == *" --lr 0.032 --min-lr 0.032 --override-opt_param-scheduler" ]]
    run env SEQ_LENGTH=7 sh ex/figure5-paper-original/schedule_megatron.sh
    [ "${#lines[@]}" -eq 4 ]
    [ "$(megatron_phases "${lines[3]}" 7)" = "0:128 " ]
    [[ ${lines[2]} == *" --lr 0.004 "*" --exit-interval 62400" ]]
    run env -u SEQ_LENGTH sh ex/figure5-paper-original/schedule_megatron.sh
    [ "$status" -ne 0 ]
    [[ $output == *"set it to the tokens of a row"* ]]
    # no words for Nesterov
    repro export figure3 --as schedule --to ex3
    [ "$status" -eq 0 ]
    [[ $output == *"left out: nesterov-decaying-learning-rate: Megatron-LM has no option for \
Nesterov momentum; take another format"* ]]
}

@test "what cannot be exported is refused with the mend" {
    repro export
    [ "$status" -eq 2 ]
    repro export figure5
    [ "$status" -eq 2 ]
    error_says "export: as what? --as weights, curves, tensorboard or schedule"
    repro export figure5 --as pictures
    [ "$status" -eq 2 ]
    repro export figure9 --as curves
    [ "$status" -eq 2 ]
    repro export figure5 --as curves
    [ "$status" -eq 1 ]
    error_says "figure5: no finished run under 'results'; \`repro figure5\` trains them"
    repro export figure1 --as curves
    [ "$status" -eq 2 ]
    error_says "figure1 trains nothing: of its runs only --as schedule is there"
    repro export figure5/quick/original --as curves
    [ "$status" -eq 2 ]
    error_says "export: 'figure5/quick/original' is no run's id"
    repro export figure5/quick/original/1 --as curves --seed 2
    [ "$status" -eq 2 ]
    error_says "export: the id says profile and seed"
    repro export figure5/quick/orignal/1 --as schedule
    [ "$status" -eq 2 ]
    error_says "orignal" "did you mean 'original'"
    repro export figure5 --as schedule --profile hugo
    [ "$status" -eq 2 ]
    [ ! -e results ]
}

@test "a folder that cannot be written is an error, and nothing half-written is left" {
    mini
    repro mini
    touch file
    repro export mini --as curves --to file/ex
    [ "$status" -eq 1 ]
    error_says "file"
}
