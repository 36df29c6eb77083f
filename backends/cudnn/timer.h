/* timer.h -- where the GPU's seconds go: pairs of events around what is timed, read later. */
#ifndef CUDNN_TIMER_H
#define CUDNN_TIMER_H

#include "backend/backend.h"

#include <cuda_runtime_api.h>

struct timer {
    cudaStream_t stream;
    int on, capacity, used;
    cudaEvent_t *events; /* [2 * capacity] */
    double **sums;       /* [capacity] */
    int64_t launched;    /* launch_count when what is timed began */
    struct repro_profile totals;
};

int32_t timer_init(struct timer *timer, cudaStream_t stream, int capacity, struct repro_error *err);
void timer_release(struct timer *timer);
/* Between start and stop, what is queued is timed into *sum; off, they do nothing. */
int32_t timer_start(struct timer *timer, double *sum, struct repro_error *err);
int32_t timer_stop(struct timer *timer, struct repro_error *err);
/* Between them or not: bytes that account.h counts. */
void timer_bytes(struct timer *timer, double *sum, double bytes);
/* Adds up what was timed; waits for it. */
int32_t timer_collect(struct timer *timer, struct repro_error *err);

#endif
