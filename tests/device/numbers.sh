#!/bin/sh
# The emulated headers against the real ones: every number and every function that they state must
# be CUDA's and cuDNN's own.  $CUDNN_CFLAGS says where those are; without it there is nothing to
# compare with.
if [ -z "${CUDNN_CFLAGS:-}" ]; then
    echo "1..0 # SKIP no CUDA and cuDNN here"
    exit 0
fi
headers=${srcdir:-.}/tests/device/include
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
{
    echo '#include <cuda_runtime_api.h>'
    echo '#include <cudnn.h>'
    grep -ohE '(cuda[A-Za-z]+|CUDNN_[A-Za-z_0-9]+) = [0-9]+' "$headers/cuda_runtime_api.h" \
        "$headers/cudnn.h" |
        sed -E 's/(.*) = (.*)/_Static_assert((int)\1 == \2, "\1");/'
    sed -nE 's/^#define (cuda[A-Za-z]+) ([0-9]+)u$/_Static_assert(\1 == \2, "\1");/p' \
        "$headers/cuda_runtime_api.h"
    sed -n '/^const char \*cudaGetErrorName/,/^#/p; /^size_t cudnnGetVersion/,/^#/p' \
        "$headers/cuda_runtime_api.h" "$headers/cudnn.h" |
        grep -v '^#' # declared again: a compiler refuses another type
} >"$scratch/check.c"
count=$(grep -c _Static_assert "$scratch/check.c")
echo "1..2"
if [ "$count" -gt 60 ]; then
    echo "ok 1 - $count numbers are compared"
else
    echo "not ok 1 - only $count numbers were found"
fi
# shellcheck disable=SC2086
if ${CC:-cc} -std=c11 $CUDNN_CFLAGS -c "$scratch/check.c" \
    -o "$scratch/check.o" 2>"$scratch/log"; then
    echo "ok 2 - all, and the functions, are the real headers'"
else
    echo "not ok 2 - all, and the functions, are the real headers'"
    sed 's/^/# /' "$scratch/log"
    exit 1
fi
[ "$count" -gt 60 ]
