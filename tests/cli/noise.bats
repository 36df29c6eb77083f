#!/usr/bin/env bats
# --measure-noise: a file beside the log, and a run that is the same without.
load common
load ranks

# What is measured is the same in two folders of results.
same_noise() {
    local folder
    for folder in "$1"/runs/*/; do
        cmp "$folder/noise.tsv" "$2/runs/$(basename "$folder")/noise.tsv"
    done
}

@test "a run has the bits that it has without, on both backends; its session says how" {
    mini
    local backend
    for backend in openblas onednn; do
        [ -e "$REPRO_BACKEND_PATH/$backend.so" ] || continue
        repro mini --backend $backend --threads 1 --out "plain-$backend"
        [ "$status" -eq 0 ]
        repro mini --backend $backend --threads 1 --out "noisy-$backend" --measure-noise \
            --noise-every 1 --noise-ghosts 5
        [ "$status" -eq 0 ]
        same_runs "plain-$backend" "noisy-$backend"
        # a row before every update
        [ "$(cat noisy-"$backend"/runs/*/noise.tsv | wc -l)" -eq 31 ]
        [ ! -e plain-"$backend"/runs/*/noise.tsv ]
        grep -A 3 measure_noise noisy-"$backend"/runs/*/manifest.json | grep -q '"ghosts": 5'
        ! grep -q noise plain-"$backend"/runs/*/manifest.json
    done
}

@test "on an emulated GPU, whose updates are queued and whose data set lies there" {
    need_emulator
    mini
    repro mini --backend "$emulated" --out plain
    [ "$status" -eq 0 ]
    repro mini --backend "$emulated" --out noisy --measure-noise --noise-every 4
    [ "$status" -eq 0 ]
    same_runs plain noisy
    # what a processor says, but for rounding: tr Sigma to 1 in 1000
    repro mini --out processor --measure-noise --noise-every 4
    paste <(cut -f2,10 noisy/runs/*/noise.tsv) <(cut -f2,10 processor/runs/*/noise.tsv) |
        awk 'NR == 2 && ($1 != $3 || ($2 / $4 - 1) ^ 2 > 1e-6) { exit 1 } END { exit NR != 9 }'
}

# 3900 updates, 390 an epoch: long enough to be cut off in the middle, and behind every epoch a
# measurement is due where the checkpoint is.
long=figure5/smoke/original/1

@test "a run that is killed and goes on measures what it measures in one go" {
    repro run $long --out whole --measure-noise --noise-every 30
    [ "$status" -eq 0 ]
    cut_when 'epoch 2/10' KILL run $long --out cut --measure-noise --noise-every 30
    repro run $long --out cut --measure-noise --noise-every 30
    [ "$status" -eq 0 ]
    same_runs whole cut
    same_noise whole cut
}

@test "one that is stopped without and goes on with it measures the rest" {
    repro run $long --out plain
    cut_when 'epoch 1/10' INT run $long --out late
    repro run $long --out late --measure-noise
    [ "$status" -eq 0 ]
    same_runs plain late
    local rows
    rows=$(wc -l < "$(echo late/runs/*/noise.tsv)")
    [ "$rows" -ge 2 ]
    [ "$rows" -lt 11 ]
}

@test "side by side, by default once an epoch, and drawn" {
    repro figure5 --profile smoke --out one --measure-noise
    [ "$status" -eq 0 ]
    # 140 rows of 7800 in 10 epochs
    [[ $output == *"its noise: once an epoch, on 7 ghosts of 2 rows, 1.8 % of the rows"* ]]
    repro figure5 --profile smoke --out three --jobs 3 --measure-noise --quiet
    [ "$status" -eq 0 ]
    same_runs one three
    same_noise one three
    local noise stem=one/figure5-smoke-synthetic-openblas-s1-noise
    for noise in one/runs/*/noise.tsv; do
        [ "$(wc -l < "$noise")" -eq 11 ]
        # 2 % of 781 rows in ghosts of two
        [ "$(cut -f8 "$noise" | sort -u | head -n 1)" -eq 7 ]
    done
    # four curves of four phases, two rows each, and every measurement
    command -v gnuplot >/dev/null || skip "no gnuplot"
    [ -s $stem.png ] && [ -s $stem.svg ] && [ -s $stem.pdf ]
    [ "$(cut -f2 $stem.tsv | grep -c phase)" -eq 32 ]
    [ "$(cut -f2 $stem.tsv | grep -c measurement)" -eq 40 ]
    # where one run has none, the others are drawn; where none has, none is
    mv $stem.tsv drawn.tsv
    rm "$(ls one/runs/*/noise.tsv | head -n 1)"
    repro plot figure5 --out one
    [ "$status" -eq 0 ]
    [ "$(cut -f2 $stem.tsv | grep -c phase)" -eq 24 ]
    rm one/runs/*/noise.tsv $stem.*
    repro plot figure5 --out one
    [ "$status" -eq 0 ]
    [ ! -e $stem.tsv ]
    [[ $output != *noise* ]]
}

@test "ranks measure what one process measures" {
    need_mpi
    mini
    repro mini --out one --measure-noise
    # of one measurement, in which the gradient is not told from 0: there is no B_simple to draw
    ranks 3 mini --out three --measure-noise
    [ "$status" -eq 0 ]
    same_runs one three
    same_noise one three
}

@test "what cannot be asked for is refused" {
    repro figure5 --profile smoke --measure-noise --noise-ghosts 3
    [ "$status" -eq 2 ]
    [[ $output == *"--noise-ghosts: '3' is no whole number from 4 to 64"* ]]
    repro figure5 --profile smoke --noise-every 3
    [ "$status" -eq 2 ]
    error_says "add --measure-noise"
}

@test "a damaged file of noise is named" {
    cut_when 'epoch 1/10' INT run $long --out cut --measure-noise
    local noise
    noise=$(echo cut/runs/*/noise.tsv)
    sed -i '2s/\t/ /' "$noise"
    repro run $long --out cut --measure-noise
    [ "$status" -eq 1 ]
    error_says "$noise:2: damaged line"
}
