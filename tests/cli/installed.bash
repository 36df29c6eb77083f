# For tests of what `make install` leaves: it is installed into a scratch folder once a file.

# Out of tests and of a make that runs them: its own jobs, and no test's environment.
plain_make() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u DESTDIR make -C "$builddir" --no-print-directory -s \
        "$@" </dev/null
}

# $root: the folder; a file's setup_file() calls it.
install_once() {
    find_program || return 1
    export srcdir builddir
    export root=$BATS_FILE_TMPDIR/root
    plain_make install DESTDIR="$root" >"$BATS_FILE_TMPDIR/log" 2>&1 ||
        { tail -n 30 "$BATS_FILE_TMPDIR/log"; return 1; }
}

# The one file or folder of that name under $root.
installed() {
    local found
    found=$(find "$root" -path "*/$1" | head -n 2)
    [ -n "$found" ] && [ "$found" = "${found%%$'\n'*}" ] ||
        { echo "not one $1 is installed: $found" >&2; return 1; }
    echo "$found"
}

# The installed program, with nothing in its environment but a PATH and what VARIABLE=VALUE says.
alone() {
    run env -i PATH=/usr/bin:/bin "$@" </dev/null
}

# example FOLDER [SED-COMMAND FILE]: the example backend, copied out of the installed documents,
# with a line changed where the command says so, and built from what is installed alone.
example() {
    cp -r "$(installed doc/example-backend)" "$1" && chmod -R u+w "$1" || return 1
    if [ $# -eq 3 ]; then
        cp "$1/$3" "$1/was"
        sed -i "$2" "$1/$3"
        ! cmp -s "$1/was" "$1/$3" || { echo "'$2' changes nothing in $3"; return 1; }
    fi
    env -i PATH="$PATH" PKG_CONFIG_SYSROOT_DIR="$root" \
        PKG_CONFIG_LIBDIR="$(dirname "$(installed repro-backend.pc)")" \
        make -C "$1" -s CFLAGS="-O2 -Wall -Wextra -Werror" </dev/null
}
