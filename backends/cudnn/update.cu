/* The optimizer's step for all parameters in one launch, with the fold of the batch-norm sums; and
 * the way between the canonical order and the device's.  Compiled without contraction, the
 * arithmetic is the CPU backends' to the bit. */
#include "device.cuh"

static __device__ __forceinline__ float stepped(const struct kernel_update &work,
                                                const struct kernel_step &step, int64_t i)
{
    bool decays = (step.flags & REPRO_STEP_DECAY_WEIGHTS) == 0 || i < work.weight_count;
    float w = work.param[i], g = work.grad[i] + (decays ? step.decay : 0.0f) * w;
    switch (step.optimizer) {
    case REPRO_OPTIMIZER_SGD:
        return w - step.lr * g;
    case REPRO_OPTIMIZER_MOMENTUM: {
        float a = step.momentum * work.moment1[i] + g;
        work.moment1[i] = a;
        return w - step.lr * a;
    }
    case REPRO_OPTIMIZER_NESTEROV: {
        float a = step.momentum * work.moment1[i] + g;
        work.moment1[i] = a;
        return w - step.lr * (g + step.momentum * a);
    }
    default: {
        float m = step.beta1 * work.moment1[i] + step.rest1 * g;
        float v = step.beta2 * work.moment2[i] + step.rest2 * (g * g);
        work.moment1[i] = m;
        work.moment2[i] = v;
        return w - step.lr * m / (sqrtf(v) + step.epsilon);
    }
    }
}

/* Leaves the record; whether this update and the later ones must change nothing.  Every thread
 * decides by the same two values: the one that sets `halted` does so only where the loss alone has
 * decided. */
static __device__ bool record(const struct kernel_update &work)
{
    double loss = work.metrics->loss;
    bool finite = loss - loss == 0.0, halted = !finite || work.metrics->halted != 0;
    if (thread_first() == 0) {
        work.records[work.call->record] = *work.metrics;
        if (!finite)
            work.metrics->halted = 1;
    }
    return halted;
}

static __global__ void update(const struct kernel_update work)
{
    struct kernel_step step = work.call->step;
    if ((step.flags & REPRO_STEP_RECORD) != 0 && record(work))
        return;
    for (int64_t i = thread_first(); i < work.count + work.running_count; i += thread_step()) {
        if (i < work.count) {
            float w = stepped(work, step, i);
            work.param[i] = w;
            if (i < work.copy_count)
                static_cast<bf16 *>(work.copy)[i] = from_float<bf16>(w);
        } else {
            int64_t r = i - work.count;
            work.running[r] = step.keep * work.running[r] + step.rest * work.sums[r];
        }
    }
}

cudaError_t kernel_update(const struct kernel_update *work, cudaStream_t stream)
{
    return LAUNCH(update, launch_blocks(work->count + work->running_count), LAUNCH_THREADS, stream,
                  *work);
}

static __global__ void join(int64_t count, const float *slot, float *sums,
                            const struct kernel_metrics *slot_metrics,
                            struct kernel_metrics *metrics)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        sums[i] = slot[i] + sums[i];
    if (thread_first() == 0) {
        metrics->loss = slot_metrics->loss + metrics->loss;
        metrics->correct = slot_metrics->correct + metrics->correct;
    }
}

cudaError_t kernel_join(int64_t count, const float *slot, float *sums,
                        const struct kernel_metrics *slot_metrics, struct kernel_metrics *metrics,
                        cudaStream_t stream)
{
    return LAUNCH(join, launch_blocks(count), LAUNCH_THREADS, stream, count, slot, sums,
                  slot_metrics, metrics);
}

static __global__ void to_bf16(int64_t count, const float *x, bf16 *y)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        y[i] = from_float<bf16>(x[i]);
}

cudaError_t kernel_to_bf16(int64_t count, const float *x, void *y, cudaStream_t stream)
{
    return count == 0 ? cudaSuccess
                      : LAUNCH(to_bf16, launch_blocks(count), LAUNCH_THREADS, stream, count, x,
                               static_cast<bf16 *>(y));
}

static __global__ void gather(int64_t count, const int32_t *map, const float *device,
                              float *canonical)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        canonical[i] = device[map[i]];
}

cudaError_t kernel_gather(int64_t count, const int32_t *map, const float *device, float *canonical,
                          cudaStream_t stream)
{
    return LAUNCH(gather, launch_blocks(count), LAUNCH_THREADS, stream, count, map, device,
                  canonical);
}

static __global__ void scatter(int64_t count, const int32_t *map, const float *canonical,
                               float *device)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        device[map[i]] = canonical[i];
}

cudaError_t kernel_scatter(int64_t count, const int32_t *map, const float *canonical, float *device,
                           cudaStream_t stream)
{
    return LAUNCH(scatter, launch_blocks(count), LAUNCH_THREADS, stream, count, map, canonical,
                  device);
}
