#!/usr/bin/env bats
# What a training says to machines, and what is said of it from elsewhere: --json, --quiet, status,
# watch.
load common

# Every line of a file is a JSON object; prints `expression` of each that python finds true, e being
# the object.
events() {
    python3 -c '
import json, sys
for line in open(sys.argv[1]):
    e = json.loads(line)
    if eval(sys.argv[2]):
        print(eval(sys.argv[3]))' "$@"
}

# Waits until status of a folder says so.
until_status() {
    until "$REPRO_PROGRAM" status --out "$1" 2>/dev/null | grep -q "$2"; do
        kill -0 "$3" 2>/dev/null || { echo "over before '$2'"; cat said; return 1; }
        sleep 0.1
    done
}

@test "--json: events, one a line, and nothing else on standard output" {
    "$REPRO_PROGRAM" figure5 --profile smoke --json >out 2>err </dev/null
    [ ! -s err ]
    local run="run_begun epoch run_ended "
    [ "$(events out True 'e["event"]' | uniq | tr '\n' ' ')" = \
        "figure_begun $run$run$run${run}figure_drawn result verdict end " ]
    events out 'e["event"] == "epoch" and e["run"] == "original"' 'e["epoch"]' > epochs
    [ "$(tr '\n' ' ' < epochs)" = "1 2 3 4 5 6 7 8 9 10 " ]
    # what is told is what is logged
    local folder accuracy
    folder=$(events out 'e["event"] == "run_ended" and e["run"] == "original"' 'e["folder"]')
    accuracy=$(events out 'e["event"] == "epoch" and e["run"] == "original" and e["epoch"] == 10' \
        '"%.6f %d" % (e["test_accuracy"], e["update"])')
    [ "$(awk 'END { printf "%.6f %d", $12, $2 }' "$folder/log.tsv")" = "$accuracy" ]
    [ -e "$(events out 'e["event"] == "figure_drawn"' 'e["stem"]').png" ]
    [ "$(events out 'e["event"] == "verdict" and e["verdict"] == "HOLDS"' 1 | wc -l)" -eq 5 ]
    [ "$(events out 'e["event"] == "end"' 'e["status"]')" -eq 0 ]
    "$REPRO_PROGRAM" figure5 --profile smoke --json >out 2>err </dev/null
    [ "$(events out 'e["event"] == "run_begun"' 'e["status"]' | sort -u)" = "done before" ]
    [ "$(events out 'e["event"] == "epoch"' 1 | wc -l)" -eq 0 ]
}

@test "--json: a stop and an error are events too" {
    cut_when '"event":"epoch"' TERM figure5 --profile smoke --json --out cut
    [ "$status" -eq 1 ]
    grep '^{' said > out
    [ "$(events out 'e["event"] == "run_ended"' 'e["status"]')" = stopped ]
    [[ $(events out 'e["event"] == "error"' 'e["message"]') == "stopped after update "* ]]
    [ "$(events out 'e["event"] == "end"' 'e["status"]')" -eq 1 ]
    status=0
    "$REPRO_PROGRAM" figure5 --profile nosuch --json >out 2>err </dev/null || status=$?
    [ "$status" -eq 2 ]
    [ "$(events out True 'e["event"], e["status"]' | tr '\n' ' ')" = "('error', 2) ('end', 2) " ]
    grep -q "^repro: figure5 has no profile 'nosuch'" err
}

@test "--quiet: the verdicts alone; errors as ever" {
    "$REPRO_PROGRAM" figure5 --profile smoke --quiet >out 2>err </dev/null
    [ ! -s err ]
    [[ $(head -n 1 out) == "HOLDS "* ]]
    [[ $(tail -n 1 out) == *": of 7 claims 5 hold, "* ]]
    [ "$(grep -cvE '^(HOLDS|NOT RUN|  |figure5, )' out)" -eq 0 ]
    repro figure5 --profile nosuch --quiet
    [ "$status" -eq 2 ]
    error_says "figure5 has no profile 'nosuch'"
}

@test "outputs that exclude each other, or are none, are refused" {
    repro figure5 --profile smoke --json --quiet
    [ "$status" -eq 2 ]
    error_says "--json and --quiet: standard output is for one of them"
    repro figure5 --profile smoke --progress dots
    [ "$status" -eq 2 ]
    [[ $output == *"--progress: 'dots' is neither live nor lines"* ]]
    repro plan figure5 --json # of a command that trains alone
    [ "$status" -eq 2 ]
    [ -z "$(ls -A | grep -v said)" ]
}

@test "status: what is done; nothing where nothing is" {
    repro status
    [ "$status" -eq 0 ]
    [ "$output" = "results: 0 runs" ]
    mini
    repro mini
    repro status
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "results: 1 run: 1 done" ]
    grep -q '^mini, profile mini$' <<< "$output"
    grep -qE '^done      one, seed 1: epoch 4/4, update 30/30, test accuracy [0-9.]+ %$' \
        <<< "$output"
    "$REPRO_PROGRAM" status --json > out
    [ "$(python3 -c '
import json
run, = json.load(open("out"))["runs"]
print(run["status"], run["figure"], run["run"], run["seed"], run["epoch"], run["updates"],
      run["seconds_left"])')" = "done mini one 1 4 30 None" ]
    repro status nonsense
    [ "$status" -eq 2 ]
}

@test "status: what is running is named by its lock, and asking disturbs nothing" {
    "$REPRO_PROGRAM" figure5 --profile quick --out busy >said 2>&1 </dev/null &
    local id=$!
    until_status busy '^running   original, seed 1: epoch 1/20, update [0-9]*/[0-9]*' "$id"
    repro status --out busy
    [ "${lines[0]}" = "busy: 1 run: 1 running" ]
    grep -q "^          by process $id on $(uname -n), since " <<< "$output"
    "$REPRO_PROGRAM" status --json --out busy > out
    [ "$(python3 -c '
import json
run, = json.load(open("out"))["runs"]
print(run["status"], run["process"], run["command"])')" \
        = "running $id repro figure5 --profile quick --out busy" ]
    kill -KILL "$id"
    wait "$id" || true
    # its log is as young as before; nobody holds it
    repro status --out busy
    grep -q '^stopped   original, seed 1: ' <<< "$output"
}

@test "status: what is stopped goes on with the command that it names" {
    toy 'mini' '{ name = "one"; title = "One"; batch_max = 32; }'
    cut_when '^1/1 one: epoch 2/4' KILL mini --out "a folder" --threads 1
    repro status --out "a folder"
    grep -q '^stopped   one, seed 1: epoch [23]/4, ' <<< "$output"
    local command
    command=$(sed -n 's/^ *goes on with: repro //p' <<< "$output")
    [ "$command" = "mini --out 'a folder' --threads 1" ]
    eval "repro $command"
    [ "$status" -eq 0 ]
    repro status --out "a folder"
    [ "${lines[0]}" = "a folder: 1 run: 1 done" ]
}

@test "status: asked all the time, a training still begins and ends; what is damaged is named" {
    mini
    ( while [ ! -e over ]; do "$REPRO_PROGRAM" status >/dev/null || touch failed; done ) &
    repro mini --seeds 5
    touch over
    wait
    [ "$status" -eq 0 ]
    [ ! -e failed ]
    echo '{' > "$(ls -d results/runs/*/ | head -n 1)/manifest.json"
    rm over
    repro status
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "results: 5 runs: 4 done, 1 damaged" ]
    grep -q '^damaged   results/runs/.*manifest.json:' <<< "$output"
}

@test "watch: what there is so far, named as that, until every run is done" {
    cut_when '^2/4 .*: epoch 2/10,' TERM figure5 --profile smoke
    "$REPRO_PROGRAM" watch figure5 --profile smoke --every 0.2 >seen 2>&1 </dev/null &
    local id=$! stem=results/figure5-smoke-synthetic-openblas-s1
    until grep -q "^drawn: $stem-so-far" seen; do
        kill -0 "$id"
        sleep 0.05
    done
    grep -q 'original done, increasing-batch-size stopped at epoch [2-9]/10, .*waiting' seen
    [ "$(ls $stem-so-far.* | wc -l)" -eq 4 ]
    [ ! -e $stem.png ] # what is not finished does not bear a finished figure's name
    grep -q 'So far: runs that are not done are drawn up to the epoch named' $stem-so-far.svg
    grep -qE 'Increasing batch size \(up to epoch [2-9]\)' $stem-so-far.tsv
    [ "$(cut -f1 $stem-so-far.tsv | grep -c '^[0-9]' )" -lt 20 ]
    repro figure5 --profile smoke
    [ "$status" -eq 0 ]
    status=0
    wait "$id" || status=$?
    [ "$status" -eq 0 ]
    grep -q '^every run is done' seen
    cmp <(tail -n +3 $stem-so-far.tsv) <(tail -n +3 $stem.tsv) # the same points in the end
    [ -z "$(find results -name '*.part')" ]
}

@test "watch: a signal ends it with whole files; what cannot be watched is refused" {
    "$REPRO_PROGRAM" watch figure5 --every 60 >seen 2>&1 </dev/null &
    local id=$!
    until grep -q "^no run of figure5 under 'results' yet" seen; do
        kill -0 "$id"
        sleep 0.05
    done
    kill -TERM "$id"
    status=0
    wait "$id" || status=$?
    [ "$status" -eq 0 ]
    grep -q '^stopped watching; no run was disturbed' seen
    [ ! -e results ]
    repro watch figure1
    [ "$status" -eq 2 ]
    error_says "watch: figure1 is not drawn from logs that grow"
    for every in 0 -1 soon; do
        repro watch figure5 --every $every
        [ "$status" -eq 2 ]
        [[ $output == *"--every: '$every' is "* ]]
    done
}
