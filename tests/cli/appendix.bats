#!/usr/bin/env bats
# Appendix A at profile smoke, on synthetic data.
load common

@test "appendix-a: measured, drawn three ways, the table beside it" {
    repro appendix-a --profile smoke
    [ "$status" -eq 0 ]
    for kind in png svg pdf tsv; do
        [ -s results/appendix-a-smoke-synthetic-openblas-s1.$kind ]
    done
    summary=results/appendix-a-smoke-synthetic-openblas-s1-summary.tsv
    [ "$(wc -l < $summary)" -eq 17 ] # eight runs, held and in training
    # predicted N_lost is eq. (13)'s, at the scale of the profile: 2 / (781 (1 - 0.9))
    [ "$(awk -F'\t' '$2 == "momentum-9-batch-128" && $3 == "held" { print $7 }' $summary)" \
        = 0.0256082 ]
    # the accumulation begins at nothing and grows along G
    grep -q "Weights held" <<< "$output"
    [ ! -e results/runs ]
    grep -q "Appendix A" results/appendix-a-smoke-synthetic-openblas-s1.svg
}

@test "appendix-a: the same command gives the same numbers" {
    repro appendix-a --profile smoke --out one
    repro appendix-a --profile smoke --out two --threads 1
    cmp one/*-s1.tsv two/*-s1.tsv
    cmp one/*-summary.tsv two/*-summary.tsv
}

@test "plan appendix-a names N_lost; check says that there are no claims" {
    repro plan appendix-a --profile paper
    [ "$status" -eq 0 ]
    [[ $output != *"left to do"* ]]
    grep -q "0.0256" <<< "$output"
    repro check appendix-a --profile smoke
    [ "$status" -eq 0 ]
    grep -q "states no claims" <<< "$output"
}

@test "appendix-a measures the network that its conventions name, one for all runs" {
    repro appendix-a --profile smoke -C bn_gamma=no
    [ "$status" -eq 0 ]
    grep -q "batch norm without gamma" results/appendix-a-*-s1.tsv
    own_share
    sed -i 's/name = "momentum-9-batch-640";/& label_smoothing = 0.1;/' \
        share/experiments/appendix-a.exp
    repro appendix-a --profile smoke --out other
    [ "$status" -eq 1 ]
    error_says "run 'momentum-9-batch-640'" "label_smoothing" "'defaults'"
}

@test "an unknown study is named" {
    own_share
    sed -i 's/study = "accumulation"/study = "acumulation"/' share/experiments/appendix-a.exp
    repro appendix-a --profile smoke
    [ "$status" -eq 1 ]
    error_says "appendix-a.exp:" "'study' is \"acumulation\"" "accumulation"
}
