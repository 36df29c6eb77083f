#!/usr/bin/env bats
# doctor: each thing that it looks at is seen to be fine, and seen to be missing.
load common

# The trials of one plugin that is fast enough without a library of its own.
only_openblas() {
    mkdir plugins
    ln -s "$(ls "${REPRO_BACKEND_PATH%%:*}"/openblas.so)" plugins/
    export REPRO_BACKEND_PATH=$PWD/plugins
}

doctor() {
    repro doctor --brief --limit 1000 "$@" # a slow machine is no hanging plugin
}

# says MARK NAME WORDS: one of its lines.
says() {
    local line
    printf -v line '%s  %-17s %s' "$1" "$2" "$3"
    [[ $output == *"$line"* ]] || { echo "'$line' is not in: $output"; return 1; }
}

last() {
    echo "${lines[${#lines[@]}-1]}"
}

@test "where nothing is missing: exit 0, what to do next, and nothing is written" {
    only_openblas
    doctor
    [ "$status" -eq 0 ]
    says ok processor ""
    says ok GPU ""
    says ok "backend openblas" "what the main job takes: right numbers in f32; OpenBLAS "
    says ok experiments "read, from $REPRO_SHARE/experiments"
    says ok results "'results' can be written and has room: "
    says ok gnuplot "gnuplot "
    says -- CIFAR-10 "not here: figures 2 to 5 train on a synthetic set and say so"
    [[ $output == *"\`repro fetch cifar10\` brings it, 170 MB"* ]]
    [ "$(last)" = \
        "\`repro figure5\` can run; for the real data \`repro fetch cifar10\` comes first." ]
    [ "$(ls)" = plugins ]
}

@test "a PATH without gnuplot" {
    only_openblas
    mkdir none
    run env PATH="$PWD/none" "$REPRO_PROGRAM" doctor --brief --limit 1000 </dev/null
    [ "$status" -eq 1 ]
    says '!!' gnuplot "is not on the PATH, and draws the figures"
    [[ $output == *"install the package gnuplot-nox"* ]]
    says -- LaTeX "no pdflatex on the PATH: the report is a page, and no PDF"
    says -- MPI "no"
    [ "$(last)" = \
        "\`repro figure5\` cannot run here yet: mend gnuplot, then ask \`repro doctor\` again." ]
}

@test "a gnuplot that lacks a terminal" {
    only_openblas
    mkdir bin
    printf '#!/bin/sh\ncase $* in *pdfcairo*) exit 1;; esac\necho "gnuplot 0 patchlevel 0"\n' \
        > bin/gnuplot
    chmod +x bin/gnuplot
    PATH=$PWD/bin:$PATH doctor
    [ "$status" -eq 1 ]
    says '!!' gnuplot \
        "gnuplot 0 patchlevel 0 lacks the terminals that figures are drawn with: pdfcairo"
}

@test "a plugin that is none: told, and the main job takes the other one" {
    only_openblas
    unset REPRO_BACKEND
    echo "no plugin" > plugins/onednn.so
    doctor
    [ "$status" -eq 0 ]
    says -- "backend onednn" "$PWD/plugins/onednn.so: "
    says ok "backend openblas" "what the main job takes: "
    rm plugins/openblas.so
    doctor
    [ "$status" -eq 1 ]
    says '!!' backend "no plugin is there that the main job could take: neither onednn nor openblas"
    REPRO_BACKEND=onednn doctor
    [ "$status" -eq 1 ]
    says '!!' "backend onednn" "$PWD/plugins/onednn.so: "
    REPRO_BACKEND=nonesuch doctor
    [ "$status" -eq 1 ]
    says '!!' backend "there is no plugin 'nonesuch'"
}

@test "a plugin that crashes or hangs takes nobody down" {
    [ -e "$REPRO_STUBS/crashing.so" ] || skip "the stubs were not built (Debian: libcmocka-dev)"
    mkdir plugins
    cp "$REPRO_STUBS/crashing.so" plugins/
    REPRO_BACKEND_PATH=$PWD/plugins doctor --backend "$REPRO_STUBS/hanging.so" --limit 2
    [ "$status" -eq 1 ]
    says '!!' "backend hanging.so" "does not work: gave no answer within 2 seconds"
    says -- "backend crashing" "does not work: crashed by signal 6 (Aborted)"
    says ok experiments "read, from "
    [[ "$(last)" == *": mend backend hanging.so, then ask"* ]]
}

@test "a plugin without its device is no hindrance, unless it is named" {
    [ -e "$REPRO_STUBS/half_pair.so" ] || skip "the stubs were not built (Debian: libcmocka-dev)"
    only_openblas
    cp "$REPRO_STUBS/first_minor.so" plugins/gpu.so
    doctor
    [ "$status" -eq 0 ]
    says -- "backend gpu" ""
    [[ $output == *"a stub has no device"*"nothing, where there is no such device"* ]]
    doctor --backend gpu
    [ "$status" -eq 1 ]
    [[ $output == *"a stub has no device"*"name another one with --backend or REPRO_BACKEND"* ]]
}

@test "precisions are tried where the device has them, and held against f32" {
    only_openblas
    ln -s "$(dirname "$(readlink plugins/openblas.so)")/onednn.so" plugins/
    rm plugins/openblas.so
    [ -e plugins/onednn.so ] || skip "the onednn plugin was not built (Debian: libdnnl-dev)"
    repro backends
    [[ $output == *"precisions "*" bf16"* ]] || skip "onednn has no bf16 on this processor"
    repro doctor --backend onednn --limit 1000
    [ "$status" -eq 0 ]
    [[ $output =~ "onednn in bf16    "("is slower than f32 here, "[0-9]+" images/s and not "|\
[0-9.]+" times as fast as f32, ") ]]
}

@test "speeds, and which is fastest" {
    only_openblas
    repro doctor --limit 1000
    [ "$status" -eq 0 ]
    [[ $output =~ "right numbers in f32, "[0-9]+" images/s" ]]
    [[ $output =~ "--backend openblas --precision f32, "[0-9]+" images/s (wrn-16-1, batch 128), \
which is what the main job takes by itself" ]]
}

@test "data that are not CIFAR-10's" {
    only_openblas
    fake_cifar zeros
    doctor --data zeros
    [ "$status" -eq 1 ]
    says '!!' CIFAR-10 "49995 of the 50000 training images are of class 0, and 5000 must be"
    truncate -s 100 zeros/cifar-10-batches-bin/test_batch.bin
    REPRO_DATA=$PWD/zeros doctor
    [ "$status" -eq 1 ]
    says '!!' CIFAR-10 \
        "'$PWD/zeros/cifar-10-batches-bin/test_batch.bin' is 100 bytes, not 30730000"
    mkdir -p no-data
    mv zeros/cifar-10-batches-bin no-data/cifar10
    doctor
    [ "$status" -eq 1 ]
    [[ $output == *"remove the folder and run \`repro fetch cifar10\`"* ]]
    REPRO_IMAGENET=$PWD doctor --data nowhere
    says -- ImageNet "there is no folder '$PWD/train'"
    says '!!' CIFAR-10 "cannot find the folder 'nowhere'"
}

@test "the real data are what they claim" {
    [ -n "${REPRO_REAL_DATA:-}" ] || skip "REPRO_DATA does not name a folder with CIFAR-10"
    only_openblas
    doctor --data "$REPRO_REAL_DATA"
    [ "$status" -eq 0 ]
    says ok CIFAR-10 "60000 images, of each class as many, in $REPRO_REAL_DATA"
    [ "$(last)" = "\`repro figure5 --profile small\` can run: start it." ]
}

@test "no place and no room for results, and an experiment that cannot be read" {
    only_openblas
    touch file
    doctor --out file/results
    [ "$status" -eq 1 ]
    says '!!' results "'file/results' cannot be written: Not a directory"
    doctor --out /proc/results # of no size; and only root finds that it can be written
    [ "$status" -eq 1 ]
    if [ -w /proc ]; then
        says '!!' results "'/proc/results' has room for 0.0 GB, and the paper's scale takes 0."
    else
        says '!!' results "'/proc/results' cannot be written: Permission denied"
    fi
    own_share
    echo 'lr = ' >> share/experiments/figure5.exp
    doctor
    [ "$status" -eq 1 ]
    says '!!' experiments "$PWD/share/experiments/figure5.exp:"
}

@test "modules that are not there" {
    only_openblas
    REPRO_FETCH_PATH=/nowhere REPRO_RANKS_PATH=/nowhere doctor
    [ "$status" -eq 0 ]
    says -- "repro fetch" "not built in"
    says -- MPI "not built in: no --ranks"
}

@test "fewer threads than cores are told" {
    [ "$(nproc)" -gt 1 ] || skip "this machine has one core"
    command -v taskset >/dev/null || skip "taskset is not installed (Debian: util-linux)"
    only_openblas
    first=$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')
    taskset -cp "$first" $BASHPID > /dev/null
    doctor
    [ "$status" -eq 0 ]
    says -- cores "1 of $(getconf _NPROCESSORS_ONLN)"
}

@test "--json: one object" {
    command -v python3 >/dev/null || skip "python3 is not installed (Debian: python3)"
    only_openblas
    "$REPRO_PROGRAM" doctor --brief --limit 1000 --json > answer.json
    [ "$(python3 -c 'import json; d = json.load(open("answer.json")); print(d["ready"],
        [f["state"] for f in d["findings"] if f["name"] == "backend openblas"])')" = \
        "True ['fine']" ]
}
