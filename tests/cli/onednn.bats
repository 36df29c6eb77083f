#!/usr/bin/env bats
# The onednn plugin through the command line.
load common

# The plugin is optional, and an error when it was asked for.
need_onednn() {
    [ -e "${REPRO_BACKEND_PATH%%:*}/onednn.so" ] && return
    [[ ,${REPRO_REQUIRE:-}, != *,onednn,* ]] ||
        { echo "REPRO_REQUIRE names onednn, but it was not built"; return 1; }
    skip "the onednn plugin was not built (Debian: libdnnl-dev)"
}

@test "onednn is the default where it is built" {
    need_onednn
    unset REPRO_BACKEND
    repro figure5 --profile smoke --threads 1
    [ "$status" -eq 0 ]
    [ -s results/figure5-smoke-synthetic-onednn-s1.png ]
}

@test "openblas is the default where onednn is not" {
    need_onednn
    [ -e "${REPRO_BACKEND_PATH%%:*}/openblas.so" ] || skip "the openblas plugin was not built"
    mkdir plugins
    ln -s "${REPRO_BACKEND_PATH%%:*}/openblas.so" plugins/
    export REPRO_BACKEND_PATH=$PWD/plugins
    unset REPRO_BACKEND
    repro backends
    [ "$status" -eq 0 ]
    ! grep -q '^onednn' <<< "$output" || skip "onednn is installed as well"
    repro figure5 --profile smoke --threads 1
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == *"backend openblas ("* ]]
    [ -s results/figure5-smoke-synthetic-openblas-s1.png ]
}

@test "two runs, the same bits; the threads and the algorithms are part of the identity" {
    need_onednn
    local out
    for out in one two; do
        repro figure5 --profile smoke --backend onednn --threads 1 --out $out
        [ "$status" -eq 0 ]
    done
    for run in one/runs/*; do
        cmp "$run/checkpoint.safetensors" "two/runs/${run##*/}/checkpoint.safetensors"
        grep -q '"algorithms": "direct' "$run/manifest.json"
        grep -q '"threads": 1' "$run/manifest.json"
    done
    repro figure5 --profile smoke --backend onednn --threads 2 --out one
    [ "$status" -eq 0 ]
    [ "$(ls one/runs | wc -l)" -eq $((2 * $(ls two/runs | wc -l))) ]
}

@test "the manifest says what was chosen for each convolution" {
    need_onednn
    repro figure5 --profile smoke --backend onednn --threads 1
    [ "$status" -eq 0 ]
    grep -qE '"node [0-9]+ conv 3x3/1 .*: forward .*, data .*, weights ' \
        results/runs/*/manifest.json
}

@test "the rule for convolutions can be switched to direct, and is another run then" {
    need_onednn
    repro bench --backend onednn --network wrn-10-1 --batch 16 --steps 1 --describe
    [ "$status" -eq 0 ]
    grep -q "conv" <<< "$output"
    REPRO_ONEDNN_CONVOLUTION=direct repro bench --backend onednn --network wrn-10-1 --batch 16 \
        --steps 1 --describe
    [ "$status" -eq 0 ]
    [[ $output != *wino* ]]
    REPRO_ONEDNN_CONVOLUTION=direct repro backends
    grep -A4 '^onednn' <<< "$output" | grep -qE 'algorithms +direct$'
    REPRO_ONEDNN_CONVOLUTION=fast repro figure5 --profile smoke --backend onednn
    [ "$status" -ne 0 ]
    error_says REPRO_ONEDNN_CONVOLUTION fast direct
}

@test "bf16 is computed, or refused with the reason" {
    need_onednn
    repro figure5 --profile smoke --backend onednn --precision bf16 --threads 1
    [ "$status" -eq 0 ] || error_says bf16 "AVX-512"
    repro figure5 --profile smoke --backend onednn --precision tf32
    [ "$status" -ne 0 ]
    error_says tf32
}
