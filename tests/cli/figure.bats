#!/usr/bin/env bats
# The main job at profile smoke, on synthetic data.
load common

@test "a convention of the command line has a figure of its own" {
    mini
    repro mini
    [ "$status" -eq 0 ]
    find results -maxdepth 1 -type f -exec md5sum {} + > before
    repro mini --convention moments_at_step=reset
    [ "$status" -eq 0 ]
    [ -s results/mini-mini-synthetic-openblas-moments_at_step=reset-s1.tsv ]
    md5sum -c --quiet before
}

@test "figure5: four curves, drawn three ways, with logs, manifests and checkpoints" {
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    for kind in png svg pdf tsv; do
        [ -s results/figure5-smoke-synthetic-openblas-s1.$kind ]
    done
    grep -q "Synthetic" results/figure5-smoke-synthetic-openblas-s1.svg
    grep -q "smoke" results/figure5-smoke-synthetic-openblas-s1.svg
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 4 ]
    for folder in results/runs/*/; do
        [ -s "$folder/manifest.json" ]
        [ -s "$folder/checkpoint.safetensors" ]
        [ "$(wc -l < "$folder/log.tsv")" -eq 11 ]
    done
    [ -z "$(find results -name '*.part')" ]
}

@test "figure5 again does no work and says why" {
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    find results/runs -type f -exec md5sum {} + | sort > before
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    [ "$(grep -c 'done before .*nothing to do' <<< "$output")" -eq 4 ]
    find results/runs -type f -exec md5sum {} + | sort > after
    cmp before after
}

@test "the same command in two places gives the same bits" {
    repro figure5 --profile smoke --out one
    [ "$status" -eq 0 ]
    repro figure5 --profile smoke --out two --threads 1
    [ "$status" -eq 0 ]
    for folder in one/runs/*/; do
        cmp "$folder/checkpoint.safetensors" "two/runs/$(basename "$folder")/checkpoint.safetensors"
        cut -f1-12 "$folder/log.tsv" > a
        cut -f1-12 "two/runs/$(basename "$folder")/log.tsv" > b
        cmp a b
    done
}

@test "another seed is another run" {
    repro figure5 --profile smoke
    repro figure5 --profile smoke --seed 2
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 8 ]
    [ -s results/figure5-smoke-synthetic-openblas-s2.png ]
}

@test "killed at any time, the same command finishes with the same bits" {
    repro figure5 --profile smoke --out whole
    [ "$status" -eq 0 ]
    # in the first run, early and late, and in the second: each cut hits a training under way
    local moment
    for moment in "1/4 original: epoch [23]/10" "1/4 original: epoch [5-7]/10" \
        "2/4 .*: epoch [12]/10"; do
        cut_when "^$moment," KILL figure5 --profile smoke --out cut
        [ "$status" -eq 137 ]
        [ "$(runs_with_status cut running)" -eq 1 ]
    done
    cut_when "^2/4 .*: epoch [2-7]/10," TERM figure5 --profile smoke --out cut
    [ "$status" -eq 1 ]
    grep -q '^repro: stopped after update [0-9]* of run .*the same command goes on' said
    repro figure5 --profile smoke --out cut
    [ "$status" -eq 0 ]
    grep -q "^increasing-batch-size, seed 1: going on" <<< "$output"
    for folder in whole/runs/*/; do
        cmp "$folder/checkpoint.safetensors" "cut/runs/$(basename "$folder")/checkpoint.safetensors"
    done
}

@test "updates in the log are the plan's" {
    repro figure5 --profile smoke
    repro plan figure5 --profile smoke
    for folder in results/runs/*/; do
        updates=$(tail -n 1 "$folder/log.tsv" | cut -f2)
        grep -q "\"planned_updates\": $updates," "$folder/manifest.json"
        grep -qw "$updates" <<< "$output"
    done
}

@test "real data: figure5 from the binary files" {
    [ -n "${REPRO_REAL_DATA:-}" ] || skip "REPRO_DATA does not name a folder with CIFAR-10"
    repro figure5 --profile smoke --data "$REPRO_REAL_DATA"
    [ "$status" -eq 0 ]
    grep -q "CIFAR-10, profile smoke" results/figure5-smoke-cifar10-openblas-s1.svg
}

@test "changing an experiment file needs no rebuild" {
    own_share
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    sed -i '0,/weight_decay *= *[0-9.e-]*/s//weight_decay = 1e-3/' share/experiments/cifar10.conf
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 8 ]
}

@test "figure1: drawn from the schedules, without a backend or data" {
    REPRO_BACKEND_PATH=/nowhere REPRO_BACKEND= repro figure1
    [ "$status" -eq 0 ]
    for kind in png svg pdf tsv; do
        [ -s results/figure1-paper.$kind ]
    done
    grep -q "nothing was trained" results/figure1-paper.svg
    [ ! -e results/runs ]
    grep -q "HOLDS .*~80000 updates" <<< "$output"
}

@test "figures 2 and 3 share three runs, each trained once" {
    repro figure2 --profile smoke
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 3 ]
    repro figure3 --profile smoke
    [ "$status" -eq 0 ]
    [ "$(grep -c 'done before .*nothing to do' <<< "$output")" -eq 3 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 6 ]
    grep -q "(b) SGD with Nesterov momentum" results/figure3-smoke-synthetic-openblas-s1.svg
}

@test "figure4: vanilla SGD and Adam" {
    repro figure4 --profile smoke
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*-sgd-*/ results/runs/*-adam-*/ | wc -l)" -eq 6 ]
    [ -s results/figure4-smoke-synthetic-openblas-s1.png ]
}

@test "--seeds 2: two runs a curve, the mean drawn with a band" {
    repro figure5 --profile smoke --seeds 2
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 8 ]
    grep -q "Means of 2 seeds" <<< "$output"
    grep -q "mean of seeds 1 to 2" results/figure5-smoke-synthetic-openblas-s1-2.svg
    # the mean of the two logs' last accuracies is the table's
    original=$(tail -n +4 results/figure5-smoke-synthetic-openblas-s1-2.tsv |
        awk -F'\t' '$1 == 1' | tail -n 1 | cut -f14)
    for folder in results/runs/*/; do
        grep -q '"run": "original"' "$folder/manifest.json" || continue
        tail -n 1 "$folder/log.tsv" | cut -f12
    done | awk -v drawn="$original" '{ sum += $1 }
        END { d = sum / 2 - drawn; exit !(NR == 2 && d < 1e-6 && d > -1e-6) }'
}

@test "--seeds takes a count" {
    for count in 0 65 x; do
        repro figure5 --profile smoke --seeds $count
        [ "$status" -eq 2 ]
    done
}

@test "without gnuplot a training ends with its results, and says how to draw them later" {
    mkdir empty
    PATH=$PWD/empty run "$REPRO_PROGRAM" figure5 --profile smoke </dev/null
    [ "$status" -eq 0 ]
    grep -q "^not drawn: gnuplot is not on the PATH" <<< "$output"
    grep -q "^increased-momentum-coefficient  *[0-9]" <<< "$output"
    grep -q "of 7 claims" <<< "$output"
    repro plot figure5 --profile smoke --out results
    [ "$status" -eq 0 ]
    ls results/figure5-smoke*.png
    rm -r results/*.png
    PATH=$PWD/empty run "$REPRO_PROGRAM" figure1 </dev/null # of which there is nothing else
    [ "$status" -eq 77 ]
}

@test "all: every figure, shared runs trained once, a table of what came of each" {
    repro all --profile smoke
    [ "$status" -eq 0 ]
    for n in 1 2 3 4 5 6 7; do
        grep -q "^figure$n  *done, no claim failed" <<< "$output"
        ls results/figure$n-smoke*.png
    done
    # 3 of figures 2 and 3, 3 Nesterov, 3 SGD, 3 Adam, 3 of figure 5 that no other has; two seeds
    # each of 2 of figure 6 and 3 of figure 7
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 25 ]
    # and the report of it all
    grep -q "^page: results/report.html" <<< "$output"
    [ "$(grep -c '<section class="set" id="figure' results/report.html)" -eq 7 ]
    grep -q '<section class="set" id="appendix-a-smoke' results/report.html
}
