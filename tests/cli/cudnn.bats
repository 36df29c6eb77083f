#!/usr/bin/env bats
# The cudnn plugin through the command line: as built, on a machine without a GPU, and on an
# emulated one (tests/device/emulator.h), where what can go wrong with a GPU is made to.
load common

train() {
    repro mini --backend "$emulated" "$@"
}

weights() {
    sha256sum "$1"/runs/*/checkpoint.safetensors | cut -d' ' -f1
}

@test "without a GPU the built plugin says why it cannot run, and the exit status is 77" {
    [ -e "${REPRO_BACKEND_PATH%%:*}/cudnn.so" ] ||
        skip "the cudnn plugin was not built (no CUDA and cuDNN here)"
    ! nvidia-smi -L >/dev/null 2>&1 || skip "there is a GPU here"
    repro backends
    [ "$status" -eq 0 ]
    grep -A1 '^cudnn ' <<< "$output" | grep -qE 'cannot run here: no NVIDIA (driver|GPU)'
    repro figure5 --profile smoke --backend cudnn
    [ "$status" -eq 77 ]
    error_says "backend cudnn cannot run here" NVIDIA
}

@test "no driver, no GPU, an old driver, an old GPU: exit 77 with the reason" {
    need_emulator
    mini
    export REPRO_EMULATED_GPU="driver=0"
    train
    [ "$status" -eq 77 ]
    error_says "no NVIDIA driver"
    REPRO_EMULATED_GPU="devices=0" train
    [ "$status" -eq 77 ]
    error_says "no NVIDIA GPU"
    REPRO_EMULATED_GPU="driver=12040" train
    [ "$status" -eq 77 ]
    error_says "CUDA up to 12.4" "13.0" "newer driver"
    REPRO_EMULATED_GPU="capability=75" train
    [ "$status" -eq 77 ]
    error_says "Emulated GPU" "compute capability 7.5" "8.0"
    [ ! -e results/runs ]
}

@test "another major of cuDNN is refused with both numbers, another minor is not" {
    need_emulator
    mini
    REPRO_EMULATED_GPU="cudnn=100200" train
    [ "$status" -eq 1 ]
    error_says "built for cuDNN 9" "10.2"
    REPRO_EMULATED_GPU="cudnn=8907" train
    [ "$status" -eq 1 ]
    error_says "built for cuDNN 9" "8.9"
    REPRO_EMULATED_GPU="cudnn=90100" train
    [ "$status" -eq 0 ]
}

@test "two runs, the same bits; the manifest says what computed them" {
    need_emulator
    mini
    train --out one
    [ "$status" -eq 0 ]
    train --out two
    [ "$status" -eq 0 ]
    [ "$(weights one)" = "$(weights two)" ]
    grep -q '"library": "cuDNN ' one/runs/*/manifest.json
    grep -q '"algorithms": "cuDNN.s first deterministic choice"' one/runs/*/manifest.json
    grep -qE '"8 rows, node [0-9]+ conv 3x3/1 .*: forward engine [0-9]+.*; data .*; weights ' \
        one/runs/*/manifest.json
}

@test "no bit depends on the order in which threads and blocks have their turn" {
    need_emulator
    mini
    local order precision
    for precision in f32 bf16; do
        for order in 0 1 2; do
            REPRO_EMULATED_GPU="order=$order" train --precision $precision --out $precision-$order
            [ "$status" -eq 0 ]
        done
        [ "$(weights $precision-0)" = "$(weights $precision-1)" ]
        [ "$(weights $precision-0)" = "$(weights $precision-2)" ]
    done
}

@test "no bit depends on graphs or on the second stream" {
    need_emulator
    mini
    train --out usual
    [ "$status" -eq 0 ]
    REPRO_CUDNN_STREAMS=1 train --out one
    [ "$status" -eq 0 ]
    # none is launched
    REPRO_CUDNN_GRAPHS=0 REPRO_EMULATED_GPU="cudaGraphLaunch@1=719" train --out none
    [ "$status" -eq 0 ]
    [ "$(weights usual)" = "$(weights one)" ]
    [ "$(weights usual)" = "$(weights none)" ]
}

@test "the same curve as openblas, within rounding" {
    need_emulator
    mini
    train --out gpu
    [ "$status" -eq 0 ]
    repro mini --backend openblas --out cpu
    [ "$status" -eq 0 ]
    paste <(cut -f1-8 gpu/runs/*/log.tsv) <(cut -f1-8 cpu/runs/*/log.tsv) | tail -n 1
    awk -F'\t' 'FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "train_loss") column = i; next }
        NR == FNR { loss[FNR] = $column; next }
        { d = $column - loss[FNR]; if (d < 0) d = -d; if (d > 1e-3) bad = 1; seen++ }
        END { exit bad || seen != 4 }' \
        gpu/runs/*/log.tsv cpu/runs/*/log.tsv
}

@test "precision and allowed algorithms are part of the identity" {
    need_emulator
    mini
    local choice
    for choice in "--precision f32" "--precision tf32" "--precision bf16" \
        "--allow-nondeterministic"; do
        # shellcheck disable=SC2086
        train $choice
        [ "$status" -eq 0 ]
    done
    [ "$(ls results/runs | wc -l)" -eq 4 ]
    for choice in cudnn cudnn-tf32 cudnn-bf16; do # a figure each, which says so
        [ -s results/mini-mini-synthetic-$choice-s1.png ]
        grep -q "backend $choice (cuDNN" results/mini-mini-synthetic-$choice-s1.svg
    done
    local first others
    first=$(grep -l '"algorithms": "cuDNN.s first choice"' results/runs/*/manifest.json)
    [ "$(wc -l <<< "$first")" -eq 1 ]
    grep -q 'forward engine 9' "$first"
    others=$(grep -l 'deterministic choice"' results/runs/*/manifest.json)
    [ "$(wc -l <<< "$others")" -eq 3 ]
    [ "$(xargs cat <<< "$others" | grep -c 'forward engine 9')" -eq 0 ]
}

@test "out of device memory: how much is wanted and there, and nothing is lost" {
    need_emulator
    mini
    REPRO_EMULATED_GPU="memory=100000" train
    [ "$status" -eq 1 ]
    error_says "out of device memory" "the images need" "GiB"
    REPRO_EMULATED_GPU="memory=700000" train
    [ "$status" -eq 1 ]
    error_says "out of device memory" "a micro of 8 rows needs" "GiB"
    REPRO_EMULATED_GPU="cudaMallocHost@1=2" train
    [ "$status" -eq 1 ]
    error_says "pinned host memory" "out of device memory"
    train
    [ "$status" -eq 0 ]
}

@test "a device lost in the middle: a clear error; the run goes on to the same bits" {
    need_emulator
    mini
    train --out whole
    [ "$status" -eq 0 ]
    local fault
    for fault in cudaGraphLaunch@14=719 execute@120=5000 cudaMemcpyAsync@45=700 \
        cudaStreamSynchronize@14=214 cudaSetDevice@250=46 \
        cudaEventSynchronize@30=719 cudaEventQuery@20=719; do
        rm -rf cut
        REPRO_EMULATED_GPU=$fault train --out cut
        [ "$status" -eq 1 ] || { echo "$fault: status $status: $output"; return 1; }
        [[ ${lines[${#lines[@]}-1]} == "repro: "* && ${lines[${#lines[@]}-1]} =~ GPU|cuDNN ]]
        [ -s cut/runs/*/checkpoint.safetensors ] ||
            { echo "$fault came before the first checkpoint: $output"; return 1; }
        train --out cut
        [ "$status" -eq 0 ]
        [ "$(weights cut)" = "$(weights whole)" ] ||
            { echo "$fault: other bits after the resume"; return 1; }
    done
}

@test "bench measures on it" {
    need_emulator
    repro bench --backend "$emulated" --network tiny --batch 8 --steps 1 --describe
    [ "$status" -eq 0 ]
    grep -q "Emulated GPU" <<< "$output"
    grep -q "conv" <<< "$output"
    grep -q "median of 1 steps by the device's clock" <<< "$output"
    grep -qE "^conv .* products +[0-9.]+ %" <<< "$output"
    grep -qE "^batch_norm .* copies +[0-9.]+ %" <<< "$output"
    grep -qE "^device reaches [0-9.]+ TFLOP/s in matrix products and [0-9.]+ GB/s in copies" \
        <<< "$output"
    grep -qE "^launches a step: [1-9][0-9]+$" <<< "$output"
    grep -qE "^ +[0-9]+\.[0-9] MiB of device memory in networks and data$" <<< "$output"
    repro bench --backend "$emulated" --network tiny --batch 8 --steps 2 --with-data --json
    [ "$status" -eq 0 ]
    python3 - "$output" <<'CHECK'
import json, sys
r = json.loads(sys.argv[1])
assert r["clock"] == "device" and len(r["seconds"]) == 2 and min(r["seconds"]) > 0
conv = next(o for o in r["operations"] if o["operation"] == "conv")
assert abs(conv["product_share"] * r["product_tflops"] * 1e3 / conv["gflops"] - 1) < 1e-6
assert abs(
    conv["copy_share"] * r["copy_gigabytes_per_second"] / conv["gigabytes_per_second"] - 1) < 1e-6
assert conv["limit_share"] == max(conv["product_share"], conv["copy_share"])
assert r["launches_per_step"] > 10
assert r["device_memory_bytes"] > 4096 * 3072 # of the data set alone
assert "2.5 times" in r["slow"]
CHECK
}

@test "what is slow without --tune is said once, by a bench and by a training" {
    need_emulator
    local slow="repro: cudnn's own choices are slow in f32; --tune chooses by trial: "
    repro bench --backend "$emulated" --network tiny --batch 8 --steps 1 --brief
    [ "$(grep -c "^$slow" <<< "$output")" -eq 1 ]
    repro bench --backend "$emulated" --network tiny --batch 8 --steps 1 --brief --precision bf16
    [[ $output != *slow* ]]
    REPRO_PLANS=$PWD/plans.tsv repro bench --backend "$emulated" --network tiny --batch 8 \
        --steps 1 --brief --tune
    [ "$status" -eq 0 ]
    [[ $output != *slow* ]]
    mini
    train
    [ "$status" -eq 0 ]
    [ "$(grep -c "^$slow" <<< "$output")" -eq 1 ]
    train # nothing is left to be trained
    [ "$status" -eq 0 ]
    [[ $output != *slow* ]]
}

@test "bench: a device that fails while it is measured is named, not believed" {
    need_emulator
    local fault
    for fault in cudaEventRecord@40=719 cudaMalloc@2=719 execute@60=5000; do
        REPRO_EMULATED_GPU=$fault repro bench --backend "$emulated" --network tiny --batch 8 \
            --steps 1
        [ "$status" -ne 0 ] || { echo "$fault: $output"; return 1; }
        [[ ${lines[${#lines[@]}-1]} == "repro: "* ]]
    done
}

@test "a device with memory of its own takes device_micro_ghosts, a processor micro_ghosts" {
    need_emulator
    mini
    sed -i 's/micro_ghosts = 1;/micro_ghosts = 1; device_micro_ghosts = 2;/' \
        share/experiments/mini.exp
    train --out gpu
    [ "$status" -eq 0 ]
    grep -q '"micro": 16' gpu/runs/*/manifest.json
    repro mini --backend openblas --out processor
    [ "$status" -eq 0 ]
    grep -q '"micro": 8' processor/runs/*/manifest.json
}
