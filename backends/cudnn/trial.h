/* trial.h -- how long an execution takes, on memory that lives as long as the trial. */
#ifndef CUDNN_TRIAL_H
#define CUDNN_TRIAL_H

#include "dnn.h"

#include <cuda_runtime_api.h>

#define TRIAL_RUNS 5

struct trial {
    cudnnHandle_t handle;
    cudaStream_t stream; /* the handle's */
    void *src, *weights, *dst, *flush;
    int64_t flush_bytes;
    cudaEvent_t events[2 * TRIAL_RUNS];
};

/* cache: bytes of the device's second-level cache.  Released in any case. */
int32_t trial_init(struct trial *trial, cudnnHandle_t handle, cudaStream_t stream, int64_t cache,
                   const struct dnn_conv *conv, struct repro_error *err);
void trial_release(struct trial *trial);

/* The median of the runs, in microseconds; negative when this execution cannot run here, for which
 * *err then says why.  An error is the device's. */
int32_t trial_run(struct trial *trial, struct dnn_execution *execution, double *microseconds,
                  struct repro_error *err);

#endif
