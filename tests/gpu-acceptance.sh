#!/usr/bin/env bash
# usage: gpu-acceptance.sh [--part N]... [--state DIR] BUNDLE [DATA]
#
# Shows on a machine with an NVIDIA GPU what the cudnn plugin must show, and measures it.  BUNDLE is the folder that `make bundle` made, DATA a
# folder with cifar-10-batches-bin.  Needed are the driver, cuDNN 9 (in the loader's path or in a Python's packages) and, for what is
# compared with it, a python3 with PyTorch; what is missing is skipped by name.
#
#   part 1   conformance: every op, whole nets, updates, refusals, against double loops; against openblas in f32, tf32 and bf16
#   part 2   the same bits twice, a memory checker, one step of WRN-16-4 against PyTorch
#   part 3   speed against PyTorch, taking turns
#   part 4   figure 5 at profile small, real CIFAR-10, beside the CPU backends' curves
#   part 5   figure 5 at the paper's scale
#
# Without --part all of them.  Each check is cut after nine minutes; the same command goes on: a check that passed is not made again while
# --state DIR (default: BUNDLE/acceptance) is kept, and a training goes on from its checkpoint.  Ends with a table of everything
# known; exit status 0 when nothing in it failed.
set -uo pipefail

usage() { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }

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
: "${parts:= 1 2 3 4 5}" "${state:=$bundle/acceptance}"
mkdir -p "$state"
state=$(cd "$state" && pwd)
backend=${REPRO_ACCEPTANCE_BACKEND:-cudnn} # another one, by name or path, to try this script where no GPU is
python=${PYTHON:-python3}
limit=${REPRO_ACCEPTANCE_LIMIT:-540} # seconds for one check
export REPRO_SHARE=$bundle REPRO_BACKEND_PATH=$bundle/plugins REPRO_CONFORMANCE_BACKEND=$backend
[ "$backend" != cudnn ] || export REPRO_REQUIRE=cudnn
cd "$state" || exit 1

# cuDNN as Python's packages hold it, where the loader knows none.
if ! ldconfig -p 2>/dev/null | grep -q 'libcudnn\.so\.9'; then
    found=$("$python" -c 'import glob, site, sys
for folder in site.getsitepackages() + [site.getusersitepackages()] + sys.path:
    for library in glob.glob(folder + "/nvidia/cudnn/lib/libcudnn.so.9"):
        base = library.rsplit("/", 3)[0]
        print(":".join([base + "/cudnn/lib"] + glob.glob(base + "/cu1*/lib") + glob.glob(base + "/cuda_nvrtc/lib")))
        raise SystemExit' 2>/dev/null)
    [ -z "$found" ] || export LD_LIBRARY_PATH=$found${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi

# ---- The book of results: part, check, result, seconds, what was seen; the last line about a check counts ----

touch results.tsv

known() { awk -F'\t' -v part="$1" -v name="$2" '$1 == part && $2 == name { result = $3 } END { print result }' results.tsv; }

# check PART NAME COMMAND...: runs it unless it has passed; its last line of output is what was seen; 77 is a skip
check() {
    local part=$1 name=$2 began=$SECONDS status result seen
    shift 2
    [ "$(known "$part" "$name")" != pass ] || return 0
    local log=$part-${name//[^a-zA-Z0-9]/-}.log
    timeout "$limit" bash -c 'set -o pipefail; "$@"' bash "$@" >"$log" 2>&1 </dev/null # a shell that timeout can end
    status=$?
    seen=$(grep -v '^$' "$log" | tail -n 1 | tr '\t' ' ' | cut -c1-160)
    case $status in
    0) result=pass ;;
    77) result=skip ;;
    124) result=FAIL seen="cut after $limit s; the same command goes on; $seen" ;;
    *) result=FAIL ;;
    esac
    printf '%s\t%s\t%s\t%s\t%s\n' "$part" "$name" "$result" "$((SECONDS - began))" "$seen" >>results.tsv
    printf '%s  %s: %s\n' "$result" "$name" "$seen"
}

# ---- Part 1 ----

# A conformance program: TAP in, one line out.
conform() {
    local out status
    out=$("$bundle/tests/test_$1" 2>&1)
    status=$?
    echo "$out"
    echo "$(grep -c '^ok' <<<"$out") tests passed, $(grep '^not ok' <<<"$out" | grep -vc '# SKIP') failed; worst $(
        grep -oE 'error [0-9.e+-]+' <<<"$out" | sort -g -k2 | tail -n 1)"
    return $status
}

pair() {
    local out status
    out=$(REPRO_CONFORMANCE_PRECISION=$1 "$bundle/tests/test_pair" 2>&1)
    status=$?
    echo "$out"
    echo "$(grep -c '^ok' <<<"$out") tests passed, $(grep '^not ok' <<<"$out" | grep -vc '# SKIP') failed; after 50 updates$(
        grep -oE 'parameters [0-9.e+-]+' <<<"$out" | cut -d' ' -f2 | sed 's/^/ /')"
    return $status
}

part1() {
    check 1 "it runs here" runs_here
    for program in contract ops net update; do
        check 1 "$program against double loops, f32" conform $program
    done
    for precision in f32 tf32 bf16; do
        check 1 "against openblas, $precision" pair $precision
    done
}

runs_here() {
    "$bundle/repro" backends
    "$bundle/repro" bench --backend "$backend" --network tiny --batch 8 --steps 1 --brief >/dev/null || return 1
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "no nvidia-smi"
}

# ---- Part 2 ----

# A figure's command: its runs are trained and its claims judged, whatever they came to; drawing wants a gnuplot, which may be missing.
trained() {
    local out status
    out=$("$bundle/repro" "$@" 2>&1)
    status=$?
    echo "$out"
    [ $status -eq 0 ] || [ $status -eq 3 ] || tail -n 1 <<<"$out" | grep -q 'gnuplot is not on the PATH'
}

same_bits() {
    rm -rf "bits-$1"
    for run in one two; do
        trained figure5 --profile "${REPRO_ACCEPTANCE_BITS:-smoke}" --backend "$backend" --precision "$1" --out "bits-$1/$run" || return
    done
    for file in "bits-$1"/one/runs/*/checkpoint.safetensors; do
        cmp "$file" "bits-$1/two/runs/$(basename "$(dirname "$file")")/checkpoint.safetensors" || return 1
    done
    echo "$(ls "bits-$1"/one/runs | wc -l) runs of $(awk 'END { print NR - 1 }' "bits-$1"/one/runs/*/log.tsv | tail -n 1) lines, equal bits"
}

sanitize() {
    command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer"; return 77; }
    local out
    out=$(compute-sanitizer --tool "$1" --error-exitcode 9 "$bundle/tests/$2" 2>&1) || { tail -n 40 <<<"$out"; return 1; }
    grep 'ERROR SUMMARY' <<<"$out" | tail -n 1
}

torch_step() {
    "$python" -c 'import torch' 2>/dev/null || { echo "$python has no PyTorch"; return 77; }
    mkdir -p "step-$1"
    "$bundle/tests/step" "$backend" "$1" wrn-16-4 "${REPRO_ACCEPTANCE_ROWS:-4}" "${REPRO_ACCEPTANCE_ROWS:-4}" "step-$1" || return
    "$python" "$bundle/tests/torch_step.py" "step-$1" "$1" | tee "step-$1.txt"
    local status=${PIPESTATUS[0]}
    sed 's/ from float64.*itself/ (PyTorch/; s/, bound.*/)/' "step-$1.txt" | paste -sd';'
    return "$status"
}

part2() {
    for precision in f32 tf32 bf16; do
        check 2 "same run, same bits, $precision" same_bits $precision
    done
    check 2 "memory checker, every op" sanitize memcheck test_ops
    check 2 "race checker, every op" sanitize racecheck test_ops
    check 2 "uninitialised memory, whole nets" sanitize initcheck test_net
    for precision in f32 tf32 bf16; do
        check 2 "a step of WRN-16-4 against PyTorch, $precision" torch_step $precision
    done
}

# ---- Part 3 ----

# Median images per second of both, five turns each; arguments: precision, batch, micro, ghost, PyTorch's options.
turns() {
    local precision=$1 batch=$2 micro=$3 ghost=$4 turn
    shift 4
    "$python" -c 'import torch; raise SystemExit(not torch.cuda.is_available())' 2>/dev/null ||
        { echo "$python has no PyTorch that sees a GPU"; return 77; }
    local log="turns-$precision-$batch-$micro.jsonl"
    : >"$log"
    for turn in 1 2 3 4 5; do
        "$bundle/repro" bench --backend "$backend" --network wrn-16-4 --precision "$precision" --batch "$batch" --micro "$micro" \
            --ghost "$ghost" --steps 30 --warm-up 10 --brief --json | jq_side ours >>"$log" || return 1
        "$python" "$bundle/tests/pytorch_wrn.py" --network wrn-16-4 --precision "$precision" --batch "$batch" --device cuda --steps 30 \
            --warm-up 10 "$@" | jq_side pytorch >>"$log" || return 1
    done
    "$python" - "$log" <<'PYTHON'
import json, statistics, sys
sides = {}
for line in open(sys.argv[1]):
    side, rate = json.loads(line)
    sides.setdefault(side, []).append(rate)
ours, theirs = (sorted(sides[side]) for side in ("ours", "pytorch"))
ratio = statistics.median(ours) / statistics.median(theirs)
print(f"{statistics.median(ours):.0f} images/s ({ours[0]:.0f}-{ours[-1]:.0f}), PyTorch {statistics.median(theirs):.0f} "
      f"({theirs[0]:.0f}-{theirs[-1]:.0f}): {ratio:.2f}")
PYTHON
}

# The images per second of a JSON object, with the side's name.
jq_side() {
    "$python" -c 'import json, sys
row = json.load(sys.stdin)
print(json.dumps([sys.argv[1], row["images_per_second"]]))' "$1"
}

profile() {
    "$bundle/repro" bench --backend "$backend" --network wrn-16-4 --precision "$1" --batch "$2" --micro "$2" --ghost 128 --steps 20 \
        --describe && "$bundle/repro" bench --backend "$backend" --network wrn-16-4 --precision "$1" --batch "$2" --micro "$2" --ghost 128 \
        --steps 20 --brief
}

part3() {
    check 3 "WRN-16-4, batch 128, f32" turns f32 128 128 128 --compile
    check 3 "WRN-16-4, batch 128, tf32" turns tf32 128 128 128 --compile
    check 3 "WRN-16-4, batch 128, bf16" turns bf16 128 128 128 --compile
    check 3 "WRN-16-4, micro 1024, bf16" turns bf16 1024 1024 128 --compile
    check 3 "where the time goes, bf16, micro 1024" profile bf16 1024
    check 3 "where the time goes, f32, batch 128" profile f32 128
}

# ---- Parts 4 and 5 ----

final_accuracies() {
    awk -F'\t' 'FNR == 1 { for (i = 1; i <= NF; i++) if ($i == "test_accuracy") column = i } { last[FILENAME] = $column }
        END { for (file in last) printf " %.2f %%", 100 * last[file]; print "" }' "$@"
}

figure() {
    [ -n "$data" ] || { echo "no DATA was given"; return 77; }
    trained figure5 --profile "$1" --precision "$2" --backend "$backend" --data "$data" --out "figure5-$1-$2" || return
    echo "final test accuracies:$(final_accuracies "figure5-$1-$2"/runs/*/log.tsv)$(
        [ "$1" != small ] || echo "; momentum runs of the CPU backends:$(final_accuracies "$bundle"/doc/results/small/runs/wrn-16-1-cifar10-momentum-*/log.tsv)")"
}

part4() { check 4 "figure 5, small, f32" figure small f32; }
part5() {
    check 5 "figure 5, paper, f32" figure paper f32
    check 5 "figure 5, paper, bf16" figure paper bf16
}

export -f conform pair runs_here same_bits sanitize torch_step turns jq_side profile final_accuracies figure trained
export bundle backend python data

for part in $parts; do
    case $part in
    [1-5]) "part$part" ;;
    *) usage ;;
    esac
done

echo
awk -F'\t' '{ line[$1 FS $2] = $0; if (!(($1 FS $2) in order)) { order[$1 FS $2] = ++n; name[n] = $1 FS $2 } }
    END { for (i = 1; i <= n; i++) { split(line[name[i]], f, FS); printf "part %s  %-48s %-5s %5s s  %s\n", f[1], f[2], f[3], f[4], f[5];
          bad += f[3] == "FAIL" } exit bad > 0 }' results.tsv
