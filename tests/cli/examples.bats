#!/usr/bin/env bats
# The batch scripts of doc/examples: their syntax, the commands in them, and what they do where
# Slurm and GNU parallel are stood in for.
load common
load ranks

# In the place of a cluster: jobs and tasks run here, one after the other.
stand_in() {
    mkdir bin
    export PATH=$PWD/bin:$PATH
    examples=$srcdir/doc/examples
    ln -s "$REPRO_PROGRAM" repro
    cat > bin/sbatch <<'SH'
#!/bin/sh
[ "$#" -eq 2 ] || exit 9
echo "$2 $1" >> submitted
last=${1#--array=1-}
for k in $(seq "$last"); do
    SLURM_ARRAY_TASK_ID=$k SLURM_CPUS_PER_TASK=1 "$2" || exit
done
SH
    cat > bin/srun <<'SH'
#!/bin/sh
echo "$@" >> steps
while [ "${1#--}" != "$1" ]; do shift; done
exec "$@"
SH
    cat > bin/parallel <<'SH'
#!/bin/sh
echo "$@" >> steps
while [ "$1" != --jobs ]; do shift; done
[ "$3 $4 $5 $6" = "./repro run {} ::::" ] || exit 9
while read -r id; do ./repro run "$id" </dev/null || exit; done < "$7"
SH
    chmod +x bin/*
}

two_runs() {
    toy two '{ name = "one"; title = "One"; batch_max = 32; },
             { name = "two"; title = "Two"; batch_max = 32; lr = 0.1; }'
}

@test "every example is a script that a shell reads" {
    local script
    for script in "$srcdir"/doc/examples/*.sh; do
        bash -n "$script"
        sh -n "$script"
        [ -x "$script" ]
        ! command -v shellcheck >/dev/null || shellcheck "$script"
    done
    # what the batch system reads is what it knows
    [ "$(grep -h '^#SBATCH' "$srcdir"/doc/examples/*.sh | grep -oE -e '--[a-z-]+' | sort -u |
        tr '\n' ' ')" = "--cpus-per-task --ntasks --signal --time " ]
}

@test "commands and options of the examples exist" {
    local command option
    while read -r command; do
        run "$REPRO_PROGRAM" "$command" --help
        [ "$status" -eq 0 ]
        grep -q "^Usage: repro $command" <<< "$output"
    done < <(grep -hoE '\./repro [a-z]+' "$srcdir"/doc/examples/*.sh | cut -d ' ' -f 2 | sort -u)
    run "$REPRO_PROGRAM" run --help
    while read -r option; do
        grep -q -e "$option" <<< "$output"
    done < <(grep -hE '\./repro run ' "$srcdir"/doc/examples/*.sh | sed 's/.*repro run//' |
        grep -oE -e '--[a-z-]+' | sort -u)
}

@test "a figure by an array of jobs; submitted again there is nothing left" {
    stand_in
    two_runs
    repro two --out whole
    run "$examples/submit.sh" "$examples/array.sh" two
    [ "$status" -eq 0 ]
    [ "$(cat submitted)" = "$examples/array.sh --array=1-2" ]
    same_runs whole results
    run "$examples/submit.sh" "$examples/array.sh" two
    [ "$status" -eq 0 ]
    [ "$output" = "nothing is left to do" ]
    [ "$(wc -l < submitted)" -eq 1 ]
}

@test "a figure by jobs of several tasks" {
    stand_in
    two_runs
    repro two --out whole
    run "$examples/submit.sh" "$examples/ranks.sh" two
    [ "$status" -eq 0 ]
    [ "$(grep -c 'kill-on-bad-exit=1 .* ./repro run two/mini/' steps)" -eq 2 ]
    same_runs whole results
}

@test "a figure by GNU parallel, drawn at the end" {
    stand_in
    two_runs
    repro two --out whole
    HOSTS=a,b run "$examples/parallel.sh" two
    [ "$status" -eq 0 ]
    grep -q -e '--sshlogin a,b ' steps
    [ "$(grep -c 'done before' <<< "$output")" -eq 2 ]
    same_runs whole results
    ls results/two-mini-*.png
}
