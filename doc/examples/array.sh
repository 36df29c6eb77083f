#!/bin/sh
# One run a job: doc/examples/submit.sh doc/examples/array.sh figure5 --profile paper
# Two minutes before its end it writes a checkpoint.
#SBATCH --cpus-per-task=16 --time=24:00:00
#SBATCH --signal=B:TERM@120
set -eu
id=$(sed -n "${SLURM_ARRAY_TASK_ID}p" ids)
exec ./repro run "$id" --threads "$SLURM_CPUS_PER_TASK"
