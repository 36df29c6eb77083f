#!/usr/bin/env bats
# Results by themselves: found, judged and drawn again where there is neither data nor backend.
load common

# The project's own results at a profile, in a folder of this test.
kept_results() {
    local profile=${1:-small}
    [ -d "$REPRO_SHARE/doc/results/$profile/runs" ] || skip "no doc/results in this tree"
    cp -r "$REPRO_SHARE/doc/results/$profile" kept
    chmod -R u+w kept
    export REPRO_BACKEND_PATH=/nonexistent
    unset REPRO_BACKEND
}

# figure, options: judged and drawn as it was when it was trained.
same_as_kept() {
    local figure=$1 stem=$2
    shift 2
    cp kept/"$stem"-claims.tsv before-claims.tsv
    cp kept/"$stem"-s1.tsv before.tsv
    rm kept/"$stem"-s1.*
    repro check "$figure" --out kept "$@"
    [ "$status" -eq 0 ] || [ "$status" -eq 3 ]
    cmp before-claims.tsv kept/"$stem"-claims.tsv
    repro plot "$figure" --out kept "$@"
    [ "$status" -eq 0 ]
    cmp before.tsv kept/"$stem"-s1.tsv
    for kind in png svg pdf; do
        [ -s kept/"$stem"-s1.$kind ]
    done
}

@test "where one set of results is there, check and plot need no option but --out" {
    kept_results
    same_as_kept figure2 figure2-small-cifar10-onednn
    same_as_kept figure3 figure3-small-cifar10-onednn
    same_as_kept figure4 figure4-small-cifar10-onednn
    [ "$status" -eq 0 ]
}

@test "a claim that does not hold of kept results fails here" {
    kept_results
    repro check figure5 --out kept --precision bf16
    [ "$status" -eq 0 ]
    own_share # 11.24 points lower
    sed -i 's/small = 0.004;/small = 0.2;/' share/experiments/figure5.exp
    repro check figure5 --out kept --precision bf16
    [ "$status" -eq 3 ]
    grep -A5 '^FAILS' <<< "$output" | grep -q "11.24 points lower"
}

@test "of a figure that is trained in part, what is known is judged and nothing is drawn" {
    kept_results paper
    local stem=figure5-paper-cifar10-cudnn-bf16
    cp kept/$stem-claims.tsv before-claims.tsv
    repro check figure5 --out kept
    [ "$status" -eq 0 ]
    cmp before-claims.tsv kept/$stem-claims.tsv
    [[ $output == *"29040 updates, by the plan and by 1 log"* ]]
    [[ $output == *"of 7 claims 5 hold, 0 fail, 0 need more runs, 2 not run"* ]]
    repro plot figure5 --out kept
    [ "$status" -eq 1 ]
    error_says "run 'original' with seed 1 is not done"
    [ ! -e kept/$stem-s1.png ]
}

@test "where several are, they are listed and one is asked for" {
    kept_results
    repro check figure5 --out kept
    [ "$status" -eq 2 ]
    [ "$(grep -c '^    --set ' <<< "$output")" -eq 4 ]
    [[ $output == *"onednn-bf16, 1 thread"* && $output == *"openblas"* ]]
    error_says "figure5: 4 sets of results" "--precision"
    repro plot figure5 --out kept
    [ "$status" -eq 2 ]
    same_as_kept figure5 figure5-small-cifar10-onednn-bf16 --precision bf16
    same_as_kept figure5 figure5-small-cifar10-openblas --backend openblas
    same_as_kept figure5 figure5-small-cifar10-onednn --backend onednn --precision f32 --threads 1
    repro check figure5 --out kept --backend onednn --precision f32
    [ "$status" -eq 2 ]
    [ "$(grep -c '^    --set ' <<< "$output")" -eq 2 ]
    local set
    set=$(sed -n 's/^    --set \([0-9a-f]*\) .*2 threads.*/\1/p' <<< "$output")
    repro check figure5 --out kept --set "$set"
    [ "$status" -eq 0 ]
}

@test "what does not fit is not judged by something else" {
    kept_results
    repro check figure5 --out kept --backend cudnn
    [ "$status" -eq 2 ]
    error_says "none of the results" "kept"
    repro check figure5 --out kept --profile quick # not trained: by the plan alone
    [ "$status" -eq 0 ]
    [[ $output == *"profile quick, nothing trained so far"* ]]
    [ ! -e kept/figure5-quick-cifar10-onednn-claims.tsv ]
    repro plot figure1 --out new # schedules need no results
    [ "$status" -eq 0 ]
    [ -s new/figure1-paper.png ]
    repro plot figure5 --out elsewhere
    [ "$status" -eq 1 ]
    [ ! -e elsewhere ]
    error_says "no finished run under 'elsewhere'" "repro figure5"
    repro check figure5 --out kept --profile smal
    [ "$status" -eq 2 ]
    error_says "smal" "small"
}

@test "schedules and the appendix are drawn again too" {
    kept_results
    cp kept/figure1-paper.tsv before.tsv
    repro plot figure1 --out kept
    [ "$status" -eq 0 ]
    cmp before.tsv kept/figure1-paper.tsv
    cp kept/appendix-a-small-cifar10-onednn-s1.tsv before.tsv
    rm kept/appendix-a-small-cifar10-onednn-s1.png
    repro plot appendix-a --out kept
    [ "$status" -eq 0 ]
    cmp before.tsv kept/appendix-a-small-cifar10-onednn-s1.tsv
    [ -s kept/appendix-a-small-cifar10-onednn-s1.png ]
    grep -q "G is the mean gradient" kept/appendix-a-small-cifar10-onednn-s1.svg
    repro plot appendix-a --out kept --backend openblas
    [ "$status" -eq 1 ]
    error_says "no results under 'kept'"
}

@test "every whole seed is drawn; --seed and --seeds choose" {
    repro figure5 --profile smoke --seeds 2
    [ "$status" -eq 0 ]
    local stem=results/figure5-smoke-synthetic-openblas
    cp $stem-s1-2.tsv both.tsv
    rm results/*.*
    export REPRO_BACKEND_PATH=/nonexistent
    unset REPRO_BACKEND
    repro plot figure5
    [ "$status" -eq 0 ]
    cmp both.tsv $stem-s1-2.tsv
    repro plot figure5 --seed 2
    [ "$status" -eq 0 ]
    [ -s $stem-s2.png ]
    repro check figure5
    [ "$status" -eq 0 ]
    [[ $output == *"by the plan and by 2 logs"* ]]
    repro plot figure5 --seeds 3
    [ "$status" -eq 1 ]
    error_says "run 'original' with seed 3 is not done"
}

@test "a run whose manifest is damaged is named, and no other is hidden by it" {
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    local manifest
    manifest=$(ls -d results/runs/*/manifest.json | head -n 1)
    printf '{ "run"' > "$manifest"
    repro plot figure5
    [ "$status" -eq 1 ]
    error_says "$manifest" "damaged"
}

@test "a folder named by --data is compared at the profile that is looked at" {
    toy mini '{ name = "one"; title = "One"; batch_max = 32; }'
    local half='name = "half"; words = "less"; network = "tiny"; divide = 2; epochs = 4;'
    half="{ $half test_n = 16; micro_ghosts = 1; }, "
    sed -i "s/^profiles = ( /&$half/" share/experiments/mini.exp
    fake_cifar data
    for profile in mini half; do
        repro mini --profile $profile --data data
        [ "$status" -eq 0 ]
    done
    for profile in mini half; do
        repro plot mini --profile $profile --data data
        [ "$status" -eq 0 ]
        [[ $output == *"mini-$profile-cifar10-openblas-s1"* ]]
    done
    local file=data/cifar-10-batches-bin/data_batch_1.bin
    printf 'x' | dd of=$file bs=1 seek=9 conv=notrunc 2>/dev/null
    repro plot mini --profile half --data data # other pixels: another data set
    [ "$status" -eq 2 ]
    error_says "none of the results"
}

@test "results that differ in threads alone have files of their own" {
    kept_results
    cp kept/figure5-small-cifar10-onednn-s1.tsv before.tsv
    repro plot figure5 --out kept --backend onednn --precision f32 --threads 2
    [ "$status" -eq 0 ]
    [ -s kept/figure5-small-cifar10-onednn-t2-s1.svg ]
    cmp before.tsv kept/figure5-small-cifar10-onednn-s1.tsv
    repro check figure5 --out kept --backend onednn --precision f32 --threads 2
    [ -s kept/figure5-small-cifar10-onednn-t2-claims.tsv ]
}
