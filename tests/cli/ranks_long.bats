#!/usr/bin/env bats
# Random runs on random numbers of ranks, stopped at random lines.  REPRO_SEED chooses others,
# REPRO_ROUNDS how many.  Part of make check-long.
load common
load ranks

pick() { # one of the arguments
    local which=$((RANDOM % $# + 1))
    echo "${!which}"
}

# random_toy: an experiment, and the conventions that it is run with.
random_toy() {
    rm -rf share
    export REPRO_SHARE=$tree
    local optimizer="optimizer = \"$(pick momentum nesterov)\"; momentum = 0.9;"
    [ $((RANDOM % 3)) -ne 0 ] ||
        optimizer='optimizer = "adam"; momentum = 0.0; beta1 = 0.9; beta2 = 0.999; epsilon = 1e-8;
                   lr = 0.001;'
    toy random "{ name = \"one\"; title = \"One\"; $optimizer batch = $(pick 8 16 24 40 80);
                  batch_max = 80; steps = $(pick '[ 1 ]' '[ 1, 2 ]' '[ 1, 2, 3 ]');
                  factor = $(pick 2.0 3.0 5.0); }"
    sed -i "s/train_n = 160/train_n = $((RANDOM % 100 + 80))/
        s/micro_ghosts = 1/micro_ghosts = $(pick 1 1 2 3)/
        s/test_n = 32/test_n = $((RANDOM % 40 + 1))/
        s/^epochs = 4/groups = $(pick 1 2 3 5 8 11);\nepochs = 4/" share/experiments/random.exp
    conventions=last_batch=$(pick drop keep),moments_at_step=$(pick keep reset)
}

@test "random runs, ranks and stops: the bits of one" {
    need_mpi
    tree=$REPRO_SHARE
    RANDOM=${REPRO_SEED:-1}
    local round count done
    for round in $(seq "${REPRO_ROUNDS:-25}"); do
        random_toy
        repro random -C "$conventions" --out one
        [ "$status" -eq 0 ]
        echo "round $round: $conventions"
        grep -e groups -e train_n -e 'runs =' -A3 share/experiments/random.exp
        done=
        until [ -n "$done" ]; do
            count=$((RANDOM % 8 + 2))
            if [ $((RANDOM % 2)) -eq 0 ]; then
                ranks $count random -C "$conventions" --out many
                [ "$status" -eq 0 ]
                done=yes
            elif begin_ranks $count 'training, \|going on, \|done before' many random \
                -C "$conventions"; then
                kill -"$(pick USR1 KILL)" "$(rank_of many $((RANDOM % count)) | head -n 1)" || true
                end_ranks
                echo "stopped on $count ranks: $status"
            else
                end_ranks
            fi
        done
        same_runs one many
        rm -rf one many
    done
}
