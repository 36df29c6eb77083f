# Shared by the command-line tests.  $REPRO_PROGRAM is the built program; each test works in a scratch folder of its own.
setup() {
    [ -n "${REPRO_PROGRAM:-}" ] || skip "REPRO_PROGRAM does not name the program"
    scratch=$(mktemp -d)
    cd "$scratch" || return 1
    unset REPRO_DATA
    export REPRO_BACKEND=openblas # bits that no thread count changes; onednn.bats has the other
}

teardown() {
    cd /
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}

# Runs the program with stdin closed; $status and $output hold what it did, stderr included.
repro() {
    run "$REPRO_PROGRAM" "$@" </dev/null
}

# The last line is one clear error: "repro: ..." that holds every text given.
error_says() {
    local last=${lines[${#lines[@]}-1]}
    [[ $last == "repro: "* ]] || { echo "no error sentence: $output"; return 1; }
    local text
    for text in "$@"; do
        [[ $last == *"$text"* ]] || { echo "'$text' is not in: $last"; return 1; }
    done
}

# A share folder of its own, so that experiment files can be changed.
own_share() {
    mkdir share
    cp -r "$REPRO_SHARE/experiments" "$REPRO_SHARE/plots" share/
    chmod -R u+w share
    export REPRO_SHARE=$PWD/share
}

# CIFAR-10 files of the right size, every pixel and label 0 unless changed afterwards.
fake_cifar() {
    mkdir -p "$1/cifar-10-batches-bin"
    local file
    for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
        truncate -s 30730000 "$1/cifar-10-batches-bin/$file.bin"
    done
}
