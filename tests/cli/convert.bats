#!/usr/bin/env bats
# repro convert.
load common

@test "the paper's schedule: its batch-size twin, and the updates saved" {
    repro convert 0.1@0 0.02@60 0.004@120 0.0008@160 --batch-max 5120
    [ "$status" -eq 0 ]
    [[ $output == *"78000 updates"* && $output == *"29040 updates"* &&
        $output == *"48960 updates saved"* ]]
    [[ $output == *"batch_max = 5120;"* ]]
}

@test "a larger initial learning rate and momentum" {
    repro convert "0.1@0 0.02@60 0.004@120 0.0008@160" --batch-max 5120 --new-lr 0.5 \
        --new-momentum 0.98
    [ "$status" -eq 0 ]
    [[ $output == *"2160 updates"* && $output == *"36.1 times fewer"* ]]
}

@test "and back: batches in, learning rates out" {
    repro convert 0.1x128@0 0.1x640@60 0.1x3200@120 0.1x16000@160 --to lr
    [ "$status" -eq 0 ]
    [[ $output == *"78000 updates"* && $output == *"0.0008"* && $output == *"49200 updates more"* ]]
}

@test "the output is a run that an experiment file takes" {
    own_share
    repro convert 0.1@0 0.02@60 0.004@120 0.0008@160 --to hybrid
    [ "$status" -eq 0 ]
    sed -n '/^for an experiment file:/,$ p' <<< "$output" | sed 1d > run
    awk 'FNR == NR { run = run $0 "\n"; next }
        { print }
        /^runs = \(/ { sub(/ *\n$/, "", run); printf "%s,\n", run }' \
        run "$REPRO_SHARE/experiments/figure5.exp" > figure9.exp
    mv figure9.exp share/experiments/figure9.exp
    sed -i 's/^name = "figure5"/name = "figure9"/' share/experiments/figure9.exp
    repro plan figure9
    [ "$status" -eq 0 ]
    [[ $output == *"34320"* ]]
}

@test "other rules: sqrt and seesaw, and an experiment file that says one" {
    repro convert 0.8@0 0.2@60 --rule seesaw --batch 64 --batch-max 4096 --train-n 50000
    [ "$status" -eq 0 ]
    [[ $output == *"61-200      256        0.4"* && $output == *'rule = "seesaw";'* ]]
    [[ $output == *"rule seesaw: lr/sqrt(B) falls as in the schedule given"* ]]
    repro convert 0.8@0 0.2@60 --rule sqrt --batch 64
    [ "$status" -eq 0 ]
    [[ $output == *"61-200     1024        0.8"* ]]
    repro convert 0.8@0 0.2@60 --rule cube
    [ "$status" -eq 2 ]
    [[ $output == *"--rule: 'cube' is none of"* ]]
    toy mini '{ name = "one"; title = "One"; rule = "sqrt"; factor = 2.0; }'
    repro plan mini --profile mini
    [ "$status" -eq 0 ]
    [[ $output == *" 64 "* ]]
    sed -i 's/"sqrt"/"square"/' share/experiments/mini.exp
    repro plan mini --profile mini
    [ "$status" -eq 1 ]
    error_says "mini.exp:" "square" "sqrt"
}

@test "json for a callback" {
    command -v python3 >/dev/null || skip "python3 is not installed"
    repro convert 0.1@0 0.02@60 --epochs 120 --format json
    [ "$status" -eq 0 ]
    python3 -c 'import json, sys
t = json.load(sys.stdin)
assert [p["batch_size"] for p in t["phases"]] == [128, 640]
assert [p["learning_rate"] for p in t["phases"]] == [0.1, 0.1]
assert t["updates"] == sum(p["updates"] for p in t["phases"])' <<< "$output"
}

@test "bad schedules and options are named" {
    repro convert
    [ "$status" -eq 2 ]
    repro convert 0.1@0 0.2@60
    [ "$status" -eq 2 ]
    error_says "0.2@60" "does not fall"
    repro convert 0.1@0 0.07@60
    [ "$status" -ne 0 ]
    error_says "no whole batch"
    repro convert 0.1@0 --to sideways
    [ "$status" -eq 2 ]
    [[ $output == *"sideways"* && $output == *"hybrid"* ]]
}
