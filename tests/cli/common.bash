# Shared by the command-line tests.  Each works in a scratch folder of its own.

# What `make check` and tests/run say of source and build; by hand (`bats tests/cli/check.bats`) it
# is the tree that holds this file and its build/, or $builddir's.
find_program() {
    if [ -z "${REPRO_PROGRAM:-}" ]; then
        srcdir=$(cd "$BATS_TEST_DIRNAME/../.." && pwd) || return 1
        builddir=$(readlink -m "${builddir:-$srcdir/build}")
        [ ! -e "$builddir/Makefile" ] || . "$srcdir/tests/environment.sh"
    fi
    [ -x "${REPRO_PROGRAM:-}" ] || {
        echo "there is no program in ${REPRO_PROGRAM:-$builddir}; make it with ./bootstrap, or" \
            "start one file of tests with tests/run"
        return 1
    }
}

setup() {
    find_program || return 1
    scratch=$(mktemp -d)
    cd "$scratch" || return 1
    unset REPRO_DATA REPRO_IMAGENET
    export REPRO_DATA_HOME=$scratch/no-data # what lies in a home folder is not for tests
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

# cut_when PATTERN SIGNAL ARGUMENT...: starts the program and sends SIGNAL as soon as PATTERN stands
# in what it says; $status is how it ended.  Fails where it was over before.  It has ended, and its
# locks are gone, when this returns.
cut_when() {
    local pattern=$1 signal=$2 id
    shift 2
    "$REPRO_PROGRAM" "$@" </dev/null >said 2>&1 &
    id=$!
    until grep -q "$pattern" said; do
        kill -0 "$id" 2>/dev/null || { echo "over before '$pattern'"; cat said; return 1; }
        sleep 0.01
    done
    kill "-$signal" "$id" || { echo "over too soon after '$pattern'"; cat said; return 1; }
    status=0
    wait "$id" || status=$?
}

# The runs under a folder of results whose manifests have that status.
runs_with_status() {
    grep -l "\"status\": \"$2\"" "$1"/runs/*/manifest.json | wc -l
}

# unseal MANIFEST [KEY [VALUE]]: as manifests were before there were digests, with another value or
# without that key.
unseal() {
    python3 - "$@" <<'PY'
import json, sys
manifest = json.load(open(sys.argv[1]))
manifest.pop("digest", None)
manifest.pop("digests", None)
manifest["format"] = 1
if len(sys.argv) > 3:
    manifest[sys.argv[2]] = sys.argv[3]
elif len(sys.argv) > 2:
    del manifest[sys.argv[2]]
json.dump(manifest, open(sys.argv[1], "w"), indent=2)
PY
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
    cp -r "$REPRO_SHARE/experiments" "$REPRO_SHARE/exports" "$REPRO_SHARE/plots" share/
    chmod -R u+w share
    export REPRO_SHARE=$PWD/share
}

# CIFAR-10 files of the right size: every pixel and label 0 unless changed afterwards, but for the
# label of the last record, which is another one in each file.
fake_cifar() {
    mkdir -p "$1/cifar-10-batches-bin"
    local file label=1
    for file in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
        truncate -s 30730000 "$1/cifar-10-batches-bin/$file.bin"
        printf "\\$label" | dd of="$1/cifar-10-batches-bin/$file.bin" bs=1 \
            seek=$((3073 * 9999)) conv=notrunc status=none
        label=$((label + 1))
    done
}

# $emulated: the cudnn plugin on an emulated GPU (tests/device/emulator.h).
need_emulator() {
    emulated=$(dirname "$REPRO_PROGRAM")/../../tests/device/.libs/emulated.so
    [ -e "$emulated" ] || skip "the emulated GPU was not built (Debian: g++)"
}

# toy NAME RUNS: an experiment of short runs, 30 updates each, two batch sizes.
toy() {
    own_share
    cat > "share/experiments/$1.exp" <<EXP
name = "$1";
title = "A toy";
base = "cifar10.conf";
train_n = 160;
epochs = 4;
defaults = { optimizer = "momentum"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8;
             weight_decay = 5e-4; steps = [ 2 ]; factor = 2.0; action = "grow_batch"; };
default_profile = "mini";
profiles = ( { name = "mini"; words = "a few seconds"; network = "tiny"; divide = 1; epochs = 4;
               test_n = 32; micro_ghosts = 1; } );
runs = ( $2 );
EXP
}

mini() {
    toy mini '{ name = "one"; title = "One"; batch_max = 32; }'
}
