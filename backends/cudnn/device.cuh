/* device.cuh -- what every kernel file begins with: types, loads of 16 bytes, and the launch. */
#ifndef CUDNN_DEVICE_CUH
#define CUDNN_DEVICE_CUH

#include "kernels.h"

#include <cuda_bf16.h>
#include <cuda_runtime.h>

/* LAUNCH queues a kernel whose threads work apart, LAUNCH_JOINT one whose threads meet (a barrier
 * or a shuffle).  To a GPU they are the same; the tests compile these files for the processor,
 * where they are not: see tests/device. */
#ifndef LAUNCH
#define LAUNCH(kernel, grid, block, stream, ...) \
    (kernel<<<(grid), (block), 0, (stream)>>>(__VA_ARGS__), launch_count++, cudaGetLastError())
#define LAUNCH_JOINT LAUNCH
#endif

#define WARP 32
#define WARPS (LAUNCH_THREADS / WARP)

typedef __nv_bfloat16 bf16;

static __device__ __forceinline__ float to_float(float x)
{
    return x;
}
static __device__ __forceinline__ float to_float(bf16 x)
{
    return __bfloat162float(x);
}
template <typename T> static __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x)
{
    return x;
}
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x)
{
    return __float2bfloat16_rn(x);
}

/* V elements that are loaded and stored at once. */
template <typename T, int V> struct alignas(sizeof(T) * V) pack {
    T v[V];
};

template <typename T, int V>
static __device__ __forceinline__ pack<T, V> load(const void *base, int64_t index)
{
    return *reinterpret_cast<const pack<T, V> *>(static_cast<const T *>(base) + index);
}

template <typename T, int V>
static __device__ __forceinline__ void store(void *base, int64_t index, const pack<T, V> &value)
{
    *reinterpret_cast<pack<T, V> *>(static_cast<T *>(base) + index) = value;
}

/* This thread's first index and its step, for loops over more elements than threads. */
static __device__ __forceinline__ int64_t thread_first()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

static __device__ __forceinline__ int64_t thread_step()
{
    return (int64_t)gridDim.x * blockDim.x;
}

/* Calls function<T>(...) for the type, or function<T, V>(...) for the type and a width of 1 or 16
 * bytes. */
#define BY_TYPE(type, function, ...) \
    ((type) == KERNEL_BF16 ? function<bf16>(__VA_ARGS__) : function<float>(__VA_ARGS__))
#define BY_WIDTH(type, width, function, ...)                                                \
    ((type) == KERNEL_BF16                                                                  \
         ? ((width) == 1 ? function<bf16, 1>(__VA_ARGS__) : function<bf16, 8>(__VA_ARGS__)) \
         : ((width) == 1 ? function<float, 1>(__VA_ARGS__) : function<float, 4>(__VA_ARGS__)))

#endif
