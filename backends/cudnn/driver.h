/* driver.h -- what can go wrong with a GPU, in sentences; and the device. */
#ifndef CUDNN_DRIVER_H
#define CUDNN_DRIVER_H

#include "backend/backend.h"
#include "tune.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

/* compute capability 8.0: the oldest that the kernels are built for */
#define DRIVER_CAPABILITY_LEAST 80

struct repro_device {
    int ordinal;
    int nondeterministic; /* such algorithms are allowed */
    cudaStream_t stream;
    cudnnHandle_t handle;
    int64_t memory;
    char name[96], library[96];
    struct tuner tuner; /* path: NULL unless the options ask for trials */
};

/* 0, or fills *err with what was attempted, what CUDA says, and the mend where one is known. */
int32_t driver_check(cudaError_t status, const char *what, struct repro_error *err);
/* The same for cuDNN, with its own last message. */
int32_t driver_check_dnn(cudnnStatus_t status, const char *what, struct repro_error *err);

/* Refuses another major of cuDNN than was compiled against, and one older than 9.0; a newer or
 * older minor may run, since nothing newer than 9.0 is used. */
int32_t driver_check_version(size_t built, size_t running, struct repro_error *err);

int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                    struct repro_error *err);
void device_close(struct repro_device *device);
int32_t device_caps(struct repro_device *device, struct repro_caps *caps, struct repro_error *err);
/* rates.c */
int32_t device_rates(struct repro_device *device, int32_t precision, struct repro_rates *rates,
                     struct repro_error *err);
/* Makes it the calling thread's device. */
int32_t device_enter(const struct repro_device *device, struct repro_error *err);

#endif
