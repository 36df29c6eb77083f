#!/usr/bin/env bats
# What of a figure is left to do here: done, begun, stale, and for how long; what its network comes
# to.
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
    unseal "$folder/manifest.json" status running
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

# imagenet NAME:NETWORK:SIDE...: an experiment "big" on ImageNet with these profiles.
imagenet() {
    own_share
    local profiles= profile name network side
    for profile in "$@"; do
        IFS=: read -r name network side <<< "$profile"
        profiles="$profiles${profiles:+,} { name = \"$name\"; words = \"of a test\";
            network = \"$network\"; side = $side; divide = 1; epochs = 4; test_n = 32;
            micro_ghosts = 1; }"
    done
    cat > share/experiments/big.exp <<EXP
name = "big";
title = "A toy on large images";
dataset = "imagenet";
groups = 8;
train_n = 160;
epochs = 4;
defaults = { optimizer = "momentum"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8;
             weight_decay = 5e-4; steps = [ 2 ]; factor = 2.0; action = "grow_batch"; };
default_profile = "paper";
profiles = ( $profiles );
runs = ( { name = "one"; title = "One"; batch_max = 32; } );
EXP
}

# Of the table of layers: what stands as totals, and what the columns add up to, "PARAMS MAC" each.
totals() {
    awk '$1 == "total" { print $2, $3 }' <<< "$output"
}

sums() {
    awk '$1 == "total" { printf "%.0f %.0f\n", params, macs }
         in_table { params += $(NF - 1); macs += $NF } $1 == "layer" { in_table = 1 }' <<< "$output"
}

@test "plan says what the network comes to: WRN-16-4, as published" {
    REPRO_BACKEND_PATH=/nowhere repro plan figure5
    grep -qx "wrn-16-4 for images of 32 x 32 pixels and 10 classes: 2,748,890 parameters," \
        <<< "$output"
    repro plan figure5 --layers
    [ "$status" -eq 0 ]
    [ "$(totals)" = "2748890 392612352" ]
    [ "$(sums)" = "2748890 392612352" ]
    # 64 channels at 32 x 32 from 64, 3x3: 64 * 64 * 9 weights, at 1024 places
    grep -qE "^group1.block2.conv1 +conv 3x3 p1 +64x32x32 +36864 +37748736$" <<< "$output"
    grep -qE "^group2.block1.shortcut +conv 1x1 s2 +128x16x16 +8192 +2097152$" <<< "$output"
    [[ $output != *"original"* ]]
}

@test "plan says what Inception-ResNet-V2 comes to, and lists its layers in 80 columns" {
    imagenet paper:inception-resnet-v2:299 least:inception-resnet-v2:75
    REPRO_BACKEND_PATH=/nowhere repro plan big
    [ "$status" -eq 0 ]
    grep -qx "inception-resnet-v2 for images of 299 x 299 pixels and 1000 classes: 55,843,464 \
parameters," <<< "$output"
    grep -qx "13.156 GMAC forward and 78.896 GFLOP to train on, an image." <<< "$output"
    repro plan big --layers
    [ "$status" -eq 0 ]
    [ "$(totals)" = "$(sums)" ]
    [ "$(totals | awk '{ printf "%d %.3f", $1, $2 / 1e9 }')" = "55843464 13.156" ]
    [ "$(awk '/^layer/ { table = 1 } table && length > 80' <<< "$output" | wc -l)" -eq 0 ]
    [ "$(grep -c " conv [0-9]" <<< "$output")" -eq 244 ]
    repro plan big --layers -C bn_gamma=no
    [ "$(totals | cut -d ' ' -f 1)" -eq 55813192 ]
    repro plan big --layers
    grep -qE "^b7.branch2.conv2 +conv 1x7 p0,3 +160x17x17 +143360 +41431040$" <<< "$output"
    grep -qE "^reduction-b.branch3.conv3 +conv 3x3 s2 +320x8x8 +829440 +53084160$" <<< "$output"
    grep -qE "^mixed.branch4.pool1 +avg_pool 3x3 p1 +192x35x35 +- +-$" <<< "$output"
    # another side: as many parameters, other work
    repro plan big --layers --profile least
    [ "$(totals)" = "$(sums)" ]
    read -r params macs <<< "$(totals)"
    [ "$params" -eq 55843464 ]
    [ "$macs" -lt 1000000000 ]
}

@test "plan of a network that its images do not fit, and of layers where nothing is trained" {
    imagenet paper:inception-resnet-v2:74
    repro plan big --layers
    [ "$status" -eq 1 ]
    error_says "inception-resnet-v2" "74 x 74" "75 x 75"
    repro plan figure1 --layers
    [ "$status" -eq 2 ]
    error_says "figure1" "trains no network"
}

@test "plan says where the data here are of fewer classes than the whole set" {
    imagenet paper:tiny:32
    repro plan big --layers
    params=$(totals | cut -d ' ' -f 1)
    repro plan big
    [ "$status" -eq 0 ]
    # 990 classes fewer: of eight channels, and a bias
    grep -qx "  These data have 10 classes and 32 x 32 pixels: the network has \
$((params - 990 * 9)) parameters here." <<< "$output"
    repro plan figure5 --profile smoke
    [[ $output != *"These data"* ]]
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

@test "plan at ImageNet's scale needs no memory for images, and no folder" {
    imagenet paper:tiny:48
    sed -i 's/^train_n.*/train_n = 1281167;/' share/experiments/big.exp
    repro plan big
    [ "$status" -eq 0 ]
    grep -q "N = 1281167 of 1281167 training images" <<< "$output"
    grep -q "^Here: synthetic-imagenet data" <<< "$output"
    grep -qE "^  Time: [1-9].* images/s .*timed updates" <<< "$output"
    [[ $output != *"These data have"* ]] # they have a thousand classes, as they should
    memory=$(sed -n 's/^  Memory: \([0-9]*\) MiB.*/\1/p' <<< "$output")
    [ "$memory" -gt 0 ] && [ "$memory" -lt 1000 ] # the images alone are 8 GiB
}

# predicted RUN: its row of the first table.
predicted() {
    grep -m 1 -E "^  $1 " <<< "$output"
}

@test "plan --workers: without backend or data, a table, the most useful number, a figure" {
    REPRO_BACKEND_PATH=/nowhere repro plan figure5 --workers 1,8,64,512 --link 25GB/s,2us \
        --speed 1000
    [ "$status" -eq 0 ]
    # 4 (P + R) bytes and a tail of 32
    grep -qx "A link of 25 GB/s and 2 us; a sum of gradients is 11.01 MB\..*" <<< "$output"
    # 200 epochs of 390 updates of 128 images, and 10000 test images at a third each
    predicted original | grep -qE "^  original +3.0 h "
    # a batch of one ghost batch is one worker's, however many there are; a grown one is not
    grep -qxE "  original +in 8 groups 1, 1, 1, 1; B/ghost 1, 1, 1, 1" <<< "$output"
    grep -qxE "  increasing-batch-size +in 8 groups 1, 5, 8, 8; B/ghost 1, 5, 25, 40" <<< "$output"
    grep -qx "drawn: results/figure5-paper-workers.{png,svg,pdf}, points in .*" <<< "$output"
    [ "$(ls results | tr '\n' ' ')" = "figure5-paper-workers.pdf figure5-paper-workers.png \
figure5-paper-workers.svg figure5-paper-workers.tsv " ]
    python3 - results/figure5-paper-workers.tsv <<'PY'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1]), delimiter="\t"))
def seconds(title, groups, workers):
    return [float(r["seconds"]) for r in rows if (r["title"], r["groups"], r["workers"], r["asked"])
            == (title, groups, str(workers), "1")][0]
one, grown = "Original training schedule", "Increasing batch size"
assert abs(seconds(one, "experiment", 1) - 200 * (390 * 128 + 10000 / 3) / 1000) < 1e-3
assert seconds(one, "workers", 64) > 0.9 * seconds(one, "workers", 1)
assert seconds(grown, "workers", 64) < 0.4 * seconds(grown, "workers", 1)
assert seconds(grown, "experiment", 64) > seconds(grown, "workers", 64)
PY
}

@test "plan --workers: the speed from the logs of one process, as the plan has it" {
    repro figure5 --profile smoke
    repro plan figure5 --profile smoke --workers 1,2
    [ "$status" -eq 0 ]
    grep -qE "^Time among workers of .* images/s each, from the median of 40 epochs" <<< "$output"
    # what several processes made is none of one's
    local manifest
    for manifest in results/runs/*/manifest.json; do
        unseal "$manifest"
        sed -i 's/"started"/"ranks": 2, &/' "$manifest"
    done
    grep -q '"ranks": 2' results/runs/*/manifest.json
    repro plan figure5 --profile smoke --workers 1,2
    [ "$status" -eq 0 ]
    grep -qE "^Time among workers of .* images/s each, from 3 timed updates" <<< "$output"
}

@test "plan --workers: what cannot be is refused, and nothing is written" {
    repro plan figure5 --workers 8,1 --speed 1
    [ "$status" -eq 2 ]
    error_says "--workers: '8,1' is no list" "1,8,64"
    repro plan figure5 --workers 1,8 --speed 1 --link 25GB/s
    [ "$status" -eq 2 ]
    error_says "--link: '25GB/s'" "25GB/s,2us"
    repro plan figure5 --workers 1,8 --speed 0
    [ "$status" -eq 2 ]
    repro plan figure5 --link 25GB/s,2us
    [ "$status" -eq 2 ]
    error_says "--link and --speed belong to --workers"
    repro plan figure5 --workers 1,8 --layers
    [ "$status" -eq 2 ]
    error_says "--workers and --layers"
    repro plan figure1 --workers 1,8 --speed 1
    [ "$status" -eq 2 ]
    error_says "figure1 shows schedules and trains no network"
    repro plan appendix-a --workers 1,8 --speed 1
    [ "$status" -eq 2 ]
    error_says "appendix-a measures and trains no runs"
    REPRO_BACKEND_PATH=/nowhere repro plan figure5 --workers 1,8
    [ "$status" -ne 0 ]
    error_says "the speed of one worker is not known here; give it by --speed" "/nowhere"
    [ ! -e results ]
}
