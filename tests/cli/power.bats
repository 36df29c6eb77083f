#!/usr/bin/env bats
# repro power: how many seeds each claim takes, asked before training and after.
load common

# toy_claims: figure5's claims on accuracies, stated for profile smoke as well.
toy_claims() {
    own_share
    sed -i 's/quick = 0.014; };/quick = 0.014; smoke = 0.2; };/
        s/quick = 0.0057; };/quick = 0.0057; smoke = 0.2; };/' share/experiments/figure5.exp
}

@test "power before training: seeds by a supposed spread, the time they take, nothing written" {
    repro power figure5 --profile smoke
    [ "$status" -eq 0 ]
    grep -q "none of its claims is judged by finished runs" <<< "$output"
    toy_claims
    repro power figure5 --profile smoke
    [ "$status" -eq 0 ]
    # twice the error of counting 160 images of which 94.4 % are right
    grep -qE "^  5.2 The difference .* 3.64 points\* +[0-9]+ +0 .* NOT RUN$" <<< "$output"
    grep -qE "^  all of them, each run once +[0-9]+ +[0-9]+ min$" <<< "$output"
    grep -q "on 160 test images" <<< "$output"
    grep -q "Time: one run after the other, [0-9]* images/s" <<< "$output"
    [ ! -e results ]
}

@test "power without a backend: seeds, and why the time is not known" {
    REPRO_BACKEND_PATH=/nowhere repro power figure5 --profile paper
    [ "$status" -eq 0 ]
    # 2.1 + 1.8 times 0.46 points times sqrt(2 / n) within 0.5: more than the three asked for
    grep -qE "^  5.2 The difference .* 0.46 points\* +22 +0  NOT RUN$" <<< "$output"
    grep -q "How long that takes here is not known: .*/nowhere" <<< "$output"
}

@test "power after training: what the seeds show; a claim with a verdict takes no more" {
    toy_claims
    repro figure5 --profile smoke --seeds 3
    repro power figure5 --profile smoke
    [ "$status" -eq 0 ]
    grep -qE "^  5.2 The difference .* points  .* 3  " <<< "$output"
    [[ $output != *"points*"* ]]
    repro check figure5 --profile smoke
    grep -q "^ *power      a difference of" <<< "$output"
    grep -q "as seen" <<< "$output"
    [ "$(head -1 results/*-claims.tsv | cut -f 12)" = power ]
}

@test "power of what needs none, and of a wrong profile" {
    repro power figure1
    [ "$status" -eq 0 ]
    [[ $output == "figure1: no claim of it needs a trained run" ]]
    repro power appendix-a
    [ "$status" -eq 0 ]
    repro power figure5 --profile smal
    [ "$status" -eq 2 ]
    error_says "did you mean 'small'"
    repro power
    [ "$status" -eq 2 ]
}

@test "plan says how many seeds the claims take" {
    repro plan figure2 --profile quick
    grep -q "Seeds: open claims take up to [0-9]* of each run for a verdict" <<< "$output"
}
