/* loop.h -- a parallel loop of a layer's work. */
#ifndef ONEDNN_LOOP_H
#define ONEDNN_LOOP_H

#include "layer.h"

/* What the body needs to know; unused members are zero. */
struct loop {
    struct repro_net *net;
    struct layer *layer, *src;
    const struct repro_rows *given;
    float factor;
    int assign;
    int64_t first; /* concat: channel of dst where src begins */
};

/* body(loop, i, thread) for i of 0..count-1, on several threads where `elements` of simple work
 * make that worth while. */
void loop_run(const struct loop *loop, int64_t elements, int64_t count,
              void (*body)(void *loop, int64_t i, int32_t thread));

#endif
