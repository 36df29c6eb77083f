#!/usr/bin/env bats
# The live view, on terminals of tmux.
load common

setup_file() {
    command -v tmux >/dev/null || skip "there is no tmux here (Debian: tmux)"
}

teardown() {
    [ -z "${scratch:-}" ] || t kill-server 2>/dev/null || true
    cd /
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}

t() {
    TMUX_TMPDIR=$scratch LC_ALL=C.UTF-8 tmux -u -L "repro-${terminals:-0}" -f /dev/null "$@"
}

# The next one has a server of its own: one that is ending takes no new session.
end_terminal() {
    t kill-server
    terminals=$((${terminals:-0} + 1))
}

# in_terminal COLUMNS ROWS ASSIGNMENTS ARGUMENT...: the program in a terminal of its own, which says
# at the end how it ended.
in_terminal() {
    local columns=$1 rows=$2 assignments=$3
    shift 3
    cat > command.sh <<SH
trap : INT
env $assignments "\$REPRO_PROGRAM" $*
echo "over: \$?"
exec cat
SH
    t new-session -d -s test -x "$columns" -y "$rows" "exec sh command.sh"
}

# What the terminal shows; -e: with colours.
shown() {
    t capture-pane -p -t test "$@"
}

# Waits until the terminal shows a line that fits; fails where the program is over without.
until_shown() {
    until shown | grep -q -- "$1"; do
        if shown -S -200 | grep -q '^over: '; then
            shown | grep -q -- "$1" && return 0
            echo "over without '$1':"
            shown -S -200
            return 1
        fi
        sleep 0.05
    done
}

@test "a line a run, at 80 columns, at 200, at 60; ^C leaves it whole, and the cursor below" {
    in_terminal 80 24 LC_ALL=C.UTF-8 figure5 --profile quick --out cut
    until_shown '^original  *running .* [0-9]*% .*1/20 .*[0-9]\.[0-9]* .*[0-9] .*[0-9]:[0-9][0-9]$'
    shown > first
    [ "$(grep -c '^increas.* waiting ' first)" -eq 3 ]
    grep -q '^run .*epoch accuracy   loss images/s     left$' first
    grep -q '^figure5 .*0 of 4 done, 1 running, 3 waiting, left ' first
    t resize-window -t test -x 200 -y 50
    until_shown '^increased-initial-learning-rate  *waiting '
    until_shown '^figure5 .* images/s$'
    [ "$(shown | grep -c '^run ')" -eq 1 ]
    t resize-window -t test -x 60 -y 20
    until_shown '^increased-i[a-z-]*…  *waiting '
    [[ $(shown | grep . | tail -n 1) == "figure5 "* ]]

    # from another terminal
    t new-window -d -t test "'$REPRO_PROGRAM' status --out cut > asked 2>&1; echo done > told"
    until [ -e told ]; do sleep 0.05; done
    grep -q '^running   original, seed 1: epoch 1/20, update [0-9]*/' asked
    grep -q "by process [0-9]* on $(uname -n), since 20.*Z" asked

    t send-keys -t test C-c
    until_shown '^over: 1$'
    [ "$(t display -p -t test '#{cursor_flag} #{cursor_x}')" = "1 0" ]
    shown > last
    grep -q '^original  *stopped ' last
    # the error stands below the view, and nothing is between them
    [[ $(grep -A1 '^figure5 .*1 stopped' last | tail -n 1) == "repro: stopped after update "* ]]
}

@test "colours, but not with NO_COLOR; ASCII where the locale is" {
    mini
    in_terminal 80 24 "LC_ALL=C.UTF-8 NO_COLOR=" mini --out one
    until_shown '^one .*done .*█'
    until_shown '^over: '
    shown -e | grep -q $'\033\\[32mdone'
    end_terminal
    in_terminal 80 24 "LC_ALL=C NO_COLOR=1" mini --out two
    until_shown '^one .*done *######* 100%'
    until_shown '^over: '
    shown -e > last
    [ "$(grep -c $'\033' last)" -eq 0 ]
    [ "$(LC_ALL=C grep -c $'[\x80-\xff]' last)" -eq 0 ]
}

@test "without a terminal that can show it, or with --progress lines: a line an epoch" {
    mini
    in_terminal 80 24 TERM=dumb mini --out dumb
    until_shown '^over: '
    [ "$(shown -S -100 | grep -c '^1/1 one: epoch [1-4]/4, update ')" -eq 4 ]
    [ "$(shown -S -100 | grep -c '^run .*epoch')" -eq 0 ]
    end_terminal
    in_terminal 80 24 TERM=screen mini --out lines --progress lines
    until_shown '^over: '
    [ "$(shown -S -100 | grep -c '^1/1 one: epoch [1-4]/4, update ')" -eq 4 ]
    repro mini --out pipe --progress live
    [ "$status" -eq 0 ]
    [ "$(grep -c '^1/1 one: epoch [1-4]/4, update ' <<< "$output")" -eq 4 ]
    [[ $output != *$'\033'* ]]
}

@test "more runs than rows: the sum says so; what is done before stands in it too" {
    mini
    repro mini --out many --seeds 3
    in_terminal 80 10 LC_ALL=C.UTF-8 mini --out many --seeds 12
    until_shown '^mini .*12 of 12 done, 12 not shown$'
    until_shown '^over: '
    end_terminal
    in_terminal 80 30 LC_ALL=C.UTF-8 mini --out many --seeds 13
    until_shown '^one *13 done '
    [ "$(shown | grep -c '^one *[0-9]* done .* 4/4 .* %')" -eq 13 ]
    end_terminal
    in_terminal 80 24 LC_ALL=C.UTF-8 mini --out many --seeds 3 # nothing to do: nothing to show
    until_shown '^over: '
    [ "$(shown -S -100 | grep -c '^run  *seed')" -eq 0 ]
    [ "$(shown -S -100 | grep -c 'done before (30 updates), nothing to do')" -eq 3 ]
}
