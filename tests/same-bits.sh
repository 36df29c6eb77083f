#!/usr/bin/env bash
# usage: tests/same-bits.sh BEFORE AFTER
# Whether two builds of repro compute the same: figures 1 to 5 at profile smoke on the backends that
# run here, by each of two launchers (BEFORE/repro and AFTER/repro, two source trees).  Compared are
# the identities of the runs (names of their folders), their logs but for the two columns on speed,
# and the digests of their checkpoints' tensors.  What the first one trained must also be found done
# by the second.  Takes about a minute a backend and tree; ends with a count.
set -euo pipefail
[ $# -eq 2 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
before=$(cd "$1" && pwd)/repro after=$(cd "$2" && pwd)/repro
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset REPRO_DATA REPRO_SHARE REPRO_BACKEND_PATH
export REPRO_DATA_HOME=/nowhere # no fetched copy
figures="figure1 figure2 figure3 figure4 figure5"

train() { # launcher, backend, folder
    for figure in $figures; do
        "$1" "$figure" --profile smoke --backend "$2" --threads 2 --out "$3" >>"$3.txt" 2>&1 ||
            [ $? -eq 3 ]
    done
}

# What stands behind a safetensors file's header.
tensors() {
    tail -c "+$((9 + $(od -An -tu8 -N8 "$1")))" "$1"
}

# One line a run: folder, digest of the log without the columns on speed, digest of the checkpoint.
digests() {
    for run in "$1"/runs/*/; do
        printf '%s %s %s\n' "$(basename "$run")" \
            "$(cut -f1-12 "$run/log.tsv" | sha256sum | cut -c1-16)" \
            "$(tensors "$run/checkpoint.safetensors" | sha256sum | cut -c1-16)"
    done
}

runs=0
for backend in ${REPRO_SAME_BITS:-openblas onednn}; do
    train "$before" "$backend" "$scratch/before-$backend"
    train "$after" "$backend" "$scratch/after-$backend"
    digests "$scratch/before-$backend" >"$scratch/before"
    digests "$scratch/after-$backend" >"$scratch/after"
    diff "$scratch/before" "$scratch/after" || { echo "$backend: not the same bits"; exit 1; }
    runs=$((runs + $(wc -l <"$scratch/after")))
    for figure in figure2 figure3 figure4 figure5; do # the second finds what the first has trained
        "$after" "$figure" --profile smoke --backend "$backend" --threads 2 \
            --out "$scratch/before-$backend" >"$scratch/again" 2>&1 || [ $? -eq 3 ]
        ! grep -E ': (training|going on),' "$scratch/again" ||
            { echo "$backend, $figure: trained anew what was done before"; exit 1; }
    done
done
echo "$runs runs: identities, logs and checkpoints are the same"
