/* tune.h -- the fastest of the engines that the rule of engine.h allows, by trial, once a
 * convolution, device and library.
 *
 * What the file of choices names is built from its engine and knobs, and never tried again; where
 * that fails the file and the line are named and nothing else is chosen, since another engine gives
 * other bits.  What it lacks is tried, on memory of the trial's own, under the file's lock, and
 * added. */
#ifndef CUDNN_TUNE_H
#define CUDNN_TUNE_H

#include "engine.h"

#include <cuda_runtime_api.h>

#define TUNE_CANDIDATES 16 /* of cuDNN's proposals, the first that the rule allows */

struct tuner {
    char *path; /* of the file of choices; NULL: not tuned */
    const char *device, *library;
    cudaStream_t stream;
    int64_t cache; /* bytes of the device's second-level cache */
};

/* execution->descriptor stays NULL when the rule allows no engine. */
int32_t tune_execution(struct dnn_execution *execution, const struct tuner *tuner,
                       const struct engine_search *search, const struct dnn_conv *conv,
                       enum dnn_direction direction, int adds, struct repro_error *err);

#endif
