/* test_kernels.h -- small kernels to try the emulator with. */
#ifndef DEVICE_TEST_KERNELS_H
#define DEVICE_TEST_KERNELS_H

#include "cuda_runtime_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TEST_COUNT 64 /* elements of every vector */

/* y = scale x + shift */
struct test_scale {
    float scale, shift;
    const float *x;
    float *y;
};
cudaError_t test_scale(const struct test_scale *work, cudaStream_t stream);
/* y = the sum of x, in every element; threads meet. */
cudaError_t test_sum(const float *x, float *y, cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
