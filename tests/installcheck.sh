#!/bin/sh
# usage: tests/installcheck.sh PROGRAM
# `make installcheck` calls it: the installed program, from /, with nothing in its environment but a
# PATH, finds its experiments, plots and plugins and trains figure5 at profile smoke.
set -eu
program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd /

say() { echo "installcheck: $*"; }
alone() { env -i PATH=/usr/bin:/bin OMP_WAIT_POLICY=passive "$program" "$@" </dev/null; }
fails() {
    say "$*"
    sed 's/^/    /' "$scratch/said"
    exit 1
}

alone --version >"$scratch/said" 2>&1 || fails "it does not start: $program"
alone list >"$scratch/said" 2>&1 || fails "it does not find its experiments"
grep -q '^figure5:' "$scratch/said" || fails "figure5 is missing from its experiments"
alone backends >"$scratch/said" 2>&1 || fails "it cannot look for plugins"
if ! grep -q '^openblas ' "$scratch/said"; then
    ! grep -q '^openblas: refused' "$scratch/said" || fails "its plugin openblas is refused"
    say "no plugin openblas: nothing is trained"
    exit 0
fi
alone figure5 --profile smoke --backend openblas --out "$scratch/results" >"$scratch/said" 2>&1 ||
    fails "it cannot train figure5"
[ -n "$(find "$scratch/results" -maxdepth 1 -name 'figure5-smoke-*.tsv')" ] ||
    fails "it has drawn no figure5"
say "$program trains and draws"
