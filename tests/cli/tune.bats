#!/usr/bin/env bats
# --tune on an emulated GPU (tests/device/emulator.h): in tf32 its engines 6 and 5 pass the rule,
# and slow=N says which of them loses. Only trials ask the clock for the time between two events, so
# a call of that shows whether something was tried.
load common

tuned() {
    need_emulator
    export REPRO_PLANS=$PWD/plans.tsv
    mini
}

# The device's setting, then options.
train() {
    REPRO_EMULATED_GPU=$1 repro mini --backend "$emulated" --precision tf32 --tune "${@:2}"
}

# Trains until the first checkpoint is there and the device is lost.
cut_off() {
    train "$1 cudaGraphLaunch@14=719" --out cut
    [ "$status" -eq 1 ]
    [ -s cut/runs/*/checkpoint.safetensors ]
}

weights() {
    sha256sum "$1"/runs/*/checkpoint.safetensors | cut -d' ' -f1
}

@test "the fastest is taken, whichever it is, and the manifest names its engine and knobs" {
    tuned
    train slow=6 --out five
    [ "$status" -eq 0 ]
    [ "$(tail -n +3 plans.tsv | cut -f11 | sort -u)" = 5 ]
    grep -qE 'rows, node [0-9]+ conv .*: forward engine 5 knobs -, .*; weights engine 5 knobs -' \
        five/runs/*/manifest.json
    [ "$(grep -c 'engine 6' five/runs/*/manifest.json)" -eq 0 ]
    rm plans.tsv
    train slow=5 --out six
    [ "$status" -eq 0 ]
    [ "$(tail -n +3 plans.tsv | cut -f11,12 | sort -u)" = "$(printf '6\t14=3,2=0')" ]
    grep -qE 'forward engine 6 tensor cores knobs 14=3,2=0, ' six/runs/*/manifest.json
    [ "$(weights five)" != "$(weights six)" ]
}

@test "the file is for people: a head, a line a convolution, times and how much faster" {
    tuned
    train slow=6
    [ "$status" -eq 0 ]
    sed -n 1p plans.tsv | grep -qx '# convolution plans, format 1'
    local head="device library precision rule direction src weights dst stride padding engine knobs"
    [ "$(sed -n 2p plans.tsv)" = "$(tr ' ' '\t' <<< "$head microseconds speedup tried")" ]
    [ "$(awk -F'\t' 'NR > 2 && NF != 15' plans.tsv | wc -l)" -eq 0 ]
    [ "$(tail -n +3 plans.tsv | cut -f1-4,15 | sort -u)" \
        = "$(printf 'Emulated GPU\tcuDNN 9.19.0, CUDA 13.0\ttf32\tdeterministic\t2')" ]
    # engine 5 is more than ten times as fast as a second
    awk -F'\t' 'NR > 2 && $14 < 10 { bad = 1 } END { exit bad || NR < 10 }' plans.tsv
    [ "$(cut -f1-10 plans.tsv | sort | uniq -d | wc -l)" -eq 0 ]
    cut -f5 plans.tsv | grep -qx data-add
    cut -f5 plans.tsv | grep -qx forward-add
    [ ! -e plans.tsv.part ]
}

@test "what the file knows is never tried again" {
    tuned
    train slow=6 --out one
    [ "$status" -eq 0 ]
    cp plans.tsv kept.tsv
    # any trial would fail here, and would now prefer the other engine
    train "slow=5 cudaEventElapsedTime@1=719" --out two
    [ "$status" -eq 0 ]
    cmp plans.tsv kept.tsv
    [ "$(weights one)" = "$(weights two)" ]
    # and a trial does fail
    rm plans.tsv
    train "cudaEventElapsedTime@1=719" --out three
    [ "$status" -eq 1 ]
    error_says "trying a convolution" "the GPU failed"
    [ ! -e plans.tsv ]
}

@test "one line deleted: one convolution is tried anew, the others stay" {
    tuned
    train slow=6 --out one
    [ "$status" -eq 0 ]
    sed -i 4d plans.tsv
    train slow=5 --out two
    [ "$status" -eq 0 ]
    [ "$(tail -n +3 plans.tsv | cut -f11 | sort | uniq -c | awk '$2 == 6 { print $1 }')" = 1 ]
    tail -n 1 plans.tsv | cut -f11 | grep -qx 6
}

@test "each device, library and rule has lines of its own in one file" {
    tuned
    train slow=6
    [ "$status" -eq 0 ]
    local count=$(($(wc -l < plans.tsv) - 2))
    train "slow=5 model=2" --out two
    [ "$status" -eq 0 ]
    train "slow=5 cudnn=90100" --out three
    [ "$status" -eq 0 ]
    train slow=6 --allow-nondeterministic --out four
    [ "$status" -eq 0 ]
    [ "$(tail -n +3 plans.tsv | wc -l)" -eq $((4 * count)) ]
    [ "$(tail -n +3 plans.tsv | cut -f1,2,4,11 | sort -u | grep -vP '\tany\t')" = "$(printf '%s\n' \
        $'Emulated GPU\tcuDNN 9.1.0, CUDA 13.0\tdeterministic\t6' \
        $'Emulated GPU\tcuDNN 9.19.0, CUDA 13.0\tdeterministic\t5' \
        $'Emulated GPU 2\tcuDNN 9.19.0, CUDA 13.0\tdeterministic\t6')" ]
    cut -f4,15 plans.tsv | grep -qP 'any\t3'
    grep -q '"algorithms": "cuDNN.s fastest choice, tuned"' four/runs/*/manifest.json
}

@test "a damaged line, another format, a file of something else: named, and nothing is trained" {
    tuned
    train slow=6
    [ "$status" -eq 0 ]
    rm -r results
    cp plans.tsv good.tsv
    sed -i '5s/\t5\t/\tfive\t/' plans.tsv
    train slow=6
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:5: this line is damaged" \
        "delete that line, or the file, and run with --tune anew"
    sed '1s/1/7/' good.tsv > plans.tsv
    train slow=6
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:1: format 7"
    echo "shopping list" > plans.tsv
    train slow=6
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:1: no file of plans"
    grep -qx "shopping list" plans.tsv
    [ ! -e results/runs/*/log.tsv ]
    rm plans.tsv && mkdir plans.tsv
    train slow=6
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv"
}

@test "a plan that cannot be built, or that the rule forbids, is named and not replaced" {
    tuned
    train slow=5
    [ "$status" -eq 0 ]
    rm -r results
    cp plans.tsv good.tsv
    sed '4s/\t6\t14=3,2=0\t/\t4\t-\t/' good.tsv > plans.tsv
    train slow=5
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:4: cuDNN cannot build engine 4 with knobs -" \
        "delete that line, or the file, and run with --tune anew"
    sed '4s/14=3,2=0/14=9,2=0/' good.tsv > plans.tsv
    train slow=5
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:4: cuDNN cannot build engine 6 with knobs 14=9,2=0"
    sed '4s/\t6\t14=3,2=0\t/\t9\t-\t/' good.tsv > plans.tsv # not deterministic
    train slow=5
    [ "$status" -eq 1 ]
    error_says "$PWD/plans.tsv:4: the rule does not allow engine 9"
    [ ! -e results/runs/*/log.tsv ]
    sed '4d' good.tsv > plans.tsv # the mend
    train slow=5
    [ "$status" -eq 0 ]
}

@test "an engine whose trial fails is passed over; when all fail the reason is given" {
    tuned
    local fault
    # engine 6's first trial, and its workspace behind the data set and the operands
    for fault in execute@1=100 cudaMalloc@7=2; do
        train "slow=5 $fault" --out "$fault"
        [ "$status" -eq 0 ]
        [ "$(sed -n 3p plans.tsv | cut -f11)" = 5 ]
        [ "$(tail -n +4 plans.tsv | cut -f11 | sort -u)" = 6 ]
        rm plans.tsv
    done
    train "slow=5 execute@1=100 execute@2=100" --out two
    [ "$status" -eq 1 ]
    error_says "none of the 2 engines" "can be tried" "cuDNN says"
    [ ! -e plans.tsv ]
    train "slow=5 execute@1=719" --out three # the device is gone, which says nothing of the engine
    [ "$status" -eq 1 ]
    error_says "trying a convolution: the GPU failed"
    [ ! -e plans.tsv ]
    train memory=700000 --out four
    [ "$status" -eq 1 ]
    error_says "trying convolutions: out of device memory"
}

@test "a run goes on with the choices that it began with, or not at all" {
    tuned
    train slow=6 --out whole
    [ "$status" -eq 0 ]
    rm plans.tsv
    cut_off slow=6
    cp plans.tsv kept.tsv
    rm plans.tsv
    local before
    before=$(weights cut)
    train slow=5 --out cut
    [ "$status" -eq 1 ]
    error_says "manifest.json: session 1 has the choice '8 rows, node" "engine 5 knobs -" \
        "now it would be '8 rows, node" "engine 6" \
        "put back the file of plans" "delete the run's folder"
    [ "$(weights cut)" = "$before" ]
    [ "$(grep -c '"started"' cut/runs/*/manifest.json)" -eq 1 ]
    cp kept.tsv plans.tsv # the mend
    train slow=5 --out cut
    [ "$status" -eq 0 ]
    [ "$(weights cut)" = "$(weights whole)" ]
    [ "$(grep -c '"started"' cut/runs/*/manifest.json)" -eq 2 ]
}

@test "a session of which no update was kept binds nobody" {
    tuned
    train "slow=6 cudaGraphLaunch@5=719" --out cut
    [ "$status" -eq 1 ]
    [ ! -e cut/runs/*/checkpoint.safetensors ]
    grep -q 'engine 5' cut/runs/*/manifest.json
    rm plans.tsv
    cut_off slow=5
    train slow=5 --out cut
    [ "$status" -eq 0 ]
    [ "$(grep -c '"started"' cut/runs/*/manifest.json)" -eq 3 ]
}

@test "the second network, for the rest of a batch, is tuned and told as well" {
    tuned
    sed -i 's/train_n = 160/train_n = 164/' share/experiments/mini.exp
    train slow=6 --convention last_batch=keep
    [ "$status" -eq 0 ]
    cut -f6 plans.tsv | grep -q '^8x'
    cut -f6 plans.tsv | grep -q '^4x'
    [ "$(grep -c ' rows, node 1 conv ' results/runs/*/manifest.json)" -eq 2 ]
    rm -r results
    awk -F'\t' -v OFS='\t' 'NR > 2 && $6 ~ /^4x/ { $11 = 6; $12 = "14=3,2=0" } { print }' \
        plans.tsv > other.tsv
    train "slow=6 cudaGraphLaunch@14=719" --convention last_batch=keep --out cut
    [ -s cut/runs/*/checkpoint.safetensors ]
    cp other.tsv plans.tsv
    train slow=6 --convention last_batch=keep --out cut
    [ "$status" -eq 1 ]
    error_says "session 1 has the choice '4 rows, node 1 conv" \
        "now it would be '4 rows, node 1 conv"
}

@test "tuned or not is another run" {
    tuned
    train slow=6
    [ "$status" -eq 0 ]
    repro mini --backend "$emulated" --precision tf32
    [ "$status" -eq 0 ]
    [ "$(ls results/runs | wc -l)" -eq 2 ]
    local tuned='"algorithms":"cuDNN.sfastestdeterministicchoicetuned"'
    grep -h '"algorithms"' results/runs/*/manifest.json | tr -d ' ,' | sort | tr '\n' ' ' |
        grep -q "$tuned \"algorithms\":\"cuDNN.sfirstdeterministicchoice\""
    # the first that the rule allows, without knobs in its line
    grep -q 'forward engine 6 tensor cores, ' \
        "$(grep -l 'first deterministic' results/runs/*/manifest.json)"
    REPRO_EMULATED_GPU=slow=6 repro plan mini --profile mini --backend "$emulated" \
        --precision tf32 --tune
    [ "$status" -eq 0 ]
    grep -q done <<< "$output"
    repro plan mini --profile mini --backend "$emulated" --tune # f32: neither
    [ "$status" -eq 0 ]
    [ "$(grep -cw done <<< "$output")" -eq 0 ]
}

@test "the file's place: REPRO_PLANS, else the cache folder, which is made" {
    need_emulator
    unset REPRO_PLANS
    mkdir home
    HOME=$PWD/home XDG_CACHE_HOME="" repro bench --backend "$emulated" --network tiny --batch 8 \
        --steps 1 --brief --tune
    [ "$status" -eq 0 ]
    [ -s home/.cache/repro/plans/cudnn.tsv ]
    XDG_CACHE_HOME=$PWD/cache repro bench --backend "$emulated" --network tiny --batch 8 --steps 1 \
        --brief --tune --describe
    [ "$status" -eq 0 ]
    [ -s cache/repro/plans/cudnn.tsv ]
    grep -q 'engine 5 knobs -' <<< "$output"
    REPRO_PLANS=$PWD/a/b/own.tsv repro bench --backend "$emulated" --network tiny --batch 8 \
        --steps 1 --brief --tune
    [ "$status" -eq 0 ]
    [ -s a/b/own.tsv ]
    HOME="" XDG_CACHE_HOME="" repro bench --backend "$emulated" --network tiny --batch 8 --steps 1 \
        --brief --tune
    [ "$status" -eq 1 ]
    error_says "REPRO_PLANS"
}

@test "a backend with nothing to tune refuses" {
    export REPRO_PLANS=$PWD/plans.tsv
    repro figure5 --profile smoke --backend openblas --tune
    [ "$status" -eq 1 ]
    error_says "backend openblas: it chooses its algorithms by a rule" "leave --tune out"
    repro bench --backend openblas --network tiny --batch 8 --tune
    [ "$status" -eq 1 ]
    error_says "leave --tune out"
    [ ! -e plans.tsv ]
    [ ! -e results/runs ]
}
