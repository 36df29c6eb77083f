#!/usr/bin/env bats
# Several processes that share every update of a run.
load common
load ranks

# Growing batches of 1, 2 and 3 micros and more, momentum and Adam, a kept last batch with a rest.
grow() {
    toy grow '{ name = "one"; title = "One"; batch_max = 64; steps = [ 1, 2, 3 ]; },
              { name = "adam"; title = "Adam"; optimizer = "adam"; momentum = 0.0; lr = 0.001;
                beta1 = 0.9; beta2 = 0.999; epsilon = 1e-8; batch_max = 80; factor = 5.0; }'
    sed -i 's/train_n = 160/train_n = 164/' share/experiments/grow.exp
}

@test "any number of ranks gives the bits of one" {
    need_mpi
    grow
    repro grow -C last_batch=keep --out one
    [ "$status" -eq 0 ]
    local count
    for count in 2 3 4 5 8; do
        ranks $count grow -C last_batch=keep --out "ranks$count"
        [ "$status" -eq 0 ]
        same_runs one "ranks$count"
        grep -q "\"ranks\": $count" "ranks$count"/runs/*/manifest.json
        [ "$(grep -c '^one, seed 1: training' <<< "$output")" -eq 1 ]
    done
    ! grep -q '"ranks"' one/runs/*/manifest.json
}

@test "more ranks than groups: says how many idle, and the bits stay" {
    need_mpi
    mini
    repro mini --out one
    ranks 10 mini --out ten
    [ "$status" -eq 0 ]
    grep -q ', 10 ranks, of which 2 are idle: a batch is summed in 8 groups$' <<< "${lines[0]}"
    grep -q '^ *of 10 ranks have work, phase by phase: 2, 4$' <<< "$output"
    same_runs one ten
}

@test "traffic: with powers of two an update is 2(R-1) messages of a partial, and nothing else" {
    need_mpi
    toy even '{ name = "one"; title = "One"; batch = 64; }'
    sed -i 's/train_n = 160/train_n = 128/' share/experiments/even.exp
    ranks 2 even --out two
    [ "$status" -eq 0 ]
    local floats count
    # gradients and batch-norm sums, as the checkpoint has them, and a tail of 32 bytes
    floats=$(python3 - two/runs/*/checkpoint.safetensors <<'PY'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
print(sum((t["data_offsets"][1] - t["data_offsets"][0]) // 4 for name, t in header.items()
          if name.startswith(("param/", "running/"))))
PY
    )
    [ "$floats" -gt 0 ]
    for count in 2 4 8; do
        [ "$count" -eq 2 ] || ranks $count even --out "$count"
        [ "$count" -ne 2 ] || mv two 2
        python3 - "$count" "$floats" "$count"/runs/*/manifest.json <<'PY'
import json, sys
ranks, floats = int(sys.argv[1]), int(sys.argv[2])
session = json.load(open(sys.argv[3]))["sessions"][-1]
messages = session["last_update"] * 2 * (ranks - 1)
assert session["last_update"] == 6, session
assert session["sent"] == {"messages": messages, "bytes": messages * (4 * floats + 32)}, session
PY
    done
}

@test "a signal stops all ranks at one update; on another number of ranks the bits are the same" {
    need_mpi
    repro figure5 --profile smoke --out whole
    begin_ranks 3 'epoch 1/10' cut figure5 --profile smoke
    kill -USR1 "$(rank_of cut 1)"
    end_ranks
    [ "$status" -eq 1 ]
    one_error_says "stopped after update " "the same command goes on from there"
    [ "$(runs_with_status cut running)" -ge 1 ]
    ranks 2 figure5 --profile smoke --out cut
    [ "$status" -eq 0 ]
    grep -q ': going on, ' <<< "$output"
    same_runs whole cut
    # what is done is found so by one process, too
    repro figure5 --profile smoke --out cut
    [ "$(grep -c 'done before .*nothing to do' <<< "$output")" -eq 4 ]
}

@test "a rank is killed: the job ends, and the same command goes on on another number" {
    need_mpi
    repro figure5 --profile smoke --out whole
    local rank
    for rank in 1 0; do
        begin_ranks 4 'epoch [1-9]/10' cut figure5 --profile smoke
        kill -KILL "$(rank_of cut $rank)"
        end_ranks
        [ "$status" -ne 0 ]
        grep -q "rank $rank" said # by us or by mpirun
    done
    ranks 3 figure5 --profile smoke --out cut
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "a rank hangs: it is named with its host, and the last update is kept" {
    need_mpi
    repro figure5 --profile smoke --out whole
    begin_ranks 4 'epoch 1/10' cut figure5 --profile smoke --rank-timeout 15
    kill -STOP "$(rank_of cut 1)"
    end_ranks
    [ "$status" -ne 0 ]
    grep -q "^repro: rank 1 of 4, on $(hostname), is lost: .* is kept, and the same command" said
    [ -e cut/runs/*/checkpoint.safetensors ]
    repro figure5 --profile smoke --out cut
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "--ranks starts mpirun itself" {
    need_mpi
    mini
    repro mini --out one
    unset OMPI_MCA_rmaps_base_oversubscribe OMPI_MCA_hwloc_base_binding_policy
    unset OMPI_ALLOW_RUN_AS_ROOT OMPI_ALLOW_RUN_AS_ROOT_CONFIRM
    repro mini --out two --ranks 2
    [ "$status" -eq 0 ]
    grep -q ', 2 ranks$' <<< "${lines[0]}"
    same_runs one two
    repro mini --out one --ranks 1
    grep -q 'done before' <<< "$output"
}

@test "SIGTERM to repro --ranks: a checkpoint, and the same bits" {
    need_mpi
    repro figure5 --profile smoke --out whole
    cut_when 'epoch 1/10' TERM figure5 --profile smoke --out cut --ranks 3
    [ "$status" -eq 1 ]
    output=$(cat said)
    one_error_says "stopped after update " "the same command goes on from there"
    repro figure5 --profile smoke --out cut --ranks 2
    [ "$status" -eq 0 ]
    same_runs whole cut
}

@test "--ranks without mpirun" {
    need_mpi
    PATH=$PWD repro figure5 --profile smoke --ranks 2
    [ "$status" -eq 77 ]
    [ "$output" = "repro: mpirun cannot be started: No such file or directory; install it (Debian: \
openmpi-bin) or put it into PATH" ]
}

@test "--ranks and the launcher's number differ; --jobs beside ranks" {
    need_mpi
    ranks 2 figure5 --profile smoke --ranks 3
    [ "$status" -eq 2 ]
    one_error_says "--ranks 3, but mpirun (Open MPI) has started 2 processes"
    ranks 2 figure5 --profile smoke --jobs 2
    [ "$status" -eq 2 ]
    one_error_says "--jobs 2: ranks share one run at a time"
    [ ! -e results ]
}

@test "--ranks 1 under a launcher: each process by itself" {
    need_mpi
    mini
    run mpirun -n 2 sh -c "'$REPRO_PROGRAM' mini --ranks 1 --out \$OMPI_COMM_WORLD_RANK" </dev/null
    [ "$status" -eq 0 ]
    same_runs 0 1
    ! grep -q '"ranks"' 0/runs/*/manifest.json
}

@test "ranks that differ are found by name before anything is trained" {
    need_mpi
    mini
    run mpirun -n 1 "$REPRO_PROGRAM" mini --out x : -n 1 "$REPRO_PROGRAM" mini --out x --seed 2 \
        </dev/null
    [ "$status" -eq 1 ]
    one_error_says "rank 1, on $(hostname): its first seed is '2' where that of rank 0" "is '1'"
    run mpirun -n 1 "$REPRO_PROGRAM" mini --out x : \
        -n 1 "$REPRO_PROGRAM" mini --out x -C last_batch=keep </dev/null
    [ "$status" -eq 1 ]
    one_error_says "rank 1, on $(hostname): its identity of run one, seed 1 is '"
    cp "$REPRO_PROGRAM" other && printf x >> other
    run mpirun -n 1 "$REPRO_PROGRAM" mini --out x : -n 1 ./other mini --out x </dev/null
    [ "$status" -eq 1 ]
    one_error_says "rank 1, on $(hostname): its program is 'repro " ", file "
    run mpirun -n 1 "$REPRO_PROGRAM" mini --out x : \
        -n 1 "$REPRO_PROGRAM" mini --out x --backend nix </dev/null
    [ "$status" -eq 1 ]
    one_error_says "rank 1, on $(hostname): " "nix"
    [ ! -e x ]
}

@test "a launcher around a program without MPI is refused with what mends it" {
    export REPRO_RANKS_PATH=$PWD
    OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=8 repro figure5 --profile smoke
    [ "$status" -eq 77 ]
    error_says "built without MPI" "libopenmpi-dev" "./bootstrap" "--ranks 1"
    OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8 repro figure5 --profile smoke
    [ -z "$output" ] # one of them says so
    SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=8 repro figure5 --profile smoke
    [ "$status" -eq 77 ]
    repro figure5 --profile smoke --ranks 8
    [ "$status" -eq 77 ]
    error_says "built without MPI"
    [ ! -e results ]
    # a batch script of several tasks is one process
    SLURM_PROCID=0 SLURM_NTASKS=8 repro figure5 --profile smoke
    [ "$status" -eq 0 ]
}

@test "mpirun around a program without MPI: refused once, and nothing is trained eight times" {
    need_mpi
    export REPRO_RANKS_PATH=$PWD
    ranks 8 figure5 --profile smoke
    [ "$status" -eq 77 ]
    one_error_says "built without MPI" "Debian: libopenmpi-dev openmpi-bin" "./bootstrap"
    [ ! -e results ]
}

@test "another MPI's launcher is refused: each process would train by itself" {
    need_mpi
    PMI_RANK=0 PMI_SIZE=2 repro figure5 --profile smoke
    [ "$status" -eq 77 ]
    error_says "mpirun (Hydra) has started 2 processes" "sees 1" "not of one MPI"
    [ ! -e results ]
}

@test "a study is measured by rank 0" {
    need_mpi
    ranks 2 appendix-a --profile smoke
    [ "$status" -eq 0 ]
    grep -q '^A study is measured by rank 0; the other 1 are idle.$' <<< "$output"
}

@test "runs: a line a run; run: trains one of them, and what all have trained is the figure" {
    toy twins '{ name = "one"; title = "One"; batch_max = 32; lr = 0.1; },
               { name = "two"; title = "Two"; batch_max = 32; },
               { name = "again"; title = "Two again"; batch_max = 32; }'
    repro twins --seeds 2 --out whole
    repro runs twins --seeds 2
    [ "$status" -eq 0 ]
    [ "$(wc -l <<< "$output")" -eq 4 ]
    [ "$(cut -f1,2 <<< "${lines[0]}")" = "$(printf 'twins/mini/one/1\tnew')" ]
    [[ $(cut -f3 <<< "${lines[0]}") =~ ^[0-9.]+\ TFLOP$ ]]
    [ ! -e results ]
    local id ids
    ids=$(cut -f1 <<< "$output")
    for id in $ids; do
        repro run "$id"
        [ "$status" -eq 0 ]
    done
    same_runs whole results
    repro runs twins --seeds 2
    [ "$(cut -f2 <<< "$output" | sort -u)" = done ]
    repro run twins/mini/two/2
    grep -q 'done before' <<< "$output"
    repro twins --seeds 2
    [ "$(grep -c 'done before' <<< "$output")" -eq 6 ]
}

@test "run: what is no id, and options that the id says" {
    mini
    local id
    for id in mini mini/mini/one mini/mini/one/0 mini/mini/one/x mini/mini/one/-1 //one/1; do
        repro run "$id"
        [ "$status" -eq 2 ]
        error_says "run: '$id' is no run's id"
    done
    repro run mini/mini/three/1
    [ "$status" -eq 2 ]
    error_says "mini has no run 'three'; \`repro runs mini\` names them"
    repro run mini/nix/one/1
    [ "$status" -eq 2 ]
    repro run mini/mini/one/1 --seed 2
    [ "$status" -eq 2 ]
    error_says "the id says profile and seed"
    [ ! -e results ]
}

@test "sums of a GPU travel through the host, to the same bits" {
    need_mpi
    need_emulator
    mini
    repro mini --backend "$emulated" --out one
    [ "$status" -eq 0 ]
    ranks 3 mini --backend "$emulated" --out three
    [ "$status" -eq 0 ]
    same_runs one three
}

@test "one run on several ranks" {
    need_mpi
    mini
    repro run mini/mini/one/1 --out one
    ranks 2 run mini/mini/one/1 --out two
    [ "$status" -eq 0 ]
    same_runs one two
}
