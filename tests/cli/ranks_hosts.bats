#!/usr/bin/env bats
# Ranks on several hosts: three network namespaces.  Part of make check-long.
load common
load ranks
load hosts

teardown() {
    [ -z "${net:-}" ] || hosts_down
    cd /
    rm -rf "$scratch"
}

@test "three hosts: the bits of one process" {
    need_mpi
    hosts_up 3
    repro figure5 --profile smoke --out one
    run on_hosts 3 figure5 --profile smoke --out three
    [ "$status" -eq 0 ]
    grep -q ', 3 ranks$' <<< "${lines[0]}"
    same_runs one three
}

@test "a host is cut off: named with its rank within the limit; two hosts go on to the same bits" {
    need_mpi
    hosts_up 3
    repro figure5 --profile smoke --out one
    on_hosts 3 figure5 --profile smoke --out many --rank-timeout 5 >said 2>&1 &
    job=$!
    until grep -q 'epoch [1-9]/10' said; do
        kill -0 "$job" 2>/dev/null || { cat said; return 1; }
        sleep 0.01
    done
    cut_off 2
    begun=$SECONDS
    end_ranks
    took=$((SECONDS - begun))
    echo "$output"
    [ "$status" -ne 0 ]
    grep -q '^repro: rank 1 of 3, on host-2, is lost: .* is kept, and the same command' said
    # the limit, two seconds for an answer, ten for mpirun, and what a busy machine takes
    [ "$took" -le 40 ]
    [ -z "$(ip netns pids "$net-1")" ]
    # nothing of it trains on behind the cable: its rank has its own limit
    ! ip netns pids "$net-2" | xargs -r ps -o comm= -p | grep -qx repro
    put_back 2
    run on_hosts 2 figure5 --profile smoke --out many
    [ "$status" -eq 0 ]
    grep -q ': going on, ' <<< "$output"
    same_runs one many
}
