#include "driver.h"

#include "common/plugin.h"

#include <string.h>

#define MESSAGE_MAX 256

int32_t driver_check(cudaError_t status, const char *what, struct repro_error *err)
{
    switch (status) {
    case cudaSuccess:
        return 0;
    case cudaErrorMemoryAllocation:
        return fail(err, REPRO_MEMORY,
                    "%s: out of device memory; choose a smaller micro or --precision bf16, or free "
                    "the GPU of other "
                    "work",
                    what);
    case cudaErrorNoDevice:
        return fail(err, REPRO_DEVICE,
                    "no NVIDIA GPU here (CUDA: %s); choose --backend onednn or openblas",
                    cudaGetErrorString(status));
    case cudaErrorInsufficientDriver: {
        int supported = 0;
        if (cudaDriverGetVersion(&supported) != cudaSuccess || supported == 0)
            return fail(err, REPRO_DEVICE,
                        "no NVIDIA driver here; install one that knows CUDA %d.%d, or choose "
                        "--backend onednn or "
                        "openblas",
                        CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
        return fail(err, REPRO_DEVICE,
                    "the NVIDIA driver knows CUDA up to %d.%d, this plugin was built with %d.%d; "
                    "install a newer driver",
                    supported / 1000, supported % 1000 / 10, CUDART_VERSION / 1000,
                    CUDART_VERSION % 1000 / 10);
    }
    case cudaErrorNoKernelImageForDevice:
        return fail(err, REPRO_DEVICE,
                    "%s: this GPU is too old for the kernels, which need compute capability %d.%d",
                    what, DRIVER_CAPABILITY_LEAST / 10, DRIVER_CAPABILITY_LEAST % 10);
    case cudaErrorDevicesUnavailable:
        return fail(err, REPRO_DEVICE,
                    "%s: the GPU is in use by another process alone; wait for it, or choose "
                    "another GPU with "
                    "CUDA_VISIBLE_DEVICES",
                    what);
    default:
        return fail(err, REPRO_DEVICE,
                    "%s: the GPU failed (%s: %s); what was checkpointed is whole, run the same "
                    "command again to "
                    "go on from it",
                    what, cudaGetErrorName(status), cudaGetErrorString(status));
    }
}

int32_t driver_check_dnn(cudnnStatus_t status, const char *what, struct repro_error *err)
{
    char message[MESSAGE_MAX] = "";
    if (status == CUDNN_STATUS_SUCCESS)
        return 0;
    cudnnGetLastErrorString(message, sizeof message);
    message[strcspn(message, "\n")] = '\0';
    int memory = status == CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED ||
                 status == CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED;
    return fail(err, memory ? REPRO_MEMORY : REPRO_LIBRARY, "%s: cuDNN says %s%s%s", what,
                cudnnGetErrorString(status), message[0] != '\0' ? ": " : "", message);
}

int32_t driver_check_version(size_t built, size_t running, struct repro_error *err)
{
    /* 9.0 and later count 10000 a major, before it was 1000. */
    size_t built_major = built / 10000, major = running >= 90000 ? running / 10000 : running / 1000;
    size_t minor = running >= 90000 ? running / 100 % 100 : running / 100 % 10;
    if (major == built_major)
        return 0;
    return fail(
        err, REPRO_LIBRARY,
        "built for cuDNN %zu.%zu but running with %zu.%zu; install cuDNN %zu or rebuild the plugin",
        built_major, built / 100 % 100, major, minor, built_major);
}
