#!/usr/bin/env bats
# What of a figure is left to do here: done, begun, stale, and for how long.
load common

left() {
    grep -E "^  $1 +$2 " <<< "$output"
}

@test "plan before anything is trained: times from timed updates, memory, nothing written" {
    repro plan figure5 --profile smoke
    [ "$status" -eq 0 ]
    left original 1 | grep -q "3900 .*not begun"
    grep -q "Time: [1-9].* images/s .*timed updates" <<< "$output"
    grep -q "Memory: [1-9].* MiB" <<< "$output"
    [ ! -e results ]
}

@test "plan after training: done, and times from the logs" {
    repro figure5 --profile smoke
    repro plan figure5 --profile smoke --seeds 2
    left original 1 | grep -q " 0 .*done"
    left original 2 | grep -q "3900 .*not begun"
    grep -q "from the median of 40 epochs in the logs of 4 runs" <<< "$output"
    # figure 3 shares one run with figure 5
    repro plan figure3 --profile smoke
    left momentum-decaying-learning-rate 1 | grep -q "done"
    left momentum-hybrid 1 | grep -q "not begun"
}

@test "plan says how far a run that was cut off has come" {
    repro figure5 --profile smoke
    folder=$(dirname "$(grep -l '"run": "original"' results/runs/*/manifest.json)")
    sed -i 's/"status": "done"/"status": "running"/' "$folder/manifest.json"
    head -n 4 "$folder/log.tsv" > log && mv log "$folder/log.tsv"
    repro plan figure5 --profile smoke
    left original 1 | grep -q "2730 .*begun, 3 of 10 epochs done"
}

@test "plan names the field that made a run stale, also under another figure's name" {
    own_share
    repro figure2 --profile smoke
    repro figure5 --profile smoke
    sed -i 's/weight_decay = 5e-4/weight_decay = 1e-4/' share/experiments/cifar10.conf
    repro plan figure5 --profile smoke
    left original 1 | grep -q "3900 .*stale: optimizer.weight_decay was 0.0005, is 0.0001$"
    left increased-momentum-coefficient 1 |
        grep -q "stale: optimizer.weight_decay was 0.0005, is 0.0001$"
    repro plan figure5 --profile smoke --seed 2
    left original 2 | grep -q "not begun"
}

@test "plan without a backend is still a plan, and says why the rest is missing" {
    REPRO_BACKEND_PATH=/nowhere repro plan figure5
    [ "$status" -eq 0 ]
    grep -qw 78000 <<< "$output"
    grep -q "not known: .*/nowhere" <<< "$output"
    repro plan figure1
    [ "$status" -eq 0 ]
    [[ $output != *"Here:"* ]]
}

@test "--convention changes counts, and is a part of a run's identity" {
    repro plan figure5 --convention last_batch=keep
    grep -q "increased-initial-learning-rate .*6500 .*below 6500: differs" <<< "$output"
    repro plan figure5 --convention extra_epochs=5
    grep -qw 79950 <<< "$output"
    repro plan figure5 --convention last_batch=kept
    [ "$status" -eq 2 ]
    error_says "last_batch=kept" "drop or keep"
    repro figure5 --profile smoke
    repro figure5 --profile smoke --convention last_batch=keep --out other
    [ "$status" -eq 3 ] # 6500 updates are not under 6500
    for convention in early_steps=1 moments_at_step=reset; do
        repro figure5 --profile smoke --convention $convention --out other
        [ "$status" -eq 0 ]
    done
    repro figure5 --profile smoke --convention extra_epochs=20 --out other
    [ "$status" -eq 3 ] # nor are 85800 about 80000
    [ "$(ls -d other/runs/*/ | wc -l)" -eq 16 ]
    for folder in results/runs/*/; do
        [ ! -e "other/runs/$(basename "$folder")" ]
    done
    grep -q '"last_batch": "keep"' other/runs/*/manifest.json
}

@test "how TF-slim trains is four conventions: in identity, manifest, figure and checkpoint" {
    slim=weight_decay_on=weights,label_smoothing=0.1,bn_gamma=no,running_statistics=update
    repro plan figure5 --profile smoke -C $slim
    grep -q "weight decay on weights only, labels smoothed by 0.1, batch norm without gamma" \
        <<< "$output"
    repro figure5 --profile smoke --out slim -C $slim
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    [ "$(runs_with_status slim done)" -eq 4 ]
    for words in '"weight_decay_on": "weights"' '"label_smoothing": 0.1' '"bn_gamma": "no"' \
        '"running_statistics": "update"'; do
        [ "$(grep -l "$words" slim/runs/*/manifest.json | wc -l)" -eq 4 ]
    done
    grep -q "labels smoothed by 0.1, batch norm without gamma, running statistics per update" \
        slim/figure5-smoke-*.tsv
    for folder in slim/runs/*/; do
        grep -aq 'param/[a-z0-9.]*beta' "$folder/checkpoint.safetensors"
        [ "$(grep -ac gamma "$folder/checkpoint.safetensors")" -eq 0 ]
    done
    repro check figure5 --profile smoke --out slim -C $slim
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    grep -q "by the plan and by 2 logs" <<< "$output"
    repro check figure5 --profile smoke --out slim # other runs, of which there is none
    [[ $output == *"nothing trained so far"* && $output != *"by 1 log"* ]]
    grep -q "other settings than today's: conventions was .*bn_gamma" <<< "$output"
}

@test "a convention of training is refused where it has no meaning or no such value" {
    repro plan figure5 --profile smoke -C label_smoothing=1
    [ "$status" -eq 2 ]
    error_says "label_smoothing=1" "below 1"
    repro plan figure5 --profile smoke -C bn_gamma=of
    [ "$status" -eq 2 ]
    error_says "bn_gamma=of" "yes or no"
    own_share
    sed -i 's/weight_decay = .*;/weight_decay = 0.0;/' share/experiments/cifar10.conf
    repro plan figure5 --profile smoke -C weight_decay_on=weights
    [ "$status" -ne 0 ]
    error_says "weight_decay_on=weights" "its weight_decay is 0"
}
