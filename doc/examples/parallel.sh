#!/bin/sh
# usage: HOSTS=a,b,c doc/examples/parallel.sh FIGURE [OPTION...]
# Without a batch system: one run at a time on each of the machines, which share this folder, by GNU
# parallel; then the figure.  REPRO_DATA names the data.
set -eu
./repro runs "$@" | awk '$2 != "done" { print $1 }' > ids
parallel --sshlogin "$HOSTS" --workdir . --env REPRO_DATA --jobs 1 ./repro run {} :::: ids
exec ./repro "$@"
