#!/usr/bin/env bats
# Ranks killed and stopped at random instants.  REPRO_SEED chooses others, REPRO_ROUNDS how many.
# Part of make check-long.
load common
load ranks

limit=10 # seconds, --rank-timeout

# What ending takes beyond the limit: two seconds for an answer, and a busy machine's launcher.
ending=30

# A run of some thousand updates, so that it is at work when the signal comes.
long() { # long EPOCHS
    toy long "{ name = \"one\"; title = \"One\"; batch_max = 64; steps = [ 1, 2, 3 ]; }"
    sed -i "s/epochs = 4/epochs = $1/g" share/experiments/long.exp
}

pick() { # one of the arguments
    local which=$((RANDOM % $# + 1))
    echo "${!which}"
}

# lose SIGNAL COUNT: COUNT ranks go on with the run, and one of them gets the signal at a random
# line and some time behind it.  1: the run was over before.
lose() {
    local signal=$1 count=$2 rank=$((RANDOM % $2)) more=$((RANDOM % 3)) id
    local begun lines=0
    begin_ranks "$count" 'training, \|going on, \|done before' many long --progress lines \
        --rank-timeout $limit || return 1
    until [ "$lines" -ge "$more" ] || ! kill -0 "$job" 2>/dev/null; do
        sleep 0.01
        lines=$(grep -c 'epoch ' said || true)
    done
    sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
    id=$(rank_of many $rank | head -n 1)
    [ -n "$id" ] && kill "-$signal" "$id" 2>/dev/null || { end_ranks; return 1; }
    begun=$SECONDS
    end_ranks
    echo "$signal to rank $rank of $count behind $lines lines: $status after $((SECONDS - begun)) s"
    [ $((SECONDS - begun)) -le $((limit + ending)) ] || { echo "a hang"; exit 1; }
    [ "$status" -ne 0 ]
}

# rounds SIGNAL COUNT: as many are lost, whichever runs it takes; every one has the bits of one
# process.
rounds() {
    local signal=$1 left=$2 ranks
    RANDOM=${REPRO_SEED:-1}
    echo "REPRO_SEED=${REPRO_SEED:-1}"
    long 300
    repro long --out one
    [ "$status" -eq 0 ]
    while [ "$left" -gt 0 ]; do
        ranks=$((RANDOM % 7 + 2))
        if lose "$signal" $ranks; then
            left=$((left - 1))
        elif [ "$(runs_with_status many done 2>/dev/null)" = 1 ]; then
            same_runs one many
            rm -rf many
        fi
    done
    ranks 3 long --out many
    [ "$status" -eq 0 ]
    same_runs one many
}

@test "SIGKILL to a random rank at random instants: ends in time, goes on, the same bits" {
    need_mpi
    rounds KILL "${REPRO_ROUNDS:-20}"
}

@test "SIGSTOP to a random rank at random instants: ends in time, goes on, the same bits" {
    need_mpi
    rounds STOP "${REPRO_ROUNDS:-20}"
}

@test "random changes of the number of ranks in one run, with kills: one digest" {
    need_mpi
    local left=${REPRO_ROUNDS:-100} count before=0 whole=0
    RANDOM=${REPRO_SEED:-1}
    echo "REPRO_SEED=${REPRO_SEED:-1}"
    long $((left * 60))
    repro long --out one
    [ "$status" -eq 0 ]
    while [ "$left" -gt 0 ]; do
        count=$((RANDOM % 8 + 1))
        [ "$count" -ne "$before" ] || continue
        before=$count
        if lose "$(pick KILL USR1)" $count; then
            left=$((left - 1))
        elif [ "$(runs_with_status many done 2>/dev/null)" = 1 ]; then # too fast: once more
            echo "over with $left changes to come"
            same_runs one many
            rm -rf many
            whole=$((whole + 1))
        fi
    done
    ranks 3 long --out many
    [ "$status" -eq 0 ]
    same_runs one many
    echo "runs that were whole before: $whole"
    sha256sum many/runs/*/checkpoint.safetensors
}
