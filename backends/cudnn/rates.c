/* What the device reaches when it does one thing alone.  Both measurements begin small and go on to
 * a larger size only while its time, as the smaller one foretells it, stays within GROW_SECONDS: a
 * fast device is measured at a size that fills it, a slow one soon. */
#include "choice.h"
#include "common/plugin.h"
#include "device.h"
#include "driver.h"

#include <stdlib.h>

#define REPEATS 5
#define GROW_SECONDS 0.05
#define BYTES_MAX ((int64_t)1 << 30) /* of device memory, in all */
#define PATTERN_BYTES ((int64_t)1 << 20)

/* The device memory of one measurement, and a pair of events. */
struct rate_space {
    struct repro_device *device;
    char *memory;
    cudaEvent_t from, to;
};

static int32_t open_space(struct rate_space *space, struct repro_device *device,
                          struct repro_error *err)
{
    *space = (struct rate_space){.device = device};
    int32_t code = driver_check(cudaEventCreate(&space->from), "an event", err);
    return code == 0 ? driver_check(cudaEventCreate(&space->to), "an event", err) : code;
}

static void close_space(struct rate_space *space)
{
    cudaFree(space->memory);
    if (space->from != NULL)
        cudaEventDestroy(space->from);
    if (space->to != NULL)
        cudaEventDestroy(space->to);
}

/* New memory for what was there; 1 when there is that much, with some left for others. */
static int resize(struct rate_space *space, int64_t bytes)
{
    size_t available = 0, total = 0;
    void *memory = NULL;
    cudaFree(space->memory);
    space->memory = NULL;
    if (bytes > BYTES_MAX || cudaMemGetInfo(&available, &total) != cudaSuccess ||
        (int64_t)available / 2 < bytes)
        return 0;
    if (cudaMalloc(&memory, (size_t)bytes) != cudaSuccess) {
        cudaGetLastError(); /* forgotten: a smaller size will do */
        return 0;
    }
    space->memory = memory;
    return 1;
}

/* What is timed: one piece of work, queued. */
typedef int32_t queue_work(struct rate_space *space, const void *what, struct repro_error *err);

/* Seconds of the fastest of several, after one that does not count. */
static int32_t best_of(struct rate_space *space, queue_work *work, const void *what,
                       double *seconds, struct repro_error *err)
{
    cudaStream_t stream = space->device->stream;
    int32_t code = work(space, what, err);
    double best = 0.0;
    for (int r = 0; r < REPEATS && code == 0; r++) {
        float milliseconds = 0.0f;
        code = driver_check(cudaEventRecord(space->from, stream), "a timer", err);
        if (code == 0)
            code = work(space, what, err);
        if (code == 0)
            code = driver_check(cudaEventRecord(space->to, stream), "a timer", err);
        if (code == 0)
            code = driver_check(cudaEventSynchronize(space->to), "waiting for the GPU", err);
        if (code == 0)
            code = driver_check(cudaEventElapsedTime(&milliseconds, space->from, space->to),
                                "a timer", err);
        best = r == 0 || 1e-3 * (double)milliseconds < best ? 1e-3 * (double)milliseconds : best;
    }
    if (code == 0)
        *seconds = best;
    return code;
}

/* ---- Copies ---- */

struct copy_work {
    int64_t bytes;
};

static int32_t queue_copy(struct rate_space *space, const void *what, struct repro_error *err)
{
    const struct copy_work *copy = what;
    return driver_check(cudaMemcpyAsync(space->memory + copy->bytes, space->memory,
                                        (size_t)copy->bytes, cudaMemcpyDeviceToDevice,
                                        space->device->stream),
                        "a copy", err);
}

static int32_t copy_rate(struct rate_space *space, double *rate, struct repro_error *err)
{
    int32_t code = 0;
    double seconds = 0.0;
    for (int64_t bytes = (int64_t)16 << 20; bytes <= BYTES_MAX / 2; bytes *= 32) {
        struct copy_work copy = {bytes};
        if (32.0 * seconds > GROW_SECONDS || !resize(space, 2 * bytes))
            break;
        code = driver_check(cudaMemsetAsync(space->memory, 1, (size_t)bytes, space->device->stream),
                            "a buffer", err);
        if (code == 0)
            code = best_of(space, queue_copy, &copy, &seconds, err);
        if (code != 0)
            return code;
        *rate = seconds > 0.0 ? 2.0 * (double)bytes / seconds : 0.0;
    }
    return code;
}

/* ---- Matrix products ---- */

/* side x side times side x side, as a 1x1 convolution of side channels on side images of one pixel:
 * with more pixels cuDNN's f32 engines first bring channels in front of them. */
static struct dnn_conv product_of(int64_t side, int32_t precision)
{
    return (struct dnn_conv){.bf16 = precision == REPRO_PRECISION_BF16,
                             .tensor_cores = precision == REPRO_PRECISION_TF32,
                             .rows = side,
                             .channels = side,
                             .height = 1,
                             .width = 1,
                             .dst_channels = side,
                             .dst_height = 1,
                             .dst_width = 1,
                             .kernel_h = 1,
                             .kernel_w = 1,
                             .stride_h = 1,
                             .stride_w = 1};
}

/* Numbers between -1 and 1 with random digits: zeros, and few numbers over and over, take less
 * power and run faster. Some of them come from the host, the rest of the memory repeats those. */
static int32_t fill(struct rate_space *space, int64_t bytes, int bf16, struct repro_error *err)
{
    int64_t count = PATTERN_BYTES / 4, done = PATTERN_BYTES < bytes ? PATTERN_BYTES : bytes;
    uint32_t *pattern = plugin_allocate(count, sizeof *pattern), state = 1;
    if (pattern == NULL)
        return fail(err, REPRO_MEMORY, "out of memory for a megabyte of random numbers");
    for (int64_t i = 0; i < count; i++) {
        /* exponents of 1/2 to 1, the rest of the bits as they come */
        state = state * 1664525u + 1013904223u;
        pattern[i] = (state & 0x807fffffu) | 0x3f000000u;
        if (bf16)
            pattern[i] = (pattern[i] & 0xffff0000u) | (state >> 1 & 0x8000u) |
                         (state >> 8 & 0x7fu) | 0x3f00u;
    }
    int32_t code = driver_check(cudaMemcpyAsync(space->memory, pattern, (size_t)done,
                                                cudaMemcpyHostToDevice, space->device->stream),
                                "random numbers", err);
    for (int64_t more; code == 0 && done < bytes; done += more) {
        more = done < bytes - done ? done : bytes - done;
        code = driver_check(cudaMemcpyAsync(space->memory + done, space->memory, (size_t)more,
                                            cudaMemcpyDeviceToDevice, space->device->stream),
                            "random numbers", err);
    }
    if (code == 0)
        code = driver_check(cudaStreamSynchronize(space->device->stream), "random numbers", err);
    free(pattern);
    return code;
}

static int32_t queue_product(struct rate_space *space, const void *what, struct repro_error *err)
{
    return dnn_run(what, space->device->handle, err);
}

/* *seconds stays 0 where the device has too little memory. */
static int32_t time_product(struct rate_space *space, int64_t side, int32_t precision,
                            double *seconds, struct repro_error *err)
{
    struct engine_target target = {.handle = space->device->handle,
                                   .nondeterministic = space->device->nondeterministic};
    struct dnn_conv product = product_of(side, precision);
    struct dnn_execution execution;
    int64_t matrix = side * side * (product.bf16 ? 2 : 4);
    *seconds = 0.0;
    int32_t code = choice_make(&execution, &target, NULL, &product, DNN_FORWARD, 0, err);
    if (code != 0)
        return code;
    if (resize(space, 3 * matrix + execution.workspace)) {
        char *memory = space->memory;
        code = fill(space, 2 * matrix, product.bf16, err);
        if (code == 0)
            code = dnn_bind(&execution, memory, memory + matrix, memory + 2 * matrix,
                            memory + 3 * matrix, err);
        if (code == 0)
            code = best_of(space, queue_product, &execution, seconds, err);
    }
    cudaStreamSynchronize(
        space->device->stream); /* the execution may be under way after a failure */
    dnn_release(&execution);
    return code;
}

static int32_t product_rate(struct rate_space *space, int32_t precision, double *rate,
                            struct repro_error *err)
{
    static const int64_t sides[] = {256, 2048, 4096, 8192};
    double seconds = 0.0, before = 256.0;
    int32_t code = 0;
    for (size_t k = 0; k < sizeof sides / sizeof *sides && code == 0; k++) {
        double side = (double)sides[k], growth = side / before;
        if (growth * growth * growth * seconds > GROW_SECONDS)
            break;
        code = time_product(space, sides[k], precision, &seconds, err);
        if (code != 0 || seconds == 0.0)
            break;
        double flops = 2.0 * side * side * side / seconds;
        *rate = flops > *rate ? flops : *rate;
        before = side;
    }
    return code;
}

int32_t device_rates(struct repro_device *device, int32_t precision, struct repro_rates *rates,
                     struct repro_error *err)
{
    struct repro_rates own = {.struct_size = sizeof own};
    struct rate_space space = {.device = device};
    if (precision < REPRO_PRECISION_F32 || precision > REPRO_PRECISION_BF16)
        return fail(err, REPRO_UNSUPPORTED,
                    "cudnn computes in f32, tf32 and bf16, not in precision %d", (int)precision);
    int32_t code = device_enter(device, err);
    if (code == 0)
        code = open_space(&space, device, err);
    if (code == 0)
        code = copy_rate(&space, &own.bytes, err);
    if (code == 0)
        code = product_rate(&space, precision, &own.flops, err);
    close_space(&space);
    if (code == 0)
        fill_sized(rates, &own, sizeof own);
    return code;
}
