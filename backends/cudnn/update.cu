/* The optimizer's step for all parameters in one launch, with the fold of the batch-norm sums; and the way between the
 * canonical order and the device's.  Compiled without contraction, the arithmetic is the CPU backends' to the bit. */
#include "device.cuh"

static __device__ __forceinline__ float stepped(const struct kernel_update &work, int64_t i)
{
    float w = work.param[i], g = work.grad[i] + work.decay * w;
    switch (work.optimizer) {
    case REPRO_OPTIMIZER_SGD:
        return w - work.lr * g;
    case REPRO_OPTIMIZER_MOMENTUM: {
        float a = work.momentum * work.moment1[i] + g;
        work.moment1[i] = a;
        return w - work.lr * a;
    }
    case REPRO_OPTIMIZER_NESTEROV: {
        float a = work.momentum * work.moment1[i] + g;
        work.moment1[i] = a;
        return w - work.lr * (g + work.momentum * a);
    }
    default: {
        float m = work.beta1 * work.moment1[i] + work.rest1 * g;
        float v = work.beta2 * work.moment2[i] + work.rest2 * (g * g);
        work.moment1[i] = m;
        work.moment2[i] = v;
        return w - work.lr * m / (sqrtf(v) + work.epsilon);
    }
    }
}

static __global__ void update(const struct kernel_update work)
{
    for (int64_t i = thread_first(); i < work.count + work.running_count; i += thread_step()) {
        if (i < work.count) {
            float w = stepped(work, i);
            work.param[i] = w;
            if (i < work.copy_count)
                static_cast<bf16 *>(work.copy)[i] = from_float<bf16>(w);
        } else {
            int64_t r = i - work.count;
            work.running[r] = work.keep * work.running[r] + work.rest * work.sums[r];
        }
    }
}

cudaError_t kernel_update(const struct kernel_update *work, cudaStream_t stream)
{
    return LAUNCH(update, launch_blocks(work->count + work->running_count), LAUNCH_THREADS, stream, *work);
}

static __global__ void to_bf16(int64_t count, const float *x, bf16 *y)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        y[i] = from_float<bf16>(x[i]);
}

cudaError_t kernel_to_bf16(int64_t count, const float *x, void *y, cudaStream_t stream)
{
    return count == 0 ? cudaSuccess
                      : LAUNCH(to_bf16, launch_blocks(count), LAUNCH_THREADS, stream, count, x, static_cast<bf16 *>(y));
}

static __global__ void gather(int64_t count, const int32_t *map, const float *device, float *canonical)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        canonical[i] = device[map[i]];
}

cudaError_t kernel_gather(int64_t count, const int32_t *map, const float *device, float *canonical, cudaStream_t stream)
{
    return LAUNCH(gather, launch_blocks(count), LAUNCH_THREADS, stream, count, map, device, canonical);
}

static __global__ void scatter(int64_t count, const int32_t *map, const float *canonical, float *device)
{
    for (int64_t i = thread_first(); i < count; i += thread_step())
        device[map[i]] = canonical[i];
}

cudaError_t kernel_scatter(int64_t count, const int32_t *map, const float *canonical, float *device,
                           cudaStream_t stream)
{
    return LAUNCH(scatter, launch_blocks(count), LAUNCH_THREADS, stream, count, map, canonical, device);
}
