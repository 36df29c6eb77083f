#!/usr/bin/env bats
# What crosses the line between program and plugins, as the linker sees it.
load common

@test "each built plugin exports its entry and nothing else" {
    local plugin count=0
    for plugin in "${REPRO_BACKEND_PATH%%:*}"/*.so; do
        if [ ! -e "$plugin" ]; then
            [ -z "${REPRO_REQUIRE:-}" ] ||
                { echo "REPRO_REQUIRE=$REPRO_REQUIRE, but no plugin was built"; return 1; }
            skip "no plugin was built"
        fi
        [ "$(nm -D --defined-only "$plugin" | awk '{print $NF}')" = repro_backend_v1 ] ||
            { echo "$plugin exports:"; nm -D --defined-only "$plugin"; return 1; }
        count=$((count + 1))
    done
    [ "$count" -gt 0 ]
}

@test "the program knows no vendor library" {
    local vendor=' (cblas_|openblas_|dnnl_|cuda|cudnn|omp_|GOMP_)'
    readelf -d "$REPRO_PROGRAM" | grep NEEDED > needed
    [ "$(grep -ciE 'blas|dnnl|mkl|cud|gomp' needed)" -eq 0 ]
    [ "$(nm -D --undefined-only "$REPRO_PROGRAM" | grep -ciE "$vendor")" -eq 0 ]
    nm -D --undefined-only "$REPRO_PROGRAM" | grep -q dlopen
}

@test "the contract's header stands alone in C11" {
    command -v cc >/dev/null || skip "cc is not installed (Debian: gcc)"
    echo '#include "backend.h"' > header.c
    cc -std=c11 -pedantic-errors -Wall -Wextra -Werror -I"$srcdir/core/backend" -c header.c
    [ "$(grep '^#include' "$srcdir/core/backend/backend.h" | sort | tr '\n' ' ')" = \
        "#include <stddef.h> #include <stdint.h> " ]
}

@test "the contract's header stands alone in C++" {
    command -v c++ >/dev/null || skip "c++ is not installed (Debian: g++)"
    echo '#include "backend.h"' > header.cc
    c++ -std=c++11 -pedantic-errors -Wall -Wextra -Werror -I"$srcdir/core/backend" -c header.cc
}

@test "a plugin whose library is not here says which one, and the exit status is 77" {
    command -v cc >/dev/null || skip "cc is not installed (Debian: gcc)"
    mkdir plugins library
    echo 'int f(void) { return 1; }' > f.c
    echo 'int f(void); int g(void) { return f(); }' > g.c
    cc -shared -fPIC -o library/libabsent.so f.c
    cc -shared -fPIC -o plugins/needy.so g.c -Llibrary -labsent
    REPRO_BACKEND_PATH=$PWD/plugins repro backends
    [ "$status" -eq 0 ]
    [[ $output == *"needy: refused: "*"it needs libabsent.so, which is not here"* ]]
    REPRO_BACKEND_PATH=$PWD/plugins repro bench --backend needy --network tiny
    [ "$status" -eq 77 ]
    error_says "needs libabsent.so" "LD_LIBRARY_PATH"
}
