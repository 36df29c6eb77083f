#!/bin/sh
# usage: tests/lint.sh [width] [layers] [format] [cppcheck]     `make lint` runs all four
# What a reader would otherwise have to say again and again: lines of at most 100 characters in
# code, comments and prose; rooms that include one another in one direction (layers.sh); the layout
# that clang-format gives; what cppcheck calls an error.  A tool that is missing is a SKIP with its
# package, and an error where REPRO_REQUIRE names it.  Ends with 1 when something is to be mended.
# shellcheck disable=SC2016,SC2317 # awk's own $; functions are called by name
set -u
LC_ALL=C
export LC_ALL
cd "${srcdir:-$(dirname "$0")/..}" || exit 99
width=100

# The text we write: no results, no data that was measured or read off, nothing that tools made.
ours() {
    find . -path './build*' -prune -o -path './.git' -prune -o -path './autom4te.cache' -prune -o \
        -path './doc/results' -prune -o -path './results' -prune -o -path './data' -prune -o \
        -type f \( "$@" \) ! -name 'libtool.m4' ! -name 'lt*.m4' ! -name 'aclocal.m4' -print |
        sed 's|^\./||' | sort
}
code() { ours -name '*.[ch]' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh'; }

failed=0
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
# report NAME: what $log holds are complaints.
report() {
    if [ -s "$log" ]; then
        cat "$log"
        echo "lint: $1: to be mended"
        failed=1
    else
        echo "lint: $1: good"
    fi
}

# missing NAME PACKAGE: says that a check is left out, and whether that is an error.
missing() {
    case ,${REPRO_REQUIRE:-}, in
    *,"$1",*) echo "lint: $1: REQUIRED, but not here (Debian package: $2)"; failed=1 ;;
    *) echo "lint: $1: SKIP, not here (Debian package: $2)" ;;
    esac
}

# Characters, not bytes.  Of Markdown: neither tables, nor code, nor where a link leads.
check_width() {
    ours -name '*.[ch]' -o -name '*.cc' -o -name '*.cu' -o -name '*.cuh' -o -name '*.sh' \
        -o -name '*.bash' -o -name '*.bats' -o -name '*.py' -o -name '*.m4' -o -name '*.am' \
        -o -name '*.ac' -o -name '*.gp' -o -name '*.exp' -o -name '*.conf' -o -name '*.1' \
        -o -name '*.md' -o -name .clang-format -o -path './.ci/run' -o -path './bench/compare' \
        -o -path './bootstrap' -o -path './bundle' -o -path './repro' -o -path './tests/run' \
        -o -path './tests/cppcheck.txt' |
        xargs awk -v width="$width" '
            FNR == 1 { fenced = 0; markdown = FILENAME ~ /\.md$/ }
            markdown && /^ *```/ { fenced = !fenced; next }
            markdown && (fenced || /^ *\|/ || /^    /) { next }
            {
                text = $0
                if (markdown) {
                    gsub(/\]\([^)]*\)/, "]", text)
                    gsub(/https?:\/\/[^ )>]*/, "", text)
                }
                gsub(/[\200-\277]/, "", text)
                if (length(text) > width)
                    print FILENAME ":" FNR ": " length(text) " characters, more than " width
            }' > "$log"
    report width
}

check_layers() {
    tests/layers.sh . | grep -vE '^(ok |1\.\.)' > "$log"
    report layers
}

# Another major lays out differently, so only the one that .clang-format is written for is asked.
format_major=14
check_format() {
    for program in "${CLANG_FORMAT:-}" "clang-format-$format_major" clang-format; do
        [ -n "$program" ] || continue
        if "$program" --version 2>/dev/null | grep -q "version $format_major\."; then
            code | xargs "$program" --dry-run -Werror > "$log" 2>&1
            report clang-format
            return
        fi
    done
    missing clang-format "clang-format-$format_major; another major lays out differently"
}

check_cppcheck() {
    command -v cppcheck >/dev/null || { missing cppcheck cppcheck; return; }
    cppcheck -q -j "$(nproc 2>/dev/null || echo 1)" --std=c11 --enable=warning,portability \
        --inline-suppr --suppressions-list=tests/cppcheck.txt -Icore -Ibackends \
        --template='{file}:{line}: {severity}: {id}: {message}' core backends tests > "$log" 2>&1
    report cppcheck
}

[ $# -gt 0 ] || set -- width layers format cppcheck
for check in "$@"; do
    case $check in
    width | layers | format | cppcheck) "check_$check" ;;
    *) sed -n '2,6s/^# //p' tests/lint.sh >&2; exit 2 ;;
    esac
done
exit $failed
