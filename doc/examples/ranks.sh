#!/bin/sh
# One run a job, on eight ranks:
# doc/examples/submit.sh doc/examples/ranks.sh figure5 --profile paper
# Two minutes before its end it writes a checkpoint.
#SBATCH --ntasks=8 --cpus-per-task=16 --time=24:00:00
#SBATCH --signal=USR1@120
set -eu
id=$(sed -n "${SLURM_ARRAY_TASK_ID}p" ids)
exec srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
    ./repro run "$id" --threads "$SLURM_CPUS_PER_TASK"
