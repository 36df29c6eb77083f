/* CUDA's runtime on a device that is this process: its settings, its errors, and memory, which is
 * the heap's. */
#include "stream.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOST_FROM 200
#define POISON 0xcb

static int lost;
static long long used;
static pthread_mutex_t lock;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A test that goes on after a crash within a call finds the lock its own: better an end than a wait
 * for ever. */
static void make_lock(void)
{
    pthread_mutexattr_t kind;
    if (pthread_mutexattr_init(&kind) != 0 ||
        pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK) != 0 ||
        pthread_mutex_init(&lock, &kind) != 0)
        abort();
    pthread_mutexattr_destroy(&kind);
}

void emulator_lock(int *held)
{
    *held = pthread_once(&once, make_lock) == 0 && pthread_mutex_lock(&lock) == 0;
    if (!*held) {
        fprintf(stderr, "emulator: a call within a call\n");
        abort();
    }
}

void emulator_unlock(int *held)
{
    if (*held)
        pthread_mutex_unlock(&lock);
}

void *emulator_allocate(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (memory == NULL) {
        fprintf(stderr, "emulator: out of memory\n");
        abort();
    }
    return memory;
}

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

/* Errors of a call that leave the device as it is. */
static int accuses(int code)
{
    return code == cudaErrorInvalidResourceHandle || code == cudaErrorIllegalState ||
           code == cudaErrorNotReady ||
           (code >= cudaErrorStreamCaptureUnsupported && code <= cudaErrorStreamCaptureWrongThread);
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
    if ((code >= LOST_FROM && !accuses(code)) || code == cudaErrorDevicesUnavailable)
        lost = code;
    return code;
}

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
    case cudaErrorStreamCaptureUnsupported:
        return "cudaErrorStreamCaptureUnsupported";
    case cudaErrorStreamCaptureInvalidated:
        return "cudaErrorStreamCaptureInvalidated";
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
    EMULATOR_LOCKED;
    return (cudaError_t)lost;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = (int)emulator_setting("driver", CUDART_VERSION);
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaGetDeviceCount");
    if (emulator_setting("driver", CUDART_VERSION) < CUDART_VERSION)
        return cudaErrorInsufficientDriver;
    *count = (int)emulator_setting("devices", 1);
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

cudaError_t cudaSetDevice(int ordinal)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaSetDevice");
    return ordinal < emulator_setting("devices", 1) ? cudaSuccess : cudaErrorInvalidDevice;
}

static long long memory_size(void)
{
    return emulator_setting("memory", 8LL << 30);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int ordinal)
{
    EMULATOR_LOCKED;
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
    EMULATOR_LOCKED;
    *total = (size_t)memory_size();
    *available = (size_t)(memory_size() - used);
    return cudaSuccess;
}

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaMalloc");
    cudaError_t status = capture_forbids(NULL);
    if (status != cudaSuccess)
        return status;
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
    EMULATOR_LOCKED;
    size_t bytes;
    if (memory == NULL)
        return cudaSuccess;
    cudaError_t status = capture_forbids(NULL);
    if (status != cudaSuccess)
        return status;
    stream_drain_all();
    memcpy(&bytes, (char *)memory - 256, sizeof bytes);
    used -= (long long)bytes;
    free((char *)memory - 256);
    return cudaSuccess;
}

/* ---- Pinned memory ---- */

static struct pinned {
    struct pinned *next;
    size_t bytes;
    char *memory;
} * pinned;

int memory_is_pinned(const void *memory)
{
    for (const struct pinned *one = pinned; one != NULL; one = one->next)
        if ((const char *)memory >= one->memory && (const char *)memory < one->memory + one->bytes)
            return 1;
    return 0;
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    EMULATOR_LOCKED;
    MAY_FAIL("cudaMallocHost");
    cudaError_t status = capture_forbids(NULL);
    if (status != cudaSuccess)
        return status;
    *memory = malloc(bytes);
    if (*memory == NULL)
        return cudaErrorMemoryAllocation;
    struct pinned *one = emulator_allocate(sizeof *one);
    *one = (struct pinned){pinned, bytes, *memory};
    pinned = one;
    return cudaSuccess;
}

cudaError_t cudaFreeHost(void *memory)
{
    EMULATOR_LOCKED;
    if (memory == NULL)
        return cudaSuccess;
    cudaError_t status = capture_forbids(NULL);
    if (status != cudaSuccess)
        return status;
    stream_drain_all();
    for (struct pinned **at = &pinned; *at != NULL; at = &(*at)->next)
        if ((*at)->memory == memory) {
            struct pinned *one = *at;
            *at = one->next;
            free(one);
            break;
        }
    free(memory);
    return cudaSuccess;
}
