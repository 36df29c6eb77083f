#!/usr/bin/env bats
# A backend from outside: built from what is installed alone, found, judged, trained with.
load common
load installed

setup_file() {
    install_once || return 1
    command -v pkg-config >/dev/null && command -v cc >/dev/null || return 0
    example "$BATS_FILE_TMPDIR/plain" &&
        example "$BATS_FILE_TMPDIR/wrong" 's/+= (float)bias;/+= 0.99f * (float)bias;/' weighted.c &&
        example "$BATS_FILE_TMPDIR/crashing" \
            's/^    if (!net->can_backward)$/    abort();\n&/' net.c &&
        example "$BATS_FILE_TMPDIR/poor" 's/(2u << REPRO_OP_COUNT) - 2u/& - (1u << 10)/' plain.c
}

setup_example() {
    command -v pkg-config >/dev/null || skip "pkg-config is not installed (Debian: pkg-config)"
    command -v cc >/dev/null || skip "cc is not installed (Debian: gcc)"
    [ -e "$REPRO_CONFORMANCE_PATH/test_ops" ] || skip "no cmocka (Debian: libcmocka-dev)"
    plugin=$BATS_FILE_TMPDIR/$1/plain.so
    [ -e "$plugin" ]
}

@test "pkg-config knows contract, header and plugin folder" {
    setup_example plain
    export PKG_CONFIG_LIBDIR
    PKG_CONFIG_LIBDIR=$(dirname "$(installed repro-backend.pc)")
    local header
    header=$(installed include/repro/backend.h)
    [ "$(pkg-config --modversion repro-backend)" = "$(sed -n \
        's/^#define REPRO_ABI_M[A-Z]* //p' "$header" | tr '\n' . | sed 's/\.$//')" ]
    [ "$root$(pkg-config --variable=plugindir repro-backend)" = \
        "$(dirname "$(find "$root" -name openblas.so)")" ]
    [ -e "$root$(pkg-config --variable=exampledir repro-backend)/plain.c" ]
}

@test "a plugin from outside is found and trains figure5" {
    setup_example plain
    export REPRO_BACKEND_PATH=$BATS_FILE_TMPDIR/plain
    repro backends
    [ "$status" -eq 0 ]
    [[ $output == *"plain 1.0, contract 1."*", $plugin"* ]]
    repro figure5 --profile smoke --backend plain --out out
    [ "$status" -eq 0 ]
    [ "$(runs_with_status out done)" -eq 4 ]
    [ -s out/figure5-smoke-synthetic-plain-s1.tsv ]
}

@test "the example conforms, as the installed program sees it" {
    setup_example plain
    cd "$BATS_FILE_TMPDIR/plain"
    alone "$(installed bin/repro)" conform ./plain.so --only ops,update,recorded
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == "plain 1.0, contract 1."*", on any processor, 1 threads" ]]
    [[ $output == *"it does not claim to do:"*"precisions tf32, bf16"*"data_put: "* ]]
    grep -qE '^ops +[0-9]+ passed; worst error [0-9.]+e-[0-9]+, bound 1e-05: ' <<<"$output"
    grep -qE '^update +[0-9]+ passed; worst error ' <<<"$output"
    grep -qE '^recorded +0 passed, [0-9]+ not claimed$' <<<"$output"
    [[ $output == *"not claimed: ./plain.so has no net_history"* ]]
    [ "${lines[-1]}" = "conforms: 3 of 11 parts ran, and nothing failed" ]
}

@test "a wrong bias gradient is caught, with its error and its bound" {
    setup_example wrong
    repro conform "$plugin" --only ops,update
    [ "$status" -eq 1 ]
    grep -qE '^ops +[0-9]+ passed, [0-9]+ FAILED; worst error [0-9.]+e-0[23], bound 1e-05: ' \
        <<<"$output"
    grep -qE '^    .*: gradients of .*bias differ from the reference by .* \(trial.c:[0-9]+\)$' \
        <<<"$output"
    grep -qE '^update +[0-9]+ passed; ' <<<"$output"
    [[ ${lines[-1]} == "does not conform: ops; one by hand: "*"/test_ops" ]]
}

@test "a plugin that crashes fails, and the next part is run" {
    setup_example crashing
    repro conform "$plugin" --only ops,update
    [ "$status" -eq 1 ]
    [[ $output == *"the program was killed by signal 6"* ]]
    grep -qE '^update +[0-9]+ passed; ' <<<"$output"
    [[ ${lines[-1]} == "does not conform: ops; "* ]]
}

@test "what is not claimed is no failure" {
    setup_example poor
    repro conform "$plugin" --only ops
    [ "$status" -eq 0 ]
    [[ $output == *"    operations dropout"* ]]
    grep -qE '^ops +[0-9]+ passed, [0-9]+ not claimed; worst error ' <<<"$output"
}

@test "conform: no plugin, one that is refused, one without a device, an unknown part" {
    repro conform
    [ "$status" -eq 2 ]
    [[ $output == *"which plugin? its path, as ./mine.so, or its name"* ]]
    repro conform nonsense
    [ "$status" -eq 1 ]
    error_says "no backend 'nonsense'"
    repro conform "$REPRO_STUBS/no_plugin.so"
    [ "$status" -eq 1 ]
    error_says no_plugin.so
    repro conform "$REPRO_STUBS/future.so"
    [ "$status" -eq 77 ]
    error_says "a stub has no device"
    repro conform openblas --only ops,opps
    [ "$status" -eq 2 ]
    error_says "--only: unknown part 'opps'; did you mean 'ops'?"
    REPRO_CONFORMANCE_PATH=$PWD repro conform openblas --only ops
    [ "$status" -eq 77 ]
    error_says "$PWD/test_ops: no such program; it is built where cmocka is"
}
