/* loop.h -- a parallel loop of a layer's work. */
#ifndef OPENBLAS_LOOP_H
#define OPENBLAS_LOOP_H

#include "net.h"

/* What the body needs to know; unused members are zero. */
struct loop {
    struct repro_net *net;
    struct layer *layer, *src;
    int64_t rows;
    const struct repro_rows *given; /* input, dropout */
    int64_t ghost;                  /* norm: rows that share statistics */
    int mode;                       /* norm */
    int k;                          /* add: which source */
    float factor;                   /* add: what the source's diff is scaled by */
    int reversed;                   /* conv: diff of src by reversed taps */
};

/* body(loop, i, thread) for i of 0..count-1, on several threads where `floats` of simple work make
 * that worth while. */
void loop_run(const struct loop *loop, int64_t floats, int64_t count,
              void (*body)(void *loop, int64_t i, int32_t thread));

#endif
