/* fork.h -- weight gradients beside the way back.
 *
 * Nobody but the optimizer waits for the gradient of a convolution's weights, so while a step is
 * captured it goes to a second stream, where it fills what the kernels on the way to the input
 * leave idle.  It reads the convolution's src and diff: before anything on the first stream writes
 * to those bytes, and before the gradients are added up, the first stream waits for it.  Run one by
 * one, a step has one stream; the bits are the same.  $REPRO_CUDNN_STREAMS=1 keeps everything on
 * one, to measure what this is worth. */
#ifndef CUDNN_FORK_H
#define CUDNN_FORK_H

#include "backend/backend.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

#define FORK_MAX 8 /* works that nobody has waited for */

/* A work on the second stream, and the bytes that it reads. */
struct fork_work {
    const char *begin[2];
    int64_t bytes[2];
    cudaEvent_t begun, done;
};

struct fork {
    int on;                           /* a step is being captured */
    cudaStream_t main, side;          /* side NULL: there is one stream only */
    cudnnHandle_t handle;             /* its work goes to one of the two */
    struct fork_work works[FORK_MAX]; /* `count` from `first` on, as a ring */
    int first, count;
};

/* main: the handle's stream. */
int32_t fork_init(struct fork *fork, cudnnHandle_t handle, cudaStream_t main,
                  struct repro_error *err);
void fork_release(struct fork *fork);

/* Around work that reads `a` and `b`: what cuDNN is told in between goes to the second stream, when
 * it is on. */
int32_t fork_begin(struct fork *fork, struct repro_error *err);
int32_t fork_end(struct fork *fork, const void *a, int64_t a_bytes, const void *b, int64_t b_bytes,
                 struct repro_error *err);
/* Before the first stream writes there. */
int32_t fork_guard(struct fork *fork, const void *begin, int64_t bytes, struct repro_error *err);
/* Waits for everything. */
int32_t fork_join(struct fork *fork, struct repro_error *err);

#endif
