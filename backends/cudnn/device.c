#include "device.h"

#include "choices.h"
#include "common/plugin.h"
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Most of it was the data gradient of 3x3 convolutions of stride 2, for which the second of cuDNN's
 * proposals was 12 to 15 times as fast as the first; doc/decisions.md says why that is no rule. */
#define SLOW "WRN-16-4 at batch 128 trained 2.5 times as fast with it on an H100"

int32_t device_enter(const struct repro_device *device, struct repro_error *err)
{
    return driver_check(cudaSetDevice(device->ordinal), "the GPU", err);
}

/* The device's name and memory; refuses one older than the kernels. */
static int32_t inspect(struct repro_device *device, struct repro_error *err)
{
    struct cudaDeviceProp properties;
    int32_t code = driver_check(cudaGetDeviceProperties(&properties, device->ordinal),
                                "the GPU's properties", err);
    if (code != 0)
        return code;
    if (properties.major * 10 + properties.minor < DRIVER_CAPABILITY_LEAST)
        return fail(err, REPRO_DEVICE,
                    "%.96s has compute capability %d.%d; the kernels need %d.%d (Ampere) or newer",
                    properties.name, properties.major, properties.minor,
                    DRIVER_CAPABILITY_LEAST / 10, DRIVER_CAPABILITY_LEAST % 10);
    snprintf(device->name, sizeof device->name, "%.95s", properties.name);
    device->memory = (int64_t)properties.totalGlobalMem;
    device->tuner.cache = properties.l2CacheSize;
    return 0;
}

static int32_t open_libraries(struct repro_device *device, struct repro_error *err)
{
    size_t running = cudnnGetVersion();
    int32_t code = driver_check_version(CUDNN_VERSION, running, err);
    if (code == 0)
        code = driver_check(cudaStreamCreateWithFlags(&device->stream, cudaStreamNonBlocking),
                            "a stream", err);
    if (code == 0)
        code = driver_check_dnn(cudnnCreate(&device->handle), "opening cuDNN", err);
    if (code == 0)
        code = driver_check_dnn(cudnnSetStream(device->handle, device->stream), "cuDNN's stream",
                                err);
    snprintf(device->library, sizeof device->library, "cuDNN %zu.%zu.%zu, CUDA %d.%d",
             running / 10000, running / 100 % 100, running % 100, CUDART_VERSION / 1000,
             CUDART_VERSION % 1000 / 10);
    return code;
}

/* Trials are kept by device and library, so both are known by now. */
static int32_t prepare_tuner(struct repro_device *device,
                             const struct repro_device_options *options, struct repro_error *err)
{
    if ((options->flags & REPRO_DEVICE_TUNED) == 0)
        return 0;
    struct tuner *tuner = &device->tuner;
    tuner->device = device->name;
    tuner->library = device->library;
    tuner->stream = device->stream;
    tuner->path = strdup(options->plans);
    if (tuner->path == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    struct choices_entry entry;
    return choices_find(tuner->path, "", &entry, err);
}

int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                    struct repro_error *err)
{
    struct repro_device_options options;
    int count = 0;
    int32_t code = plugin_device_options(given, &options, err);
    if (code == 0)
        code = driver_check(cudaGetDeviceCount(&count), "looking for a GPU", err);
    if (code != 0)
        return code;
    if (options.ordinal < 0 || options.ordinal >= count)
        return fail(err, REPRO_DEVICE,
                    "there is no GPU number %d; this machine has %d, counted from 0",
                    (int)options.ordinal, count);
    struct repro_device *device = plugin_allocate(1, sizeof *device);
    if (device == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    device->ordinal = options.ordinal;
    device->nondeterministic = (options.flags & REPRO_DEVICE_NONDETERMINISTIC) != 0;
    code = device_enter(device, err);
    if (code == 0)
        code = inspect(device, err);
    if (code == 0)
        code = open_libraries(device, err);
    if (code == 0)
        code = prepare_tuner(device, &options, err);
    if (code != 0) {
        device_close(device);
        return code;
    }
    *out = device;
    return 0;
}

void device_close(struct repro_device *device)
{
    if (device == NULL)
        return;
    if (device->handle != NULL)
        cudnnDestroy(device->handle);
    if (device->stream != NULL)
        cudaStreamDestroy(device->stream);
    free(device->tuner.path);
    free(device);
}

int32_t device_caps(struct repro_device *device, struct repro_caps *caps, struct repro_error *err)
{
    struct repro_caps own = {
        .threads = 1,
        .ops = (2u << REPRO_OP_COUNT) - 2u,
        .precisions = 1u << REPRO_PRECISION_F32 | 1u << REPRO_PRECISION_TF32 |
                      1u << REPRO_PRECISION_BF16,
        .optimizers = (2u << REPRO_OPTIMIZER_ADAM) - 2u,
        .flags = REPRO_CAPS_ANY_THREADS,
        .memory = device->memory,
        .held = device->held,
    };
    (void)err;
    snprintf(own.device, sizeof own.device, "%s", device->name);
    snprintf(own.library, sizeof own.library, "%s", device->library);
    const char *kind = device->nondeterministic ? "" : "deterministic ";
    if (device->tuner.path == NULL)
        snprintf(own.algorithms, sizeof own.algorithms, "cuDNN's first %schoice", kind);
    else
        snprintf(own.algorithms, sizeof own.algorithms, "cuDNN's fastest %schoice, tuned", kind);
    if (device->tuner.path == NULL) {
        own.slow_precisions = 1u << REPRO_PRECISION_F32;
        snprintf(own.slow, sizeof own.slow, "%s", SLOW);
    }
    fill_sized(caps, &own, sizeof own);
    return 0;
}
