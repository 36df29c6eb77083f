#include "cudnn/launch.h"

#include "test_kernels.h"

#include "cuda_runtime.h"

static __global__ void scale(const struct test_scale work)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    work.y[i] = work.scale * work.x[i] + work.shift;
}

cudaError_t test_scale(const struct test_scale *work, cudaStream_t stream)
{
    return LAUNCH(scale, 4, TEST_COUNT / 4, stream, *work);
}

static __global__ void sum(const float *x, const float *bias, float *y)
{
    __shared__ float sums[TEST_COUNT];
    unsigned i = threadIdx.x;
    sums[i] = x[i] + (bias == NULL ? 0.0f : bias[i]);
    __syncthreads();
    for (unsigned half = TEST_COUNT / 2; half > 0; half /= 2) {
        if (i < half)
            sums[i] += sums[i + half];
        __syncthreads();
    }
    y[i] = sums[0];
}

cudaError_t test_sum(const float *x, float *y, cudaStream_t stream)
{
    return LAUNCH_JOINT(sum, 1, TEST_COUNT, stream, x, NULL, y);
}
