/* history.h -- the metrics of recorded updates: the optimizer's kernel writes them to host memory,
 * an event says when.
 */
#ifndef CUDNN_HISTORY_H
#define CUDNN_HISTORY_H

#include "backend/backend.h"
#include "kernels.h"

#include <cuda_runtime_api.h>

struct history {
    /* [REPRO_HISTORY], pinned; update n's is number n % REPRO_HISTORY */
    struct kernel_metrics *records;
    cudaEvent_t done[REPRO_HISTORY];
    int64_t rows[REPRO_HISTORY];
    int64_t recorded, read; /* since the network was made */
};

int32_t history_init(struct history *history, struct repro_error *err);
void history_release(struct history *history);
/* Behind a recorded update that has been queued on the stream; rows: those of its metrics. */
int32_t history_add(struct history *history, cudaStream_t stream, int64_t rows,
                    struct repro_error *err);
/* net_history of backend.h. */
int32_t history_read(struct history *history, int64_t least, struct repro_history *out,
                     struct repro_error *err);

#endif
