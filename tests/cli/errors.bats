#!/usr/bin/env bats
# Bad input: a clear error, a non-zero exit, nothing half-written.
load common

@test "no command: usage on stderr, exit 2" {
    repro
    [ "$status" -eq 2 ]
    [[ $output == *"usage: repro FIGURE"* ]]
}

@test "unknown command: suggestion, exit 2" {
    repro plam
    [ "$status" -eq 2 ]
    error_says "unknown command 'plam'" "did you mean 'plan'"
}

@test "a figure misspelt: suggestion, exit 2" {
    repro fgure5
    [ "$status" -eq 2 ]
    error_says "unknown command 'fgure5'" "did you mean 'figure5'"
}

@test "unknown figure: the ones there are, exit 2, nothing written" {
    repro figure55 --profile smoke
    [ "$status" -eq 2 ]
    error_says "unknown figure 'figure55'" "figure5"
    [ -z "$(ls)" ]
}

@test "unknown option: exit 2" {
    repro figure5 --profil-e smoke
    [ "$status" -eq 2 ]
    [[ $output == *"repro figure5: unrecognized option"* ]]
    [[ $output == *"repro figure5 --help"* ]]
}

@test "options out of range: exit 2" {
    repro figure5 --seed 0
    [ "$status" -eq 2 ]
    [[ $output == *"--seed: '0'"* ]]
    repro figure5 --threads many
    [ "$status" -eq 2 ]
    [[ $output == *"--threads: 'many' is no whole number from 1 to 4096"* ]]
    repro figure5 --precision f16
    [ "$status" -eq 2 ]
    [[ $output == *"none of f32, tf32, bf16"* ]]
}

@test "unknown profile: the ones there are, exit 2" {
    repro figure5 --profile smal
    [ "$status" -eq 2 ]
    error_says "figure5 has no profile 'smal'" "did you mean 'small'"
    [ -z "$(ls)" ]
}

@test "a precision the backend lacks: refused with the reason" {
    repro figure5 --profile smoke --precision bf16
    [ "$status" -eq 1 ]
    error_says "openblas computes in f32 only, not in bf16; choose another backend"
    [ -z "$(find results -name log.tsv -o -name checkpoint.safetensors)" ]
}

@test "unknown backend: what was searched and the nearest name" {
    repro figure5 --profile smoke --backend openblass
    [ "$status" -eq 1 ]
    error_says "no backend 'openblass' in $REPRO_BACKEND_PATH" "did you mean 'openblas'?"
    [ -z "$(ls)" ]
}

@test "a plugin of another major: both numbers" {
    plugin=$REPRO_STUBS/next_major.so
    [ -e "$plugin" ]
    repro figure5 --profile smoke --backend "$plugin"
    [ "$status" -eq 1 ]
    error_says "$plugin: built for major 2 of the contract, this program has major 1" "newer repro"
    [ -z "$(ls)" ]
}

@test "data folder missing" {
    repro figure5 --profile smoke --data nowhere
    [ "$status" -eq 1 ]
    error_says "cannot find the folder 'nowhere'" "cifar-10-batches-bin"
    [ -z "$(ls)" ]
}

@test "data file missing" {
    fake_cifar data
    rm data/cifar-10-batches-bin/test_batch.bin
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "'data/cifar-10-batches-bin/test_batch.bin' is missing"
    [ ! -e results ]
}

@test "data file short" {
    fake_cifar data
    truncate -s 30729999 data/cifar-10-batches-bin/data_batch_1.bin
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/data_batch_1.bin' is 30729999 bytes, not 30730000: 10000 records of 3073 bytes"
    [ ! -e results ]
}

@test "record of the wrong size (CIFAR-100's 3074 bytes)" {
    fake_cifar data
    truncate -s 30740000 data/cifar-10-batches-bin/data_batch_1.bin
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/data_batch_1.bin' is 30740000 bytes, not 30730000: 10000 records of 3073 bytes"
    [ ! -e results ]
}

@test "a download that was cut off behind reserved space" {
    fake_cifar data
    truncate -s 0 data/cifar-10-batches-bin/data_batch_1.bin
    truncate -s 30730000 data/cifar-10-batches-bin/data_batch_1.bin
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/data_batch_1.bin' is nothing but zeros from record 0 on" "not whole"
    [ ! -e results ]
}

@test "test data that is training data: one file under two names" {
    fake_cifar data
    cd data/cifar-10-batches-bin
    ln -sf data_batch_1.bin test_batch.bin
    cd ../..
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/test_batch.bin' holds the same bytes as data_batch_1.bin beside it" "wrong copy"
    [ ! -e results ]
}

@test "one label and no other is nothing to learn" {
    fake_cifar data
    printf '\0' | dd of=data/cifar-10-batches-bin/data_batch_1.bin bs=1 \
        seek=$((3073 * 9999)) conv=notrunc status=none
    printf 'x' | dd of=data/cifar-10-batches-bin/data_batch_1.bin bs=1 \
        seek=$((3073 * 10000 - 1)) conv=notrunc status=none
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/data_batch_1.bin': all of its 10000 labels are 0"
}

@test "files of CIFAR-10's form that are not CIFAR-10 are called so, in manifest, table and page" {
    mini
    fake_cifar data
    repro mini --data data
    [ "$status" -eq 0 ]
    local words="Own files in the form of CIFAR-10, not CIFAR-10"
    [[ $output == *"2 of the files that were read are not the published cifar10"*"$words"* ]]
    grep -q '"own_files": 2' results/runs/*/manifest.json
    grep -q "$words" results/mini-mini-cifar10-openblas-s1.svg
    rm results/*.svg
    repro plot mini
    [ "$status" -eq 0 ]
    grep -q "$words" results/mini-mini-cifar10-openblas-s1.svg
}

@test "a data set that there is not, before anything is printed" {
    mini
    echo 'dataset = "cifar100";' >> share/experiments/mini.exp
    for command in "plan mini" mini "check mini"; do
        repro $command
        [ "$status" -eq 2 ]
        error_says "mini.exp: 'dataset': unknown data set 'cifar100'; did you mean 'cifar10'?"
        [ "${#lines[@]}" -eq 1 ]
    done
}

@test "more experiments than a screen holds are all known" {
    mini
    for i in $(seq -w 1 90); do
        sed "s/\"mini\"/\"my$i\"/" share/experiments/mini.exp > "share/experiments/my$i.exp"
    done
    for i in $(seq -w 1 90); do
        repro "my$i" --profile nonesuch
        [ "$status" -eq 2 ]
        error_says "nonesuch"
    done
}

@test "label above 9: file and record" {
    fake_cifar data
    printf '\012' | dd of=data/cifar-10-batches-bin/data_batch_1.bin bs=1 seek=$((3073 * 7)) \
        conv=notrunc status=none
    repro figure5 --profile smoke --data data
    [ "$status" -eq 1 ]
    error_says "/data_batch_1.bin': record 7 has label 10, above 9"
    [ ! -e results ]
}

@test "malformed experiment file: file and line" {
    own_share
    echo 'runs = ( {' >> share/experiments/figure5.exp
    line=$(wc -l < share/experiments/figure5.exp)
    repro plan figure5
    [ "$status" -eq 1 ]
    error_says "figure5.exp:$line: duplicate setting name"
    repro figure5 --profile smoke
    [ "$status" -eq 1 ]
    error_says "figure5.exp:$line: duplicate setting name"
    sed -i "$line s/.*/runs_more = ( {/" share/experiments/figure5.exp
    repro plan figure5
    [ "$status" -eq 1 ]
    error_says "figure5.exp:" "syntax error"
    [ ! -e results ]
}

@test "unknown key in an experiment file: file, line, suggestion" {
    own_share
    sed -i '0,/momentum *= *0\.9/s//momentun = 0.9/' share/experiments/cifar10.conf
    line=$(grep -n 'momentun' share/experiments/cifar10.conf | head -n 1 | cut -d: -f1)
    repro figure5 --profile smoke
    [ "$status" -eq 1 ]
    error_says "cifar10.conf:$line: unknown key 'momentun'" "did you mean 'momentum'"
    [ ! -e results ]
}

@test "output folder is a file" {
    touch results
    repro figure5 --profile smoke
    [ "$status" -eq 1 ]
    error_says "cannot create the folder 'results': a file of this name is in the way"
    [ -f results ]
    [ ! -s results ]
}

@test "output folder cannot be written" {
    [ "$(id -u)" -ne 0 ] || skip "root may write anywhere"
    mkdir closed
    chmod 555 closed
    repro figure5 --profile smoke --out closed/results
    [ "$status" -eq 1 ]
    error_says "closed/results" "Permission denied"
}

@test "output on a file system that refuses" {
    repro figure5 --profile smoke --out /proc/results
    [ "$status" -eq 1 ]
    error_says "cannot create the folder '/proc/results'"
}

@test "full disk while training: clear error, nothing half-written, then the same command goes on" {
    command -v fiu-run >/dev/null || skip "fiu-run is not installed (Debian: fiu-utils)"
    run fiu-run -x -c 'enable name=posix/io/rw/write,failinfo=28' \
        "$REPRO_PROGRAM" figure5 --profile smoke </dev/null
    [ "$status" -eq 1 ]
    error_says "cannot write 'results/runs/" "No space left on device"
    [ -z "$(find results -type f ! -name lock)" ]
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
}

@test "file too large while training: clear error, nothing half-written" {
    run bash -c 'trap "" XFSZ; ulimit -f 1; exec "$REPRO_PROGRAM" figure5 --profile smoke' \
        </dev/null
    [ "$status" -eq 1 ]
    error_says "cannot write 'results/runs/" "File too large"
    [ -d results/runs ]
    [ -z "$(find results -name '*.part')" ]
}

@test "a folder of images that is none: what it must hold" {
    cp -r "$REPRO_SHARE/experiments" mine
    echo 'dataset = "imagenet";' >> mine/figure5.exp
    mkdir empty
    repro mine/figure5.exp --profile smoke --data empty
    [ "$status" -eq 1 ] || [ "$status" -eq 77 ]
    if [ "$status" -eq 77 ]; then
        error_says "which this build lacks (Debian: "
    else
        error_says "there is no folder 'empty/train'" "train/CLASS and val/CLASS"
    fi
}

@test "an option that is given an empty text is refused: a variable that is not set" {
    for option in data out profile backend convention; do
        repro figure5 --profile smoke --$option ""
        [ "$status" -eq 2 ]
        [[ $output == "repro figure5: --$option is given an empty text; "* ]]
    done
    repro check figure5 --set ""
    [ "$status" -eq 2 ]
    [[ $output == "repro check: --set is given an empty text; "* ]]
    [ ! -e results ]
}
