/* CUDA's runtime on a device that is this process: memory is the heap's, streams do everything at once. */
#include "emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOST_FROM 200
#define POISON 0xcb

static int lost;
static long long used;
static long long late; /* seconds that the events' clock is ahead of the host's */

long long emulator_setting(const char *name, long long otherwise)
{
    const char *text = getenv("REPRO_EMULATED_GPU");
    size_t length = strlen(name);
    while (text != NULL && *text != '\0') {
        text += strspn(text, " ");
        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return atoll(text + length + 1);
        text += strcspn(text, " ");
    }
    return otherwise;
}

int emulator_failure(const char *function)
{
    static struct {
        char name[48];
        long long calls;
    } counts[64];
    char name[80];
    int k = 0;
    if (lost != 0)
        return lost;
    while (counts[k].name[0] != '\0' && strcmp(counts[k].name, function) != 0)
        k++;
    snprintf(counts[k].name, sizeof counts[k].name, "%s", function);
    snprintf(name, sizeof name, "%s@%lld", function, ++counts[k].calls);
    int code = (int)emulator_setting(name, 0);
    if (code >= LOST_FROM || code == cudaErrorDevicesUnavailable)
        lost = code;
    return code;
}

void emulator_delay(void)
{
    late++;
}

#define MAY_FAIL(function)                         \
    do {                                           \
        int injected = emulator_failure(function); \
        if (injected != 0)                         \
            return (cudaError_t)injected;          \
    } while (0)

const char *cudaGetErrorName(cudaError_t error)
{
    switch (error) {
    case cudaSuccess:
        return "cudaSuccess";
    case cudaErrorMemoryAllocation:
        return "cudaErrorMemoryAllocation";
    case cudaErrorNoDevice:
        return "cudaErrorNoDevice";
    case cudaErrorECCUncorrectable:
        return "cudaErrorECCUncorrectable";
    case cudaErrorIllegalAddress:
        return "cudaErrorIllegalAddress";
    case cudaErrorLaunchFailure:
        return "cudaErrorLaunchFailure";
    default:
        return "cudaErrorUnknown";
    }
}

const char *cudaGetErrorString(cudaError_t error)
{
    return error == cudaSuccess ? "no error" : "emulated";
}

cudaError_t cudaGetLastError(void)
{
    return (cudaError_t)lost;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = (int)emulator_setting("driver", CUDART_VERSION);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    MAY_FAIL("cudaGetDeviceCount");
    if (emulator_setting("driver", CUDART_VERSION) < CUDART_VERSION)
        return cudaErrorInsufficientDriver;
    *count = (int)emulator_setting("devices", 1);
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int ordinal)
{
    MAY_FAIL("cudaSetDevice");
    return ordinal < emulator_setting("devices", 1) ? cudaSuccess : cudaErrorInvalidDevice;
}

static long long memory_size(void)
{
    return emulator_setting("memory", 8LL << 30);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int ordinal)
{
    long long capability = emulator_setting("capability", 90);
    (void)ordinal;
    MAY_FAIL("cudaGetDeviceProperties");
    memset(properties, 0, sizeof *properties);
    long long model = emulator_setting("model", 0);
    if (model == 0)
        snprintf(properties->name, sizeof properties->name, "Emulated GPU");
    else
        snprintf(properties->name, sizeof properties->name, "Emulated GPU %lld", model);
    properties->l2CacheSize = 1 << 16;
    properties->totalGlobalMem = (size_t)memory_size();
    properties->major = (int)(capability / 10);
    properties->minor = (int)(capability % 10);
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    *total = (size_t)memory_size();
    *available = (size_t)(memory_size() - used);
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    MAY_FAIL("cudaMalloc");
    if (used + (long long)bytes > memory_size())
        return cudaErrorMemoryAllocation;
    size_t whole = (bytes + 255) / 256 * 256 + 256;
    char *block = aligned_alloc(256, whole);
    if (block == NULL)
        return cudaErrorMemoryAllocation;
    memset(block, POISON, whole);
    memcpy(block, &bytes, sizeof bytes);
    used += (long long)bytes;
    *memory = block + 256;
    return cudaSuccess;
}

cudaError_t cudaFree(void *memory)
{
    size_t bytes;
    if (memory == NULL)
        return cudaSuccess;
    memcpy(&bytes, (char *)memory - 256, sizeof bytes);
    used -= (long long)bytes;
    free((char *)memory - 256);
    return cudaSuccess;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    MAY_FAIL("cudaMallocHost");
    *memory = malloc(bytes);
    return *memory == NULL ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
    (void)kind;
    (void)stream;
    MAY_FAIL("cudaMemcpyAsync");
    memcpy(to, from, bytes);
    return cudaSuccess;
}

cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream)
{
    (void)stream;
    MAY_FAIL("cudaMemsetAsync");
    memset(memory, value, bytes);
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    (void)flags;
    MAY_FAIL("cudaStreamCreateWithFlags");
    *stream = malloc(1);
    return *stream == NULL ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    (void)stream;
    MAY_FAIL("cudaStreamSynchronize");
    return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    free(stream);
    return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    return cudaEventCreateWithFlags(event, 0);
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags)
{
    (void)flags;
    MAY_FAIL("cudaEventCreate");
    *event = calloc(1, sizeof(struct timespec));
    return *event == NULL ? cudaErrorMemoryAllocation : cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    struct timespec now;
    (void)stream;
    MAY_FAIL("cudaEventRecord");
    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_sec += late;
    memcpy(event, &now, sizeof now);
    return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    (void)event;
    MAY_FAIL("cudaEventSynchronize");
    return cudaSuccess;
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t from, cudaEvent_t to)
{
    struct timespec a, b;
    MAY_FAIL("cudaEventElapsedTime");
    memcpy(&a, from, sizeof a);
    memcpy(&b, to, sizeof b);
    *milliseconds = (float)(1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec));
    return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    free(event);
    return cudaSuccess;
}
