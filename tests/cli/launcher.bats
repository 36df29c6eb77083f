#!/usr/bin/env bats
# The launcher and bootstrap, in a tree of nothing but them: when they build, what they hand on,
# what they refuse.
bats_require_minimum_version 1.5.0

setup() {
    srcdir=${srcdir:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
    scratch=$(mktemp -d)
    tree=$scratch/tree
    mkdir -p "$tree/core" "$tree/backends" "$tree/m4" "$scratch/elsewhere" "$scratch/bin"
    cp "$srcdir/repro" "$tree/repro"
    chmod u+wx "$tree/repro"
    touch "$tree/configure.ac" "$tree/Makefile.am" "$tree/core/a.c"
    unset REPRO_SHARE REPRO_BACKEND_PATH
    cd "$scratch/elsewhere" || return 1
}

teardown() {
    cd /
    [ -z "${scratch:-}" ] || rm -rf "$scratch"
}

# A bootstrap that counts its calls and makes a program that says what it was given.
fake_bootstrap() {
    cat > "$tree/bootstrap" <<'END'
#!/bin/sh
root=$(dirname "$0")
mkdir -p "$root/build/core/cli"
echo built >> "$root/../calls"
printf '#!/bin/sh\necho "$PWD|$REPRO_SHARE|$REPRO_BACKEND_PATH|$*"\nexit 3\n' \
    > "$root/build/core/cli/repro"
chmod +x "$root/build/core/cli/repro"
touch "$root/build/.made"
END
    chmod +x "$tree/bootstrap"
    # Everything but the build is old, so that no clock tick is waited for.
    find "$tree" -type f -exec touch -d '2001-01-01' {} +
}

calls() {
    wc -l < "$scratch/calls"
}

@test "the first start builds, the second does not, a newer source does" {
    fake_bootstrap
    run -3 "$tree/repro" list
    [ "$(calls)" -eq 1 ]
    run -3 "$tree/repro" list
    [ "$(calls)" -eq 1 ]
    touch -d '2099-01-01' "$tree/core/a.c"
    run -3 "$tree/repro" list
    [ "$(calls)" -eq 2 ]
}

@test "a new commit rebuilds, so that the program names it" {
    fake_bootstrap
    run -3 "$tree/repro" list
    mkdir -p "$tree/.git/logs"
    touch -d '2099-01-01' "$tree/.git/logs/HEAD"
    run -3 "$tree/repro" list
    [ "$(calls)" -eq 2 ]
}

@test "the program gets folders, arguments and the current folder; its exit code is handed on" {
    fake_bootstrap
    run -3 "$tree/repro" plan "figure 5"
    [ "${lines[-1]}" = "$scratch/elsewhere|$tree|$tree/build/.libs|plan figure 5" ]
    REPRO_SHARE=/s REPRO_BACKEND_PATH=/b run -3 "$tree/repro"
    [ "${lines[-1]}" = "$scratch/elsewhere|/s|/b|" ]
    ln -s "$tree/repro" "$scratch/bin/repro"
    run -3 "$scratch/bin/repro" x
    [ "${lines[-1]}" = "$scratch/elsewhere|$tree|$tree/build/.libs|x" ]
}

@test "a failed build runs nothing" {
    printf '#!/bin/sh\nexit 1\n' > "$tree/bootstrap"
    chmod +x "$tree/bootstrap"
    run -1 "$tree/repro" list
    [ -z "$output" ]
}

@test "test takes no argument" {
    fake_bootstrap
    run -2 "$tree/repro" test unit
    [[ $output == *"unit"* ]]
}

# bootstrap with only the tools named on its PATH, as user 1000 of a Debian that has no package.
poor_bootstrap() {
    local tool
    cp "$srcdir/bootstrap" "$tree/bootstrap"
    chmod u+wx "$tree/bootstrap"
    for tool in sh dirname sed mkdir grep touch tail find nproc; do
        ln -s "$(command -v $tool)" "$scratch/bin/$tool"
    done
    printf '#!/bin/sh\necho 1000\n' > "$scratch/bin/id"
    printf '#!/bin/sh\nexit 1\n' > "$scratch/bin/dpkg-query"
    printf '#!/bin/sh\necho called >> "%s/apt"\n' "$scratch" > "$scratch/bin/apt-get"
    chmod +x "$scratch/bin/id" "$scratch/bin/dpkg-query" "$scratch/bin/apt-get"
}

@test "bootstrap without root or sudo prints the one command" {
    poor_bootstrap
    PATH=$scratch/bin run -1 "$tree/bootstrap"
    [[ $output == *"only root may install them"* ]]
    [ "$(grep -c '^ *apt-get install .*libopenblas-openmp-dev' <<< "$output")" -eq 1 ]
    [ ! -e "$scratch/apt" ]
}

@test "bootstrap --no-install installs nothing and says which step failed" {
    poor_bootstrap
    PATH=$scratch/bin run -1 "$tree/bootstrap" --no-install
    [[ $output == *"autoreconf"*"failed; the whole log is $tree/build/bootstrap.log" ]]
    [ ! -e "$scratch/apt" ]
}

@test "bootstrap refuses what it does not know" {
    poor_bootstrap
    PATH=$scratch/bin run -2 "$tree/bootstrap" --fast
    [[ $output == *"usage: bootstrap [--no-install]"* ]]
}
