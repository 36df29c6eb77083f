#!/usr/bin/env bash
# usage: gpu-acceptance.sh [--part N]... [--state DIR] BUNDLE [DATA]
#
# Shows on a machine with an NVIDIA GPU what the cudnn plugin must show, and measures it.  BUNDLE is
# the folder that `make bundle` made, DATA a folder with cifar-10-batches-bin.  Needed are the
# driver, cuDNN 9 (in the loader's path or in a Python's packages; of two the newer one), a python3,
# and PyTorch in it for what is compared with it; what is missing is skipped by name.
#
#   part 1   2 minutes    conformance: every op, whole nets, updates, refusals, clock; against
#                         openblas in f32, tf32 and bf16
#   part 2   10 minutes   speed as it is, tuned, and PyTorch's, taking turns
#                         (micro 1024; batch 128 with data, half and f32; most of the time is
#                         PyTorch's compiler, once for each)
#   part 3   2 minutes    where a step's time goes, as tables; Inception-ResNet-V2 likewise
#   part 4   1 minute     figure 5 with 1, 2 and 4 runs at a time
#   part 5   3 minutes    figure 5, profile small, in f32 and bf16 with three seeds
#   part 6   15 minutes   figure 5 at the paper's scale
#   part 7   an hour      figures 2 to 4 at the paper's scale
#   part 8   3 minutes    the same bits twice; one step of WRN-16-4 against PyTorch in float64
#   part 9   10 minutes   sanitizers
#
# Without --part all of them, in this order.  One call takes at most $REPRO_ACCEPTANCE_SECONDS
# (540): what does not fit any more is cut, a training by a SIGTERM after which it writes a
# checkpoint, or left for the next call.  The same command goes on while --state DIR (default:
# BUNDLE/acceptance) is kept, on the same machine or carried to another: what passed is not made
# again, a training continues.
#
# Ends with a table of everything known and the targets beside it.  A target that is MISSED is a
# finding; exit status 0 when nothing FAILED.
#
# REPRO_ACCEPTANCE_BACKEND=NAME-OR-PATH tries the script with another backend,
# REPRO_ACCEPTANCE_TRY=1 with tiny sizes and synthetic data; REPRO_ACCEPTANCE_OPTIONS go to every
# bench and training (as --tune), REPRO_ACCEPTANCE_HALF is the precision that is measured (bf16),
# REPRO_ACCEPTANCE_JOBS how many runs parts 5 to 7 train at a time (1: on an H100 two runs of batch
# 128 made 77,400 images/s together and one alone 75,000, and beside a run of batch 3200 one of
# batch 128 fell to a sixth).
set -uo pipefail

script=$(readlink -f "$0")
usage() { sed -n '2,6s/^# //p' "$script" >&2; exit 2; }

parts= state=
while [ $# -gt 0 ]; do
    case $1 in
    --part) [ $# -gt 1 ] || usage; parts="$parts $2"; shift 2 ;;
    --state) [ $# -gt 1 ] || usage; state=$2; shift 2 ;;
    --*) usage ;;
    *) break ;;
    esac
done
[ $# -ge 1 ] && [ $# -le 2 ] || usage
[ -x "$1/repro" ] || { echo "gpu-acceptance: $1 is no bundle: it has no repro" >&2; exit 2; }
bundle=$(cd "$1" && pwd)
data=${2:+$(cd "$2" && pwd)}
: "${parts:= 1 2 3 4 5 6 7 8 9}" "${state:=$bundle/acceptance}"
for part in $parts; do case $part in [1-9]) ;; *) usage ;; esac; done
mkdir -p "$state"
state=$(cd "$state" && pwd)
backend=${REPRO_ACCEPTANCE_BACKEND:-cudnn}
python=${PYTHON:-python3}
budget=${REPRO_ACCEPTANCE_SECONDS:-540}
options=${REPRO_ACCEPTANCE_OPTIONS:-}
jobs=${REPRO_ACCEPTANCE_JOBS:-1}
device=cuda network=wrn-16-4 batch=128 ghost=128 large=1024 steps=200 warm_up=20 turn_count=5
paper=paper small=small seeds=3 short=quick smoke=smoke bits="f32 tf32 bf16" rate=60000 \
    half=${REPRO_ACCEPTANCE_HALF:-bf16} compiling=150
inception="--network inception-resnet-v2 --batch 128 --ghost 32 --steps 10 --warm-up 3"
if [ -n "${REPRO_ACCEPTANCE_TRY:-}" ]; then
    device=cpu network=wrn-10-1 batch=8 ghost=4 large=16 steps=2 warm_up=1 turn_count=2
    paper=smoke small=smoke seeds=2 short=smoke bits=f32 rate=10 half=${REPRO_ACCEPTANCE_HALF:-f32}
    compiling=10
    inception="--network inception-resnet-v2 --side 75 --batch 2 --ghost 1 --steps 1 --warm-up 1"
fi
if [ "$backend" = cudnn ]; then
    export REPRO_REQUIRE=cudnn
fi
export REPRO_SHARE=$bundle REPRO_BACKEND_PATH=$bundle/plugins REPRO_CONFORMANCE_BACKEND=$backend
cd "$state" || exit 1

# ---- The newest cuDNN ----

# The loader's and that of Python's packages: a line "VERSION FOLDERS" for each that is there, of
# the loader's without folders.  A version is cudnnGetVersion()'s, 90000 and more.
cudnns() {
    "$python" -c 'import glob, site, subprocess, sys
def version(library):
    ask = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).cudnnGetVersion())"
    done = subprocess.run([sys.executable, "-c", ask, library], capture_output=True, text=True)
    return int(done.stdout) if done.returncode == 0 else 0
known = version("libcudnn.so.9")
if known:
    print(known)
for folder in site.getsitepackages() + [site.getusersitepackages()] + sys.path:
    for library in glob.glob(folder + "/nvidia/cudnn/lib/libcudnn.so.9"):
        base = library.rsplit("/", 3)[0]
        folders = [base + "/cudnn/lib"] + glob.glob(base + "/cu1*/lib") + glob.glob(
            base + "/cuda_nvrtc/lib")
        print(version(library), ":".join(folders))
        raise SystemExit' 2>/dev/null
}

words_of_version() { echo "$(($1 / 10000)).$(($1 % 10000 / 100)).$(($1 % 100))"; }

# Python's only where it is newer; says which it is and what else was there.
newest_cudnn() {
    local loader=0 other=0 folders='' version rest
    while read -r version rest; do
        if [ -n "$rest" ]; then other=$version folders=$rest; else loader=$version; fi
    done < <(cudnns)
    if [ "$other" -gt "$loader" ]; then
        export LD_LIBRARY_PATH=$folders${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
        cudnn="cuDNN $(words_of_version "$other") of Python's packages, the loader $(
            [ "$loader" -eq 0 ] && echo "has none" || echo "has $(words_of_version "$loader")")"
    elif [ "$loader" -gt 0 ]; then
        cudnn="cuDNN $(words_of_version "$loader"), the loader's; Python's packages have $(
            [ "$other" -eq 0 ] && echo none || words_of_version "$other")"
    else
        cudnn="no cuDNN 9, neither the loader's nor in Python's packages"
    fi
}

cudnn=
if [ "$backend" = cudnn ]; then
    newest_cudnn
    echo "$cudnn"
fi

# ---- The book of results ----
# part, check, result, seconds, what was seen; the last line about a check counts

touch results.tsv

known() { awk -F'\t' -v part="$1" -v name="$2" \
    '$1 == part && $2 == name { result = $3 } END { print result }' results.tsv; }
# Seconds that a check has taken in earlier calls.
spent() { awk -F'\t' -v part="$1" -v name="$2" \
    '$1 == part && $2 == name { sum += $4 } END { print sum + 0 }' results.tsv; }
log_of() { echo "$1-${2//[^a-zA-Z0-9]/-}.log"; }
record() { # PART NAME RESULT SECONDS SEEN
    printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>results.tsv
    printf '%s  %s: %s\n' "$3" "$2" "$5"
}

# check PART SECONDS NAME COMMAND...: runs it unless it has passed or fewer seconds than it needs
# are left; its last line of output is what was seen; status 77 is a skip, 124 a cut.  At $deadline
# the command must have ended by itself; it is killed somewhat later.
check() {
    local part=$1 need=$2 name=$3 began=$SECONDS status result seen log
    shift 3
    local left=$((budget - SECONDS))
    [ "$(known "$part" "$name")" != pass ] || return 0
    if [ "$left" -lt "$need" ]; then
        [ -n "$(known "$part" "$name")" ] ||
            record "$part" "$name" left 0 "for the next call: it needs about $need s"
        return 0
    fi
    export deadline before
    deadline=$(($(date +%s) + left))
    before=$(spent "$part" "$name")
    log=$(log_of "$part" "$name")
    timeout -s KILL $((left + 30)) bash -c 'set -o pipefail; "$@"' bash "$@" >"$log" 2>&1 </dev/null
    status=$?
    seen=$(grep -v -e '^$' -e '^target: ' "$log" | tail -n 1 | tr '\t\r' '  ' | cut -c1-200)
    case $status in
    0) result=pass ;;
    77) result=skip ;;
    124 | 137) result=cut seen="the same command goes on; $seen" ;;
    *) result=FAIL ;;
    esac
    record "$part" "$name" "$result" $((SECONDS - began)) "$seen"
    grep '^target: ' "$log" | sed 's/^/      /'
}

# Seconds to a moment before the deadline, at least one.
until_deadline() { local seconds=$((deadline - $(date +%s) - $1)); echo \
    $((seconds > 1 ? seconds : 1)); }

# A program that is cut at the deadline.
in_time() { timeout --foreground -k 10 "$(until_deadline 0)" "$@"; }

# A figure: its runs are trained and its claims judged, whatever they came to; drawing wants a
# gnuplot, which may be missing.  A SIGTERM, one and no more, makes it write a checkpoint and end.
trained() {
    local status
    # shellcheck disable=SC2086
    timeout --foreground -k 25 "$(until_deadline 15)" "$bundle/repro" "$@" --backend "$backend" \
        ${data:+--data "$data"} $options >"$$.out" 2>&1
    status=$?
    tail -n 40 "$$.out"
    [ $status -ne 0 ] && [ $status -ne 3 ] &&
        tail -n 1 "$$.out" | grep -q 'gnuplot is not on the PATH' && status=0
    rm -f "$$.out"
    [ $status -ne 3 ] || status=0
    return $status
}

# bench OPTION...
bench() {
    # shellcheck disable=SC2086
    in_time "$bundle/repro" bench --backend "$backend" --network "$network" $options "$@"
}

need_data() { [ -n "$data" ] || [ "$device" = cpu ] || { echo "no DATA was given"; return 77; }; }
knows() {
    "$bundle/repro" "$1" --help | grep -- "$2" >/dev/null ||
        { echo "this program has no $2"; return 77; }
}

# ---- Part 1 ----

runs_here() {
    "$bundle/repro" backends
    "$bundle/repro" bench --backend "$backend" --network tiny --batch 8 --steps 1 \
        --brief >/dev/null || return
    echo "$(nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit \
        --format=csv,noheader 2>/dev/null || echo "no nvidia-smi")${cudnn:+; $cudnn}"
}

# TAP in, one line out: conform PROGRAM WORD-BEFORE-ITS-NUMBERS
conform() {
    local status
    in_time "$bundle/tests/test_$1" >"$1.tap" 2>&1
    status=$?
    cat "$1.tap"
    echo "$(grep '^ok' "$1.tap" | grep -vc '# SKIP') tests passed, $(
        grep '^not ok' "$1.tap" | grep -vc '# SKIP') failed, $(
        grep -c '# SKIP' "$1.tap") skipped$(
        grep -oE "$2 [0-9.e+-]+" "$1.tap" | cut -d' ' -f2 | sort -g | tail -n 1 |
            sed "s/^/; worst $2 /")"
    return $status
}

pair() { REPRO_CONFORMANCE_PRECISION=$1 conform pair parameters; }

part1() {
    check 1 5 "it runs here" runs_here
    for program in contract ops net update measure; do
        check 1 10 "$program against double loops, f32" conform $program error
    done
    for program in resident recorded queued counts; do
        check 1 10 "$program: the same bits as step by step" conform $program error
    done
    for precision in f32 tf32 bf16; do
        check 1 10 "against openblas, $precision" pair $precision
    done
}

# ---- Part 2 ----

# One bench of ours, in words that a shell takes apart again.
ours() { # BATCH PRECISION OPTION...
    echo "'$bundle/repro' bench --backend '$backend' --network $network --precision $2 --batch $1 \
        --ghost $ghost --steps $steps --warm-up $warm_up --brief --json $options ${*:3}"
}

# Whether convolutions can be chosen by trial; the plans are kept with the results.
tunes() {
    export REPRO_PLANS=$PWD/plans.tsv
    in_time "$bundle/repro" bench --backend "$backend" --network tiny --batch 8 --steps 1 --brief \
        --tune >"$$.out" 2>&1
    local status=$?
    [ $status -eq 0 ] || echo "not tuned: $(tail -n 1 "$$.out")"
    rm -f "$$.out"
    return $status
}

# turns BATCH PRECISION TARGETS... -- OPTIONS OF OURS: as it is, tuned, and PyTorch, whose step has
# no data to assemble and which compiles once.
turns() {
    local size=$1 precision=$2 targets=() tuned=()
    shift 2
    while [ "$1" != -- ]; do targets+=("$1"); shift; done
    shift
    if tunes; then
        tuned=(--tuned "$(ours "$size" "$precision" --tune "$@")")
    elif [ "$backend" = cudnn ]; then
        return 1
    fi
    in_time "$python" "$bundle/tests/gpu-judge.py" turns --turns "$turn_count" \
        --log "turns-$precision-$size.jsonl" "${targets[@]}" \
        --ours "$(ours "$size" "$precision" "$@")" "${tuned[@]}" \
        --theirs "'$python' '$bundle/tests/pytorch_wrn.py' --network $network \
            --precision $precision --batch $size --device $device --steps $steps \
            --warm-up $warm_up --layout nhwc --compile --turns"
}

part2() {
    check 2 "$compiling" "WRN-16-4, micro $large, $half" turns "$large" "$half" --rate "$rate" \
        --ratio 1.5 --
    check 2 "$compiling" "WRN-16-4, batch $batch with data, $half" turns "$batch" "$half" \
        --ratio 1.5 -- --with-data
    check 2 "$compiling" "WRN-16-4, batch $batch with data, f32" turns "$batch" f32 -- --with-data
}

# ---- Part 3 ----

# where FILE OPTION...: a bench, as text and as an object, and its largest parts in one line
where() {
    local file=where-$1
    shift
    bench "$@" --describe | tee "$file.txt" || return
    bench "$@" --json >"$file.json" || return
    "$python" - "$file.json" <<'PYTHON'
import json, sys
r = json.load(open(sys.argv[1]))
rows = sorted(r["operations"] or [], key=lambda row: -row["total_ms"])[:3]
share = "no limit known"
if r["limit_share"]:
    share = f"{100 * r['limit_share']:.0f} % of its convolutions"
def part(row):
    words = f"{row['operation']} {100 * row['share']:.0f} %"
    if "limit_share" in row:
        words += f" (at {100 * row['limit_share']:.0f} % of {row['limit']})"
    return words
print(f"{r['images_per_second']:.0f} images/s, {share}, "
      f"{r['launches_per_step'] or 0:.0f} launches a step; " + ", ".join(map(part, rows)))
PYTHON
}

# where_wrn PRECISION BATCH
where_wrn() {
    where "$1-$2" --precision "$1" --batch "$2" --ghost "$ghost" --steps "$steps" \
        --warm-up "$warm_up"
}

where_inception() {
    "$bundle/repro" bench --help | grep -- --side >/dev/null ||
        { echo "this program has no inception-resnet-v2"; return 77; }
    # shellcheck disable=SC2086
    where "inception-$half" --precision "$half" $inception
}

# What the second stream and the graphs are worth: with both, without the one, without the other, in
# turn.
without() {
    local turn setting rates=
    for turn in 1 2 3; do
        for setting in REPRO_CUDNN_STREAMS=2 REPRO_CUDNN_STREAMS=1 REPRO_CUDNN_GRAPHS=0; do
            rates="$rates $(export "${setting?}"; bench --precision "$half" --batch "$batch" \
                --ghost "$ghost" --steps "$steps" --warm-up "$warm_up" --brief --json |
                "$python" -c 'import json, sys
print(json.load(sys.stdin)["images_per_second"])')" || return
        done
    done
    echo "$rates" | awk '{ printf "as it is, one stream, no graphs: " \
        "%.0f %.0f %.0f, %.0f %.0f %.0f, %.0f %.0f %.0f images/s\n",
        $1, $2, $3, $4, $5, $6, $7, $8, $9 }'
}

part3() {
    check 3 15 "where the time goes, $half, micro $large" where_wrn "$half" "$large"
    check 3 15 "where the time goes, $half, batch $batch" where_wrn "$half" "$batch"
    check 3 15 "where the time goes, f32, batch $batch" where_wrn f32 "$batch"
    check 3 30 "where the time goes, Inception-ResNet-V2, $half" where_inception
    check 3 20 "batch $batch, $half, without a second stream, without graphs" without
}

# ---- Part 4 ----

# Figure 5 with so many runs at a time, and whether that changed a bit.
jobs_at_once() {
    local count began seconds images text=
    need_data && knows figure5 --jobs || return
    for count in 1 2 4; do
        rm -rf "jobs-$count"
        began=$(date +%s.%N)
        trained figure5 --profile "$short" --precision "$half" --jobs "$count" \
            --out "jobs-$count" || return
        images=$(awk -F'\t' 'FNR == 1 { sum += last } { last = $3 } END { print sum + last }' \
            "jobs-$count"/runs/*/log.tsv)
        seconds=$(echo "$began $(date +%s.%N)" | awk '{ print $2 - $1 }')
        text="$text${text:+, }$count: $(echo "$images $seconds" |
            awk '{ printf "%.0f images/s (%.1f s)", $1 / $2, $2 }')"
        same_checkpoints jobs-1 "jobs-$count" || return
    done
    rm -f jobs-*/runs/*/checkpoint.safetensors
    echo "runs at once $text; the same bits"
}

same_checkpoints() {
    local file
    for file in "$1"/runs/*/checkpoint.safetensors; do
        cmp "$file" "$2/runs/$(basename "$(dirname "$file")")/checkpoint.safetensors" || return 1
    done
}

part4() { check 4 30 "figure 5, $short, 1, 2 and 4 runs at once" jobs_at_once; }

# ---- Part 5 ----

at_once() { if knows figure5 --jobs >/dev/null; then echo "--jobs $jobs"; fi; }

precisions() {
    need_data || return
    local precision
    for precision in f32 "$half"; do
        # shellcheck disable=SC2046
        trained figure5 --profile "$small" --precision "$precision" --seeds "$seeds" \
            --out "small-$precision" $(at_once) || return
    done
    "$python" "$bundle/tests/gpu-judge.py" curves "small-$half" --figure5 |
        grep -v '^target: .*within'
    finals_of_cpu
    "$python" "$bundle/tests/gpu-judge.py" precisions small-f32 "small-$half"
}

# The CPU backends' curves of the same profile, for the eye.
finals_of_cpu() {
    local folder=$bundle/doc/results/small
    [ ! -d "$folder/runs" ] || "$python" "$bundle/tests/gpu-judge.py" curves "$folder" --figure5 |
        tail -n 1 | sed 's/^.*; /the CPU backends: /'
}

part5() { check 5 60 "figure 5, $small, $half against f32" precisions; }

# ---- Parts 6 and 7 ----

figure() {
    local began=$SECONDS
    need_data || return
    # shellcheck disable=SC2046
    trained "$1" --profile "$paper" --precision "$half" --out "paper-$half" $(at_once) || return
    "$python" "$bundle/tests/gpu-judge.py" curves "paper-$half" \
        --seconds $((before + SECONDS - began)) $(
        [ "$1" != figure5 ] || echo "--figure5 --minutes-target 15")
}

part6() { check 6 45 "figure 5, $paper, $half" figure figure5; }
part7() {
    for number in 2 3 4; do
        check 7 45 "figure $number, $paper, $half" figure figure$number
    done
}

# ---- Part 8 ----

same_bits() {
    local run
    rm -rf "bits-$1"
    for run in one two; do
        trained figure5 --profile "$smoke" --precision "$1" --out "bits-$1/$run" || return
    done
    same_checkpoints "bits-$1/one" "bits-$1/two" || return
    rm -f "bits-$1"/*/runs/*/checkpoint.safetensors
    echo "$(ls "bits-$1"/one/runs | wc -l) runs of $(
        awk 'END { print NR - 1 }' "bits-$1"/one/runs/*/log.tsv) lines, equal bits"
}

torch_step() {
    "$python" -c 'import torch' 2>/dev/null || { echo "$python has no PyTorch"; return 77; }
    mkdir -p "step-$1"
    in_time "$bundle/tests/step" "$backend" "$1" wrn-16-4 4 4 "step-$1" || return
    in_time "$python" "$bundle/tests/torch_step.py" "step-$1" "$1" | tee "step-$1.txt"
    local status=${PIPESTATUS[0]}
    sed 's/ from float64.*itself/ (PyTorch/; s/, bound.*/)/' "step-$1.txt" | paste -sd';'
    [ "$status" -ne 0 ] || rm -rf "step-$1"
    return "$status"
}

part8() {
    for precision in $bits; do
        check 8 20 "same run, same bits, $precision" same_bits $precision
    done
    for precision in $bits; do
        check 8 20 "a step of WRN-16-4 against PyTorch, $precision" torch_step $precision
    done
}

# ---- Part 9 ----

sanitize() {
    command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer"; return 77; }
    local status
    in_time compute-sanitizer --tool "$1" --error-exitcode 9 "$bundle/tests/$2" >"$1.out" 2>&1
    status=$?
    [ $status -eq 0 ] || tail -n 40 "$1.out"
    grep 'ERROR SUMMARY' "$1.out" | tail -n 1
    return $status
}

part9() {
    check 9 60 "memory checker, every op" sanitize memcheck test_ops
    check 9 60 "race checker, every op" sanitize racecheck test_ops
    check 9 60 "uninitialised memory, whole nets" sanitize initcheck test_net
}

# ---- All of it, and the table ----

set -a # functions and variables reach the shell that check() starts
# shellcheck disable=SC2046
export -f $(declare -F | cut -d' ' -f3)
export bundle backend python data options jobs device network batch ghost large steps warm_up \
    turn_count paper small seeds short smoke half inception cudnn
set +a

for part in $parts; do
    sed -n "s/^#   part $part  /part $part: /p" "$script" | tr -s ' '
    "part$part"
done

# The last line about each check, with its targets.
table() {
    awk -F'\t' '
        { line[$1 FS $2] = $0 }
        !(($1 FS $2) in order) { order[$1 FS $2] = ++n; name[n] = $1 FS $2 }
        END { for (i = 1; i <= n; i++) print line[name[i]] }' results.tsv |
        sort -s -n -k1,1 | while IFS=$'\t' read -r part name result seconds seen; do
        printf 'part %s  %-48s %-5s %5s s  %s\n' "$part" "$name" "$result" "$seconds" "$seen"
        grep '^target: ' "$(log_of "$part" "$name")" 2>/dev/null | sed 's/^/        /'
    done
}

echo
table | tee table.txt
count() { grep -cE "$1" table.txt; }
echo
echo "$(count '^part.* pass ') passed, $(count '^part.* FAIL ') failed," \
    "$(count '^part.* skip ') skipped, $(count '^part.* (cut|left) ') not done yet;" \
    "targets: $(count '^ *target: .*: met$') met, $(count '^ *target: .*MISSED$') missed"
awk '/^part/ { check = substr($0, 9, 48); sub(/ +$/, "", check) }
    /^ *target: .*: MISSED$/ {
        sub(/^ *target: /, ""); sub(/: MISSED$/, ""); print "MISSED  " check ": " $0
    }' table.txt
! grep -qE '^part [0-9]  .{48} FAIL ' table.txt
