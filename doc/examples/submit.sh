#!/bin/sh
# usage: doc/examples/submit.sh SCRIPT FIGURE [OPTION...]
# A Slurm job for each run of a figure that is not done; SCRIPT is array.sh or ranks.sh beside this
# one.  Submitted again it goes on with what is left.  REPRO_DATA names the data.
set -eu
script=$1
shift
./repro runs "$@" | awk '$2 != "done" { print $1 }' > ids
[ -s ids ] || { echo "nothing is left to do"; exit 0; }
sbatch --array="1-$(wc -l < ids)" "$script"
