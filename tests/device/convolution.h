/* convolution.h -- the definition of a convolution and of its two derivatives, on tensors as cuDNN
 * describes them. */
#ifndef DEVICE_CONVOLUTION_H
#define DEVICE_CONVOLUTION_H

#include <stdint.h>

struct tensor {
    int type;                   /* CUDNN_DATA_FLOAT or CUDNN_DATA_BFLOAT16 */
    int64_t size[4], stride[4]; /* NCHW */
    void *data;
};

struct convolution {
    struct tensor src, weights, dst;
    int64_t before[2], after[2], stride[2];
    int cores;  /* f32 products in tf32 */
    float beta; /* of what the result held */
    int which;  /* is the result: 0 src, 1 weights, 2 dst */
};

void convolution_compute(const struct convolution *conv);

#endif
