/* Before each run a buffer larger than the second-level cache is cleared.  The run finds as little
 * of its operands there as in training, and the host queues it while the clearing takes its time,
 * so that no launch is waited for between the two events. */
#include "trial.h"

#include "driver.h"

#include <stdlib.h>
#include <string.h>

#define WARM_UP 2
#define PATTERN 65536 /* bytes, repeated */

static int32_t allocate(void **memory, int64_t bytes, struct repro_error *err)
{
    cudaError_t status = cudaMalloc(memory, (size_t)bytes);
    if (status == cudaErrorMemoryAllocation)
        (void)cudaGetLastError(); /* or the next launch would report it */
    return driver_check(status, "trying convolutions", err);
}

/* Numbers of both signs, half to one in size, with bits as in training: a GPU is faster on zeros,
 * which cost it no power. */
static void make_pattern(uint32_t *pattern, int bf16)
{
    uint32_t state = 2463534242u, mask = bf16 ? 0x807f807fu : 0x807fffffu,
             base = bf16 ? 0x3f003f00u : 0x3f000000u;
    for (size_t i = 0; i < PATTERN / sizeof *pattern; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        pattern[i] = (state & mask) | base;
    }
}

static int32_t fill(struct trial *trial, void **memory, int64_t elements, int bf16,
                    const uint32_t *pattern, struct repro_error *err)
{
    size_t bytes = (size_t)elements * (bf16 ? 2 : 4), done = bytes < PATTERN ? bytes : PATTERN;
    int32_t code = allocate(memory, (int64_t)bytes, err);
    if (code == 0)
        code = driver_check(
            cudaMemcpyAsync(*memory, pattern, done, cudaMemcpyHostToDevice, trial->stream),
            "a trial's operands", err);
    while (code == 0 && done < bytes) {
        size_t more = bytes - done < done ? bytes - done : done;
        code = driver_check(cudaMemcpyAsync((char *)*memory + done, *memory, more,
                                            cudaMemcpyDeviceToDevice, trial->stream),
                            "a trial's operands", err);
        done += more;
    }
    return code;
}

int32_t trial_init(struct trial *trial, cudnnHandle_t handle, cudaStream_t stream, int64_t cache,
                   const struct dnn_conv *conv, struct repro_error *err)
{
    uint32_t pattern[PATTERN / sizeof(uint32_t)];
    memset(trial, 0, sizeof *trial);
    trial->handle = handle;
    trial->stream = stream;
    trial->flush_bytes = 2 * cache;
    make_pattern(pattern, conv->bf16);
    int32_t code = fill(trial, &trial->src,
                        conv->rows * conv->channels * conv->height * conv->width, conv->bf16,
                        pattern, err);
    if (code == 0)
        code = fill(trial, &trial->weights,
                    conv->dst_channels * conv->channels * conv->kernel_h * conv->kernel_w,
                    conv->bf16, pattern, err);
    if (code == 0)
        code = fill(trial, &trial->dst,
                    conv->rows * conv->dst_channels * conv->dst_height * conv->dst_width,
                    conv->bf16, pattern, err);
    if (code == 0)
        code = allocate(&trial->flush, trial->flush_bytes, err);
    for (int i = 0; code == 0 && i < 2 * TRIAL_RUNS; i++)
        code = driver_check(cudaEventCreate(&trial->events[i]), "an event", err);
    return code == 0 ? driver_check(cudaStreamSynchronize(stream), "a trial's operands", err)
                     : code;
}

void trial_release(struct trial *trial)
{
    for (int i = 0; i < 2 * TRIAL_RUNS; i++)
        if (trial->events[i] != NULL)
            cudaEventDestroy(trial->events[i]);
    cudaFree(trial->flush);
    cudaFree(trial->dst);
    cudaFree(trial->weights);
    cudaFree(trial->src);
}

/* Queues one run between two events. */
static int32_t queue(struct trial *trial, const struct dnn_execution *execution,
                     cudaEvent_t *events, struct repro_error *err)
{
    int32_t code = driver_check(
        cudaMemsetAsync(trial->flush, 0, (size_t)trial->flush_bytes, trial->stream),
        "clearing the cache", err);
    if (code == 0)
        code = driver_check(cudaEventRecord(events[0], trial->stream), "a timer", err);
    if (code == 0)
        code = dnn_run(execution, trial->handle, err);
    if (code == 0)
        code = driver_check(cudaEventRecord(events[1], trial->stream), "a timer", err);
    return code;
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static int32_t time_runs(struct trial *trial, struct dnn_execution *execution, double *microseconds,
                         struct repro_error *err)
{
    float times[TRIAL_RUNS];
    int32_t code = 0;
    for (int i = 0; i < WARM_UP && code == 0; i++)
        code = dnn_run(execution, trial->handle, err);
    for (int i = 0; i < TRIAL_RUNS && code == 0; i++)
        code = queue(trial, execution, &trial->events[2 * i], err);
    if (code == 0)
        code = driver_check(cudaStreamSynchronize(trial->stream), "trying a convolution", err);
    for (int i = 0; i < TRIAL_RUNS && code == 0; i++)
        code = driver_check(
            cudaEventElapsedTime(&times[i], trial->events[2 * i], trial->events[2 * i + 1]),
            "trying a convolution", err);
    if (code != 0)
        return code;
    qsort(times, TRIAL_RUNS, sizeof *times, by_size);
    *microseconds = 1e3 * (double)times[TRIAL_RUNS / 2];
    return 0;
}

int32_t trial_run(struct trial *trial, struct dnn_execution *execution, double *microseconds,
                  struct repro_error *err)
{
    void *workspace = NULL;
    struct repro_error second;
    *microseconds = -1.0;
    int32_t code = execution->workspace > 0 ? allocate(&workspace, execution->workspace, err) : 0;
    if (code == 0)
        code = dnn_bind(execution, trial->src, trial->weights, trial->dst, workspace, err);
    if (code == 0)
        code = time_runs(trial, execution, microseconds, err);
    /* the execution's own failure, if the device is still there */
    if (code == REPRO_MEMORY || code == REPRO_LIBRARY) {
        code = driver_check(cudaStreamSynchronize(trial->stream), "trying a convolution", &second);
        *err = code != 0 ? second : *err;
    }
    cudaFree(workspace);
    return code;
}
