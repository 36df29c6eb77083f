#!/usr/bin/env bats
# The shells' completions, and the command that they ask.
load common

# complete WORD...: the words offered, without what they are, on one line.
complete() {
    repro complete "$@"
    [ "$status" -eq 0 ] || return 1
    offered=$([ -z "$output" ] || echo "$output" | cut -f 1 | sort | tr '\n' ' ')
}

@test "the first word is a command or a figure" {
    complete ''
    local name
    for name in $("$REPRO_PROGRAM" list | sed -n 's/^\([a-z0-9-]*\):.*/\1/p') plan check conform; do
        [[ " $offered" == *" $name "* ]] || { echo "$name is missing: $offered"; return 1; }
    done
    complete figure
    [ "$offered" = "figure1 figure2 figure3 figure4 figure5 figure6 figure7 " ]
    [[ $output == *$'figure5\tFigure 5: test accuracy'* ]]
}

@test "every command of --help is offered" {
    complete ''
    local name count=0
    for name in $("$REPRO_PROGRAM" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
        case $name in test | complete) continue ;; esac # the launcher's; this one
        [[ " $offered" == *" $name "* ]] || { echo "$name is missing: $offered"; return 1; }
        count=$((count + 1))
    done
    [ "$count" -gt 10 ]
}

@test "options are those of the command's own table" {
    complete figure5 --prof
    [ "$offered" = "--profile " ]
    complete bench --ne
    [ "$offered" = "--network " ]
    complete convert --pro
    [ "$offered" = "" ]
    complete conform --o
    [ "$offered" = "--only " ]
    local option
    complete plan --
    for option in $("$REPRO_PROGRAM" plan --help | grep -oE -- '--[a-z-]+' | sort -u); do
        case $option in --usage | --version) continue ;; esac # argp's own
        [[ " $offered" == *" $option "* ]] || { echo "$option is missing: $offered"; return 1; }
    done
}

@test "a value is one that the option takes" {
    complete figure5 --profile ''
    [ "$offered" = "narrow paper quick small smoke " ]
    complete plan figure6 --profile na # only those of the figure on the line
    [ "$offered" = "" ]
    complete all --profile na
    [ "$offered" = "narrow " ]
    complete figure5 --profile=sm
    [ "$offered" = "--profile=small --profile=smoke " ]
    complete figure5 -p q
    [ "$offered" = "quick " ]
    complete figure5 --precision ''
    [ "$offered" = "bf16 f32 tf32 " ]
    complete figure5 --bad-images s
    [ "$offered" = "skip " ]
    complete bench --network w
    [ "$offered" = "wrn-16-4 " ]
    complete figure5 --data ''
    [ "$offered" = ":folders " ]
    complete figure5 --tune pl # a flag has no value, and a figure no operand
    [ "$offered" = "" ]
}

@test "plugins are those that are found" {
    mkdir plugins
    touch plugins/mine.so
    export REPRO_BACKEND_PATH=$PWD/plugins
    complete figure5 --backend m
    [ "$offered" = "mine " ]
    complete conform ''
    [ "$offered" = ":files mine " ]
}

@test "operands are figures where a command takes figures" {
    complete plan figure6
    [ "$offered" = "figure6 " ]
    complete report --out results app
    [ "$offered" = "appendix-a " ]
    complete backends ''
    [ "$offered" = "" ]
    complete nonsense ''
    [ "$offered" = "" ]
}

# in_bash WORD...: what bash would offer; the words are those that it makes of the line.
in_bash() {
    run bash --norc -c '
        . "$srcdir/completion/repro.bash"
        COMP_WORDS=("$REPRO_PROGRAM" "$@")
        COMP_CWORD=$#
        compopt() { :; } # wants a completion under way
        _repro
        printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' bash "$@"
}

@test "bash: names, options, values, folders" {
    in_bash figure
    [ "$output" = "figure1 figure2 figure3 figure4 figure5 figure6 figure7 " ]
    in_bash figure5 --pr
    [ "$output" = "--precision --profile --progress " ]
    in_bash figure5 --profile sm
    [ "$output" = "small smoke " ]
    in_bash figure5 --profile = sm # bash makes three words of --profile=sm
    [ "$output" = "small smoke " ]
    in_bash figure5 --profile =
    [ "$output" = "narrow paper quick small smoke " ]
    mkdir 'some data' other
    in_bash figure5 --data some
    [ "$output" = "some data " ]
    touch mine.so
    in_bash conform ./mi
    [ "$output" = "./mine.so " ]
    run bash --norc -c '. "$srcdir/completion/repro.bash"; complete -p repro'
    [ "$output" = "complete -F _repro repro" ]
}

@test "zsh: names, options, values" {
    command -v zsh >/dev/null || skip "zsh is not installed (Debian: zsh)"
    in_zsh() {
        run zsh -f -c '
            _describe() { print -l -- ${(P)3} }
            _files() { print files "$@" }
            words=("$REPRO_PROGRAM" "$@")
            CURRENT=$#words
            . "$srcdir/completion/_repro"' zsh "$@"
    }
    in_zsh figure5 --profile sm
    [[ ${lines[0]} == small:* && ${lines[1]} == smoke:* && ${#lines[@]} -eq 2 ]]
    in_zsh plan ''
    [[ $output == *figure5:* ]]
    in_zsh figure5 --data ''
    [ "${lines[0]}" = "files -/" ]
}

@test "fish: names, options, values" {
    command -v fish >/dev/null || skip "fish is not installed (Debian: fish)"
    mkdir bin
    ln -s "$REPRO_PROGRAM" bin/repro
    in_fish() {
        run fish --no-config -c '
            set PATH $PWD/bin $PATH
            source "$srcdir/completion/repro.fish"
            complete -C "$argv[1]"' "$1"
    }
    in_fish 'repro figure5 --profile sm'
    [[ ${lines[0]} == small* && ${lines[1]} == smoke* && ${#lines[@]} -eq 2 ]]
    in_fish 'repro figure5 --pr'
    [[ ${lines[0]} == --precision* ]]
}
