#!/bin/sh
# The onednn plugin built against another oneDNN, whose prefix is $REPRO_OTHER_ONEDNN, and judged by
# the conformance programs: the plugin must build and compute with 2.6 and with 3.x.  Runs in the
# build folder, where `make check` runs it.
if [ -z "${REPRO_OTHER_ONEDNN:-}" ]; then
    echo "1..0 # SKIP REPRO_OTHER_ONEDNN does not name the prefix of another oneDNN" \
        "(include/ and lib/, with OpenMP)"
    exit 0
fi
build=$PWD
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
case ${srcdir:-.} in /*) source=${srcdir:-.} ;; *) source=$build/${srcdir:-.} ;; esac

failed=0
number=0
# check NAME COMMAND...: one line of TAP, and the command's output when it fails
check() {
    name=$1
    shift
    number=$((number + 1))
    if "$@" >"$scratch/log" 2>&1; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        tail -n 30 "$scratch/log" | sed 's/^/# /'
        failed=1
    fi
}

configure_and_make() {
    mkdir "$scratch/build" && cd "$scratch/build" &&
        "$source/configure" --without-openblas --with-onednn="$REPRO_OTHER_ONEDNN" \
            --enable-werror &&
        make onednn.la
}

echo "1..6"
check "builds against $(grep -rhoE 'define DNNL_VERSION_(MAJOR|MINOR) +[0-9]+' \
    "$REPRO_OTHER_ONEDNN/include" |
    awk '{print $3}' | paste -sd.)" configure_and_make
cd "$build" || exit 99
for program in contract heap net ops update; do
    check "$program" env REPRO_BACKEND_PATH="$scratch/build/.libs" \
        REPRO_CONFORMANCE_BACKEND=onednn REPRO_REQUIRE=onednn tests/conformance/test_$program
done
exit $failed
