/* driver.h -- what can go wrong with a GPU and its libraries, in sentences. */
#ifndef CUDNN_DRIVER_H
#define CUDNN_DRIVER_H

#include "backend/backend.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

/* compute capability 8.0: the oldest that the kernels are built for */
#define DRIVER_CAPABILITY_LEAST 80

/* 0, or fills *err with what was attempted, what CUDA says, and the mend where one is known. */
int32_t driver_check(cudaError_t status, const char *what, struct repro_error *err);
/* The same for cuDNN, with its own last message. */
int32_t driver_check_dnn(cudnnStatus_t status, const char *what, struct repro_error *err);

/* Refuses another major of cuDNN than was compiled against, and one older than 9.0; a newer or
 * older minor may run, since nothing newer than 9.0 is used. */
int32_t driver_check_version(size_t built, size_t running, struct repro_error *err);

#endif
