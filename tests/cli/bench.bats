#!/usr/bin/env bats
# `repro bench` on a network of a few thousand parameters, and bench/compare with stand-ins for both
# sides.
load common

compare=${srcdir:-$BATS_TEST_DIRNAME/../..}/bench/compare

# The value of a key of the JSON object in $output.
value() {
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1" <<< "$output"
}

need_python() {
    command -v python3 >/dev/null || skip "python3 is missing"
}

# A program that prints $2 as both sides do, and writes its options into the file "said".
stand_in() {
    cat > "$1" <<SCRIPT
#!/bin/sh
[ "\$*" = --version ] || echo "$1 \$*" >> "$PWD/said"
case "\$*" in *bf16*) echo "$1: no bf16 here" >&2; exit 77;; esac
echo '$2'
SCRIPT
    chmod +x "$1"
}

stand_ins() {
    need_python
    stand_in ours '{"images_per_second": 30.0, "parameters": 7, "limit_share": 0.5,
        "peak_memory_bytes": 2097152, "version": "1", "commit": "c", "backend": "b",
        "library": "l"}'
    stand_in theirs '{"images_per_second": 20.0, "parameters": 7, "torch": "2.x", "onednn": "3.x"}'
    both=(--repro ./ours --python ./theirs --threads 1)
}

@test "bench: speed, operations, limit and memory in words" {
    repro bench --network tiny --batch 16 --micro 8 --steps 2 --threads 1
    [ "$status" -eq 0 ]
    [[ $output == "tiny at 32 px, f32, batch 16 in micros of 8 (ghosts of 8)"* ]]
    [[ $output == *"images/s, median of 2 steps"* ]]
    [[ $output == *"GFLOP/s"* ]]
    [[ $output == *"convolutions by themselves"* ]]
    [[ $output == *"MiB peak memory"* ]]
    [[ $output == *"operation"* ]]
    [[ $output != *"clock"* ]] # a CPU backend has none of its own, nor rates
    [[ $output != *"device reaches"* ]]
    [ -z "$(ls)" ]
}

@test "bench --brief: neither operations nor limit" {
    repro bench --network tiny --batch 8 --steps 1 --warm-up 0 --brief
    [ "$status" -eq 0 ]
    [[ $output != *"operation"* ]]
    [[ $output != *"by themselves"* ]]
    [[ $output == *"MiB peak memory"* ]]
}

@test "bench --json: one object that says what was measured" {
    need_python
    repro bench --network tiny --batch 24 --micro 16 --ghost 8 --steps 3 --threads 1 --json
    [ "$status" -eq 0 ]
    [ "$(value network) $(value batch) $(value micro) $(value ghost)" = "tiny 24 16 8" ]
    [ "$(value backend) $(value precision) $(value threads) $(value with_data)" \
        = "openblas f32 1 False" ]
    [ "$(value clock) $(value product_tflops) $(value launches_per_step)" = "host None None" ]
    python3 - "$output" <<'CHECK'
import json, statistics, sys
r = json.loads(sys.argv[1])
median = statistics.median(r["seconds"])
assert len(r["seconds"]) == 3 and min(r["seconds"]) > 0
assert abs(r["images_per_second"] * median / 24 - 1) < 1e-6
assert abs(r["best_images_per_second"] * min(r["seconds"]) / 24 - 1) < 1e-6
assert abs(r["gflops"] / (r["gflop_per_image"] * r["images_per_second"]) - 1) < 1e-6
assert r["peak_memory_bytes"] > 1 << 20
assert (r["operations"] is None) == (r["operations_reason"] is not None)
assert (r["limit_images_per_second"] is None) == (r["limit_reason"] is not None)
assert r["operations"] is None or abs(
    sum(o["total_ms"] for o in r["operations"]) / r["profiled_ms"] - 1) < 1e-6
CHECK
}

@test "bench --with-data: the trainer's own steps" {
    repro bench --network tiny --batch 32 --steps 2 --with-data
    [ "$status" -eq 0 ]
    [[ $output == *"data and augmentation included"* ]]
}

@test "bench --describe says what the backend chose, or that it does not" {
    repro bench --network tiny --batch 8 --steps 1 --brief --describe
    [ "$status" -eq 0 ]
    [[ $output == *"peak memory of this process"*$'\n'?* ]]
}

@test "bench: a batch of many micros takes the memory of one" {
    need_python
    repro bench --network tiny --batch 64 --steps 1 --warm-up 0 --brief --threads 1 --json
    [ "$status" -eq 0 ]
    local small
    small=$(value peak_memory_bytes)
    repro bench --network tiny --batch 4096 --micro 64 --steps 1 --warm-up 0 --brief --threads 1 \
        --json
    [ "$status" -eq 0 ]
    local large
    large=$(value peak_memory_bytes)
    echo "$small $large"
    # 4096 images are 12 MiB of pixels and far more of activations
    [ "$large" -lt $((small + (8 << 20))) ]
}

@test "bench --side: images of another size, and of one that the network does not take" {
    repro bench --network tiny --side 20 --batch 4 --steps 1 --warm-up 0 --brief
    [ "$status" -eq 0 ]
    [[ $output == "tiny at 20 px, f32, batch 4"* ]]
    repro bench --network inception-resnet-v2-16-10 --side 75 --batch 2 --steps 1 --warm-up 0
    [ "$status" -eq 0 ]
    [[ $output == "inception-resnet-v2-16-10 at 75 px"* && $output == *"avg_pool"* ]]
    repro bench --network inception-resnet-v2 --side 74
    [ "$status" -eq 1 ]
    error_says "inception-resnet-v2" "74 x 74" "75 x 75"
}

# images FOLDER COUNT: so many small pictures in two classes, one more to evaluate.
images() {
    mkdir -p "$1/train/cat" "$1/train/dog" "$1/val/cat"
    python3 - "$@" <<'MAKE'
import struct, sys, zlib
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
side, folder, count = 40, sys.argv[1], int(sys.argv[2])
for i in range(count + 1):
    rows = b"".join(b"\0" + bytes(v for x in range(side) for v in (5 * i, x, y))
                    for y in range(side))
    where = "val/cat" if i == count else ("train/cat", "train/dog")[i % 2]
    open(f"{folder}/{where}/{i}.png", "wb").write(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
MAKE
}

@test "bench --with-data at other sizes: synthetic images, or a folder's by --data" {
    repro bench --network tiny --side 20 --with-data --batch 8 --steps 1 --brief
    [ "$status" -eq 0 ]
    [[ $output == "tiny at 20 px"*"data synthetic-imagenet, 10 classes, 4096 images"* ]]
    need_python
    images pictures 24
    repro bench --network inception-resnet-v2-16-10 --side 80 --data pictures --batch 8 \
        --steps 1 --warm-up 0 --brief --json
    [ "$status" -ne 77 ] || skip "$output"
    [ "$status" -eq 0 ]
    [ "$(value with_data) $(value data) $(value side)" = "True imagenet 80" ]
    repro bench --network tiny --side 20 --data pictures --batch 25 --steps 1
    [ "$status" -eq 1 ]
    error_says "pictures/train" "24 images" "25 cannot be taken"
    repro bench --network tiny --data pictures --batch 8 --steps 1 # of 32 pixels: CIFAR-10's
    [ "$status" -eq 1 ]
    error_says "pictures" "data_batch_1.bin"
}

@test "bench: options out of range, exit 2" {
    for option in --side=0 --side=4097 --batch=0 --micro=x --ghost=-1 --steps=0 \
        --steps=1001 --threads=0 --warm-up=-1 --batch=99999999999; do
        repro bench --network tiny "$option"
        [ "$status" -eq 2 ]
        [[ $output == *"repro bench: ${option%=*}: '${option#*=}' is no whole number"* ]]
    done
    repro bench --precision f16
    [ "$status" -eq 2 ]
    [[ $output == *"--precision: 'f16' is none of f32, tf32, bf16"* ]]
    repro bench wrn-16-4
    [ "$status" -eq 2 ]
    [[ $output == *"'wrn-16-4' is one argument too many"* ]]
}

@test "bench: sizes that do not fit each other, exit 2" {
    repro bench --network tiny --batch 8 --micro 16
    [ "$status" -eq 2 ]
    error_says "micro of 16 rows exceeds the batch of 8"
    repro bench --network tiny --batch 10 --micro 4
    [ "$status" -eq 2 ]
    error_says "ghost of 4 rows does not divide the batch of 10"
}

@test "bench: an unknown network or backend is named" {
    repro bench --network wrn-15-4
    [ "$status" -eq 1 ]
    error_says "wrn-15-4" "6n + 4"
    repro bench --network tiny --backend nosuch
    [ "$status" -eq 1 ]
    error_says "nosuch"
}

@test "bench: a precision the backend lacks, exit 77" {
    repro bench --network tiny --precision bf16
    [ "$status" -eq 77 ]
    error_says "backend openblas does not compute in bf16"
}

@test "compare: the sides take turns, the ratio is ours by theirs" {
    stand_ins
    run "$compare" "${both[@]}" --work wrn-16-4-f32 --pairs 2 --markdown table.md
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$(cut -d' ' -f1 said | tr '\n' ' ')" \
        = "ours ours theirs ours theirs ours theirs ours theirs " ]
    [ "$(grep -c 'layout=nchw' said)" -eq 2 ]
    [ "$(grep -c 'layout=nhwc' said)" -eq 2 ]
    [[ $output == *"median 1.50 (1.50 to 1.50)"* ]]
    local row='| wrn-16-4-f32 | 30.0 | PyTorch nchw | 20.0 | **1.50 (1.50 to 1.50)** | 1.50, 1.50'
    grep -qF "$row | 50 % | 2 MiB |" table.md
    grep -q 'PyTorch 2.x, oneDNN 3.x' table.md
}

@test "compare: a work that a side refuses stands there with the reason" {
    stand_ins
    run "$compare" "${both[@]}" --pairs 1
    [ "$status" -eq 0 ]
    [[ $output == *"| wrn-16-4-bf16 | | refused by onednn | | ours: no bf16 here |"* ]]
    [[ $output == *"| wrn-16-1-data | 30.0 | PyTorch nhwc | 20.0 |"* ]]
    grep -q '^ours bench .*--with-data' said
    [ "$(grep -c '^theirs.*--with-data' said)" -eq 0 ]
}

@test "compare: networks of different size are not compared" {
    stand_ins
    stand_in theirs '{"images_per_second": 20.0, "parameters": 8, "torch": "2.x", "onednn": "3.x"}'
    run "$compare" "${both[@]}" --work wrn-16-4-f32
    [ "$status" -eq 77 ]
    [[ $output == *"networks of 7 and 8 parameters"* ]]
}

@test "compare --against: two backends of ours" {
    stand_ins
    run "$compare" "${both[@]}" --work wrn-16-4-f32 --pairs 1 --backend one --against two
    [ "$status" -eq 0 ]
    [[ $output == *"against two: median 1.00"* ]]
    grep -q 'backend=one' said
    grep -q 'backend=two' said
    [ "$(grep -c theirs said)" -eq 0 ]
}

@test "compare: no program, an unknown work: a sentence" {
    need_python
    run "$compare" --repro ./nosuch
    [ "$status" -ne 0 ]
    [[ $output == *"./nosuch does not run"* ]]
    run "$compare" --work nosuch
    [ "$status" -eq 2 ]
    [[ $output == *"wrn-16-4-f32"* ]]
}
