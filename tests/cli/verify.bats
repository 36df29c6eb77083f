#!/usr/bin/env bats
# repro verify, and what is said where the files of a run are not what was written.

load common

# One finished run under results, at a second's cost, in $run.
finished() {
    shared=$REPRO_SHARE
    mini
    repro mini
    [ "$status" -eq 0 ]
    run_folder=$(ls -d results/runs/*/)
    run_folder=${run_folder%/}
    name=${run_folder##*/}
}

# flip FILE BYTE: its lowest bit.
flip() {
    python3 - "$1" "$2" <<'PY'
import sys
path, at = sys.argv[1], int(sys.argv[2])
data = bytearray(open(path, "rb").read())
data[at] ^= 1
open(path, "wb").write(data)
PY
}

@test "what was written is good, and nothing is written" {
    finished
    find results -type f -exec md5sum {} + | sort > before
    repro verify
    [ "$status" -eq 0 ]
    [ "$output" = "good       $name: done, 4 epochs" ]
    for word in "$name" "$run_folder" "$run_folder/" "${name##*-}"; do
        repro verify "$word"
        [ "$status" -eq 0 ]
        [ "$output" = "good       $name: done, 4 epochs" ]
    done
    repro verify --all --out results
    [ "$status" -eq 0 ]
    find results -type f -exec md5sum {} + | sort | cmp - before
}

@test "a flipped bit of any of the three files is named, with the mend; exit 1" {
    finished
    local file
    for file in manifest.json log.tsv checkpoint.safetensors; do
        cp "$run_folder/$file" kept
        flip "$run_folder/$file" 300
        repro verify
        [ "$status" -eq 1 ]
        [[ $output == "damaged    $name: "* ]]
        [[ $output == *"$run_folder/$file"*"put back a copy, or delete"* ]]
        cp kept "$run_folder/$file"
        repro verify
        [ "$status" -eq 0 ]
    done
}

@test "files that are whole, but of another moment of the run" {
    finished
    local length
    length=$(stat -c %s "$run_folder/log.tsv")
    cp -r results ended
    rm -r share
    REPRO_SHARE=$shared
    toy pair '{ name = "one"; title = "One"; batch_max = 32; },
              { name = "two"; title = "Two"; lr = 0.04; }'
    repro pair --out others
    [ "$status" -eq 0 ]
    local other
    other=$(dirname "$(grep -l '"run": "two"' others/runs/*/manifest.json)")
    cp "$other/log.tsv" "$run_folder/log.tsv"
    repro verify
    [ "$status" -eq 1 ]
    cp ended/runs/*/log.tsv "$run_folder/"
    cp "$other/checkpoint.safetensors" "$run_folder/"
    repro verify
    [ "$status" -eq 1 ]
    [[ $output == *"checkpoint.safetensors: belongs to another run"* ]]
    [ "$length" -gt 0 ]
}

@test "a log that lost its last line is not drawn, not judged, not reported" {
    finished
    find results -maxdepth 1 -type f -exec md5sum {} + > before
    sed -i '$d' "$run_folder/log.tsv"
    repro mini
    [ "$status" -eq 1 ]
    error_says "$run_folder/log.tsv:4: ends at update 25 where the run ended at 30" \
        "put back a copy"
    [[ $output != *"final accuracy"* ]]
    repro plot mini
    [ "$status" -eq 1 ]
    error_says "$run_folder/log.tsv:4:"
    md5sum -c --quiet before
}

@test "a digit of the log that was changed" {
    finished
    find results -maxdepth 1 -type f -exec md5sum {} + > before
    awk -F'\t' -v OFS='\t' 'NR == 3 { sub(/[1-8]$/, "9", $12) ; $12 = "0.500000" } { print }' \
        "$run_folder/log.tsv" > changed
    cp changed "$run_folder/log.tsv"
    repro plot mini
    [ "$status" -eq 1 ]
    error_says "$run_folder/log.tsv: damaged: it is not the log that the run ended with"
    md5sum -c --quiet before
}

@test "results of before there were digests are read, and said to be" {
    finished
    unseal "$run_folder/manifest.json"
    rm "$run_folder/checkpoint.safetensors"
    repro verify
    [ "$status" -eq 0 ]
    local words="done, 4 epochs; no checkpoint is kept; made before digests were kept"
    [ "$output" = "no digest  $name: $words" ]
    repro plot mini
    [ "$status" -eq 0 ]
}

@test "an unfinished run is good, damaged, and goes on" {
    toy long '{ name = "one"; title = "One"; batch_max = 32; }'
    sed -i 's/epochs = 4/epochs = 400/g' share/experiments/long.exp
    cut_when 'epoch 2/' KILL long
    repro verify
    [ "$status" -eq 0 ]
    [[ $output == "good       "*": begun, "*" epochs" ]]
    local log
    log=$(ls results/runs/*/log.tsv)
    cp "$log" kept
    sed -i '2s/\t16\t/\t32\t/' "$log"
    repro verify
    [ "$status" -eq 1 ]
    repro long
    [ "$status" -eq 1 ]
    error_says "log.tsv: damaged: its first " "are not those of the checkpoint"
    cp kept "$log"
    repro verify
    [ "$status" -eq 0 ]
}

@test "nothing there, names of nothing, and --all beside names" {
    repro verify
    [ "$status" -eq 1 ]
    error_says "verify: no run under 'results/runs'; --out names another folder"
    finished
    repro verify nonesuch
    [ "$status" -eq 2 ]
    error_says "verify: no run under 'results/runs' is 'nonesuch'" "the first digits of its hash"
    repro verify --all "$name"
    [ "$status" -eq 2 ]
    error_says "--all is every run"
}

@test "a run folder that may not be searched is no new run" {
    [ "$(id -u)" -ne 0 ] || skip "root may look anywhere"
    finished
    chmod 000 "$run_folder"
    repro mini
    chmod 755 "$run_folder"
    [ "$status" -eq 1 ]
    error_says "Permission denied"
}

@test "a checkpoint that is a link to nothing, as to a disk not mounted, is not begun anew" {
    finished
    mkdir away
    mv "$run_folder/checkpoint.safetensors" "$run_folder/manifest.json" away/
    ln -s "$PWD/unmounted/checkpoint.safetensors" "$run_folder/checkpoint.safetensors"
    repro mini
    [ "$status" -eq 1 ]
    error_says "checkpoint.safetensors'" "a link to nothing"
    [ -L "$run_folder/checkpoint.safetensors" ]
}

@test "verdicts of results that cannot be written are verdicts" {
    [ "$(id -u)" -ne 0 ] || skip "root may write anywhere"
    repro figure5 --profile smoke
    chmod 555 results
    repro check figure5
    chmod 755 results
    [ "$status" -ne 1 ]
    [[ $output == *"the verdicts are not kept"* ]]
}

@test "four processes that draw one figure all succeed, and every picture is whole" {
    finished
    local round p
    for round in 1 2 3 4 5; do
        for p in a b c d; do
            ("$REPRO_PROGRAM" plot mini </dev/null >"$p" 2>&1; echo $? > "$p.status") &
        done
        wait
        [ "$(cat a.status b.status c.status d.status | tr -d '\n')" = 0000 ] || {
            cat a b c d
            return 1
        }
        [ -z "$(find results -name '*.part')" ]
        tail -n 1 results/*.pdf | grep -q '^%%EOF$'
        tail -c 16 results/*.svg | grep -q '^</svg>$'
        tail -c 8 results/*.png | grep -qa '^IEND'
    done
}
