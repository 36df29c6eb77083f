#!/usr/bin/env bats
# repro check: the paper's claims, judged by the plan and by what is trained.
load common

# A claim of its own at the end of figure5's.
add_claim() {
    own_share
    sed -i '$ d' share/experiments/figure5.exp
    sed -i '$ s/}$/},/' share/experiments/figure5.exp
    printf '    {\n%s\n    }\n);\n' "$1" >> share/experiments/figure5.exp
}

@test "before any training: counts hold by the plan, the rest is not run" {
    repro check figure5 --profile small
    [ "$status" -eq 0 ]
    [ "$(grep -c '^HOLDS' <<< "$output")" -eq 5 ]
    [ "$(grep -c '^NOT RUN' <<< "$output")" -eq 2 ]
    [[ $output == *"36.1 times"* && $output == *"at profile small"* ]]
    [ -z "$(ls)" ]
}

@test "a narrower network makes the paper's counts, and no verdict passes for the paper's own" {
    repro check figure5 --profile narrow
    [ "$status" -eq 0 ]
    [ "$(grep -c 'at profile narrow, section' <<< "$output")" -eq 7 ]
    [[ $output != *"at the paper's scale"* && $output == *"36.1 times as many: 78000"* ]]
    repro check figure5 --profile paper
    [[ $output != *"at profile"* ]]
}

@test "a claim that does not hold: FAILS, and exit 3" {
    add_claim '        quote = "under 2000 updates"; section = "0"; kind = "updates_below";
        run = "increased-momentum-coefficient"; value = 2000; from = "a test";'
    repro check figure5 --profile small
    [ "$status" -eq 3 ]
    grep -A1 '^FAILS' <<< "$output" | grep -q "under 2000 updates"
}

@test "after a training: logs are compared with their plan, verdicts are kept" {
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    repro check figure5 --profile smoke
    [ "$status" -eq 0 ]
    [[ $output == *"by the plan and by 1 log"* ]]
    [ -s results/figure5-smoke-synthetic-openblas-claims.tsv ]
}

@test "a log that is not its plan's does not hold" {
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    local log
    for log in results/runs/*/log.tsv; do
        awk -F'\t' -v OFS='\t' 'NR > 1 { $2 += 1 } { print }' "$log" > changed && mv changed "$log"
        unseal "${log%log.tsv}manifest.json" result # by which the log would be refused
    done
    repro check figure5 --profile smoke
    [ "$status" -eq 3 ]
    [ "$(grep -c '^FAILS' <<< "$output")" -eq 5 ]
    grep -q "a log of original leaves its plan at epoch 1: 391 updates, planned 390" <<< "$output"
}

@test "an unknown key, kind or run in a claim is named with its line" {
    add_claim '        quote = "x"; section = "0"; kind = "updates_belov"; run = "original";
        value = 1; from = "a test";'
    repro check figure5
    [ "$status" -eq 1 ]
    line=$(grep -n 'updates_belov' share/experiments/figure5.exp | cut -d: -f1)
    error_says "figure5.exp:$line: 'kind' is \"updates_belov\"; did you mean \"updates_below\"?"
}
