/* device.h -- an open GPU, with the table's functions on it; see backend.h. */
#ifndef CUDNN_DEVICE_H
#define CUDNN_DEVICE_H

#include "backend/backend.h"
#include "tune.h"

#include <cuda_runtime_api.h>
#include <cudnn.h>

struct repro_device {
    int ordinal;
    int nondeterministic; /* such algorithms are allowed */
    cudaStream_t stream;
    cudnnHandle_t handle;
    int64_t memory, held; /* bytes: in all; of its networks and data sets */
    char name[96], library[96];
    struct tuner tuner; /* path: NULL unless the options ask for trials */
};

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
