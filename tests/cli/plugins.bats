#!/usr/bin/env bats
# What crosses the line between program and plugins, as the linker sees it.
load common

# A CPU plugin also has the entry points of OpenMP's runtime, for its library (cpu/openmp.h).
openmp='^(GOMP_(barrier|parallel|parallel_start|parallel_end)|omp_in_parallel|omp_set_num_threads)$'
openmp+='|^GOMP_loop_(static_start|static_next|end|end_nowait)$'
openmp+='|^omp_get_(max_threads|num_threads|thread_num)$'

@test "each built plugin exports its entry and nothing else" {
    local plugin count=0
    for plugin in "${REPRO_BACKEND_PATH%%:*}"/*.so; do
        if [ ! -e "$plugin" ]; then
            [ -z "${REPRO_REQUIRE:-}" ] ||
                { echo "REPRO_REQUIRE=$REPRO_REQUIRE, but no plugin was built"; return 1; }
            skip "no plugin was built"
        fi
        [ "$(nm -D --defined-only "$plugin" | awk '{print $NF}' | grep -vE "$openmp")" = \
            repro_backend_v1 ] ||
            { echo "$plugin exports:"; nm -D --defined-only "$plugin"; return 1; }
        count=$((count + 1))
    done
    [ "$count" -gt 0 ]
}

# What a library calls beyond them would run on a team of libgomp's own.
@test "the entry points of OpenMP are all that the CPU plugins' libraries call" {
    local plugin library count=0
    for plugin in "${REPRO_BACKEND_PATH%%:*}"/{onednn,openblas}.so; do
        [ -e "$plugin" ] || continue
        library=$(ldd "$plugin" | awk '$1 ~ /^lib(dnnl|openblas)/ { print $3 }')
        [ -n "$library" ]
        nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' |
            grep -E '^(GOMP|omp)_' > called || true
        # asked once, at the start, about the binding of threads to cores
        run grep -vE "$openmp|^omp_get_num_places$" called
        [ "$status" -eq 1 ] || { echo "$library calls: $output"; return 1; }
        count=$((count + 1))
    done
    [ "$count" -gt 0 ] || skip "no CPU plugin was built"
}

@test "OpenMP's environment changes neither the threads nor a bit" {
    local setting backend count=0
    for backend in onednn openblas; do
        [ -e "${REPRO_BACKEND_PATH%%:*}/$backend.so" ] || continue
        for setting in NONE=1 OMP_THREAD_LIMIT=1 OMP_DYNAMIC=true OMP_MAX_ACTIVE_LEVELS=0; do
            # the library's own regions, with barriers in them
            env "$setting" timeout 60 "$REPRO_PROGRAM" bench --network wrn-10-1 --batch 32 \
                --steps 1 --warm-up 0 --brief --threads 2 --backend "$backend" > said
            grep -q '2 threads' said
            env "$setting" timeout 60 "$REPRO_PROGRAM" figure5 --profile smoke --threads 2 \
                --backend "$backend" --out "$backend-$setting" > said || [ $? -eq 3 ]
            cat "$backend-$setting"/runs/*/checkpoint.safetensors | sha256sum >> "sums-$backend"
        done
        [ "$(sort -u "sums-$backend" | wc -l)" -eq 1 ] || { cat "sums-$backend"; return 1; }
        count=$((count + 1))
    done
    [ "$count" -gt 0 ] || skip "no CPU plugin was built"
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
