#!/usr/bin/env bats
# plan, backends, list, help.
load common

@test "plan figure5 at the paper's scale: the exact counts" {
    repro plan figure5
    [ "$status" -eq 0 ]
    for count in 78000 29040 6300 2160; do
        grep -qw "$count" <<< "$output"
    done
    [ -z "$(ls)" ]
}

@test "plan figure5 --profile small" {
    repro plan figure5 --profile small
    [ "$status" -eq 0 ]
    for count in 15600 5808 1260 432; do
        grep -qw "$count" <<< "$output"
    done
}

@test "backends: what openblas is and can do" {
    repro backends
    [ "$status" -eq 0 ]
    [[ $output == *"openblas"* ]]
    [[ $output == *"OpenBLAS"* ]]
    [[ $output == *"softmax_cross_entropy"* ]]
    [[ $output == *"momentum nesterov adam"* ]]
}

@test "backends: a refused plugin gets one line with the reason" {
    mkdir plugins
    echo "not a plugin" > plugins/text.so
    REPRO_BACKEND_PATH=$PWD/plugins:$REPRO_BACKEND_PATH
    repro backends
    [ "$status" -eq 0 ]
    [ "$(grep -c '^text: refused: ' <<< "$output")" -eq 1 ]
}

@test "list names the figures, runs and profiles" {
    repro list
    [ "$status" -eq 0 ]
    [[ $output == *"figure5"* ]]
    [[ $output == *"increased-momentum-coefficient"* ]]
    [[ $output == *"quick"*"(default)"* ]]
}

@test "help and version" {
    repro --help
    [ "$status" -eq 0 ]
    repro --version
    [ "$status" -eq 0 ]
    [[ $output == "repro "* ]]
    repro figure5 --help
    [ "$status" -eq 0 ]
    [[ $output == *"--data"* ]]
}
