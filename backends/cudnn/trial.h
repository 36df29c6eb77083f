/* trial.h -- how long a plan takes, on memory that lives as long as the trial. */
#ifndef CUDNN_TRIAL_H
#define CUDNN_TRIAL_H

#include "dnn.h"
#include "tune.h"

#define TRIAL_RUNS 5

struct trial {
    const struct tuner *tuner;
    cudnnHandle_t handle;
    void *src, *weights, *dst, *flush;
    int64_t flush_bytes;
    cudaEvent_t events[2 * TRIAL_RUNS];
};

/* Released in any case. */
int32_t trial_init(struct trial *trial, const struct tuner *tuner, cudnnHandle_t handle,
                   const struct dnn_conv *conv, struct repro_error *err);
void trial_release(struct trial *trial);

/* The median of the runs, in microseconds; negative when this plan cannot run here, for which *err
 * then says why.  An error is the device's. */
int32_t trial_run(struct trial *trial, struct dnn_plan *plan, double *microseconds,
                  struct repro_error *err);

#endif
