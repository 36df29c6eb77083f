/* cuda_runtime.h -- CUDA C++ as a processor can compile it: a block's threads are loops, or fibers
 * where they meet. */
#ifndef EMULATED_CUDA_RUNTIME_H
#define EMULATED_CUDA_RUNTIME_H

#include "cuda_runtime_api.h"

#include <math.h>
#include <stdint.h>
#include <string.h>
#include <tuple>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(...)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c)
    {
    }
};

extern dim3 gridDim, blockDim, blockIdx, threadIdx;

void __syncthreads();
float __shfl_down_sync(unsigned mask, float value, unsigned offset);
float __shfl_xor_sync(unsigned mask, float value, int bits);
double __shfl_xor_sync(unsigned mask, double value, int bits);
static inline void __threadfence()
{
}
static inline float __ldcg(const float *at)
{
    return *at;
}
struct alignas(16) float4 {
    float x, y, z, w;
};
static inline float4 __ldcg(const float4 *at)
{
    return *at;
}
static inline double __ldcg(const double *at)
{
    return *at;
}
static inline float __uint_as_float(unsigned bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static inline unsigned __float_as_uint(float value)
{
    unsigned bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}
static inline unsigned atomicAdd(unsigned *at, unsigned value)
{
    unsigned old = *at;
    *at += value;
    return old;
}

/* Queues a launch on the stream: body(context) as every thread of every block; joint: the threads
 * of a block may meet. forget(context) frees the context, once, whatever becomes of the launch. */
cudaError_t emulate_launch(dim3 grid, dim3 block, int joint, void (*body)(void *context),
                           void (*forget)(void *context), cudaStream_t stream, void *context);

/* A kernel's arguments as CUDA takes them: converted and copied at the launch. */
template <typename... P> struct emulated_arguments {
    std::tuple<P...> operator()(P... given) const
    {
        return std::tuple<P...>(given...);
    }
};
template <typename... P> static emulated_arguments<P...> emulated_arguments_of(void (*)(P...))
{
    return {};
}

template <typename F, typename T> struct emulated_call {
    F call;
    T arguments;
    static void body(void *context)
    {
        const emulated_call *one = static_cast<emulated_call *>(context);
        std::apply(one->call, one->arguments);
    }
    static void forget(void *context)
    {
        delete static_cast<emulated_call *>(context);
    }
};

template <typename F, typename T>
static cudaError_t emulate(dim3 grid, dim3 block, int joint, cudaStream_t stream, F call,
                           const T &arguments)
{
    typedef emulated_call<F, T> one;
    return emulate_launch(grid, block, joint, one::body, one::forget, stream,
                          new one{call, arguments});
}

#define EMULATED_LAUNCH(kernel, grid, block, joint, stream, ...)                                \
    emulate(                                                                                    \
        dim3(grid), dim3(block), joint, stream, [](const auto &...given) { kernel(given...); }, \
        emulated_arguments_of(kernel)(__VA_ARGS__))
#define LAUNCH(kernel, grid, block, stream, ...) \
    (launch_count++, EMULATED_LAUNCH(kernel, grid, block, 0, stream, __VA_ARGS__))
#define LAUNCH_JOINT(kernel, grid, block, stream, ...) \
    (launch_count++, EMULATED_LAUNCH(kernel, grid, block, 1, stream, __VA_ARGS__))

#endif
