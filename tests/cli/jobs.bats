#!/usr/bin/env bats
# Several runs of a figure side by side.
load common

# Three curves of a toy; the third has the second's identity.
twins() {
    toy twins '{ name = "one"; title = "One"; batch_max = 32; lr = 0.1; },
               { name = "two"; title = "Two"; batch_max = 32; },
               { name = "again"; title = "Two again"; batch_max = 32; }'
}

# Fails where a run of one folder of results lacks its twin in the other, or has other bits.
same_runs() {
    [ "$(ls "$1/runs")" = "$(ls "$2/runs")" ]
    local folder
    for folder in "$1"/runs/*/; do
        cmp "$folder/checkpoint.safetensors" "$2/runs/$(basename "$folder")/checkpoint.safetensors"
        cmp <(cut -f1-12 "$folder/log.tsv") <(cut -f1-12 "$2/runs/$(basename "$folder")/log.tsv")
    done
}

@test "--jobs takes a whole number from 1 on" {
    local count
    for count in 0 -1 257 x 1.5 ""; do
        repro figure5 --profile smoke --jobs "$count"
        [ "$status" -eq 2 ]
        [[ $output == *"--jobs: '$count' is no whole number from 1 to 256"* ]]
    done
    [ ! -e results ]
    repro figure5 --help
    grep -qe '--jobs=N' <<< "$output"
}

@test "no bit depends on how many runs are trained at a time; no more than there are runs" {
    repro figure5 --profile smoke --out one
    [ "$status" -eq 0 ]
    local jobs
    for jobs in 3 100; do
        repro figure5 --profile smoke --out "jobs$jobs" --jobs $jobs
        [ "$status" -eq 0 ]
        same_runs one "jobs$jobs"
        [ "$(grep -c ': training, ' <<< "$output")" -eq 4 ]
        grep -q "\"jobs\": $jobs" "jobs$jobs"/runs/*/manifest.json
    done
    [ "$(cat one/runs/*/manifest.json | grep -c '"jobs"')" -eq 0 ]
}

@test "through a pipe every line is whole and names its run, numbered as in the list" {
    repro figure5 --profile smoke --jobs 4 --seeds 2
    [ "$status" -eq 0 ]
    grep -q ", 4 runs at a time$" <<< "${lines[0]}"
    local name n=0 seed line
    local names="original increasing-batch-size increased-initial-learning-rate"
    names="$names increased-momentum-coefficient"
    for seed in 1 2; do
        for name in $names; do
            n=$((n + 1))
            line="^$n/8 $name, seed $seed: epoch [0-9]+/10, update [0-9]+/[0-9]+, .* left [0-9]+ s"
            [ "$(grep -cE "$line(, all [0-9]+ s)?\$" <<< "$output")" -eq 10 ]
            grep -q "^$name, seed $seed: training, " <<< "$output"
        done
    done
    [ "$(grep -c 'epoch ' <<< "$output")" -eq 80 ]
    # the first four begin in the list's order
    [ "$(grep ': training, ' <<< "$output" | head -n 4 | cut -d, -f1 | tr '\n' ' ')" = \
        "$names " ]
}

@test "a second time there is nothing to do" {
    repro figure5 --profile smoke --jobs 4
    repro figure5 --profile smoke --jobs 4
    [ "$status" -eq 0 ]
    [ "$(grep -c 'done before .*nothing to do' <<< "$output")" -eq 4 ]
}

@test "two runs of one identity are trained once" {
    twins
    local jobs
    for jobs in 1 2 3; do
        repro twins --jobs $jobs --out "out$jobs"
        [ "$status" -eq 0 ]
        [ "$(ls "out$jobs/runs" | wc -l)" -eq 2 ]
        [ "$(grep -c '^again: done before' <<< "$output")" -eq 1 ]
        [ "$(grep -l '"twins/again"' "out$jobs"/runs/*/manifest.json | wc -l)" -eq 1 ]
        [ "$(grep -ch '"started"' "out$jobs"/runs/*/manifest.json | sort -u)" = 1 ]
    done
    same_runs out1 out2
    same_runs out1 out3
}

@test "a run that another process holds: its error; the others keep theirs and go on" {
    command -v flock >/dev/null || skip "there is no flock here (Debian: util-linux)"
    repro figure5 --profile smoke --out whole
    local held
    held=$(grep -l '"run": "increased-initial-learning-rate"' whole/runs/*/manifest.json)
    held=$(basename "$(dirname "$held")")
    mkdir -p "cut/runs/$held"
    run flock "cut/runs/$held/lock" "$REPRO_PROGRAM" figure5 --profile smoke --out cut \
        --jobs 3 </dev/null
    [ "$status" -eq 1 ]
    [ "${lines[${#lines[@]}-1]}" \
        = "repro: cut/runs/$held/lock: another process is training this run" ]
    [ "$(grep -c '^repro: stopped after update [0-9]* of run .*the same command goes on' \
        <<< "$output")" -eq 2 ]
    [ "$(ls cut/runs | wc -l)" -eq 3 ] # the fourth did not begin
    [ "$(ls cut/runs/*/checkpoint.safetensors | wc -l)" -eq 2 ]
    repro figure5 --profile smoke --out cut --jobs 3
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "SIGTERM: every run says where it stopped, and the same command finishes with the same bits" {
    repro figure5 --profile smoke --seeds 3 --out whole
    cut_when 'epoch 1/10' TERM figure5 --profile smoke --seeds 3 --out cut --jobs 3
    [ "$status" -eq 1 ]
    local stopped
    stopped=$(grep -c '^repro: stopped after update ' said)
    [ "$stopped" -ge 2 ]
    [ "$(runs_with_status cut running)" -eq "$stopped" ]
    repro figure5 --profile smoke --seeds 3 --out cut --jobs 2
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "killed, the same command finishes with the same bits" {
    repro figure5 --profile smoke --out whole
    # of the four that train at a time the first is by far the longest
    local epoch
    for epoch in 1 3 5; do
        cut_when "^1/4 original: epoch $epoch/10," KILL \
            figure5 --profile smoke --out cut --jobs 4
        [ "$status" -eq 137 ]
        [ "$(runs_with_status cut running)" -ge 1 ]
    done
    repro figure5 --profile smoke --out cut --jobs 4
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "without --threads each run has its share of the cores, which onednn's identity holds" {
    [ -e "${REPRO_BACKEND_PATH%%:*}/onednn.so" ] ||
        skip "the onednn plugin was not built (Debian: libdnnl-dev)"
    repro figure5 --profile smoke --backend onednn --out one --jobs 256
    [ "$status" -eq 0 ]
    grep -q ", 1 threads)" <<< "${lines[0]}"
    repro figure5 --profile smoke --backend onednn --out two --threads 1
    [ "$status" -eq 0 ]
    same_runs one two
    repro plan figure5 --profile smoke --backend onednn --out two --jobs 256
    [ "$status" -eq 0 ]
    [ "$(grep -c 'done' <<< "$output")" -ge 4 ]
}

@test "--threads is said of each run" {
    repro figure5 --profile smoke --threads 2 --jobs 2
    [ "$status" -eq 0 ]
    grep -q ", 2 threads), 2 runs at a time" <<< "${lines[0]}"
}

@test "all figures with --jobs: shared runs are trained once; a study is measured as without" {
    repro all --profile smoke --jobs 3
    [ "$status" -eq 0 ]
    [ "$(ls -d results/runs/*/ | wc -l)" -eq 25 ]
    grep -q "^figure5  *done, no claim failed" <<< "$output"
    grep -q "^appendix-a  *done, no claim failed" <<< "$output"
    [ "$(grep -c ', 3 runs at a time' <<< "$output")" -eq 6 ]
}

@test "no bit on an emulated GPU either" {
    need_emulator
    twins
    repro twins --backend "$emulated" --seeds 2 --out one
    [ "$status" -eq 0 ]
    repro twins --backend "$emulated" --seeds 2 --out three --jobs 3
    [ "$status" -eq 0 ]
    same_runs one three
}
