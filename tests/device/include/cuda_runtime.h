/* cuda_runtime.h -- CUDA C++ as a processor can compile it: a block's threads are loops, or fibers where they meet. */
#ifndef EMULATED_CUDA_RUNTIME_H
#define EMULATED_CUDA_RUNTIME_H

#include "cuda_runtime_api.h"

#include <math.h>
#include <stdint.h>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c)
    {
    }
};

extern dim3 gridDim, blockDim, blockIdx, threadIdx;

void __syncthreads();
float __shfl_down_sync(unsigned mask, float value, unsigned offset);
static inline void __threadfence()
{
}
static inline float __ldcg(const float *at)
{
    return *at;
}
static inline double __ldcg(const double *at)
{
    return *at;
}
static inline unsigned atomicAdd(unsigned *at, unsigned value)
{
    unsigned old = *at;
    *at += value;
    return old;
}

/* Runs call(context) as every thread of every block; joint: the threads of a block may meet. */
cudaError_t emulate_launch(dim3 grid, dim3 block, int joint, void (*call)(void *context), void *context);

template <typename F> static cudaError_t emulate(dim3 grid, dim3 block, int joint, F body)
{
    return emulate_launch(
        grid, block, joint, [](void *context) { (*static_cast<F *>(context))(); }, &body);
}

#define LAUNCH(kernel, grid, block, stream, ...) \
    (launch_count++, (void)(stream), emulate(dim3(grid), dim3(block), 0, [&] { kernel(__VA_ARGS__); }))
#define LAUNCH_JOINT(kernel, grid, block, stream, ...) \
    (launch_count++, (void)(stream), emulate(dim3(grid), dim3(block), 1, [&] { kernel(__VA_ARGS__); }))

#endif
