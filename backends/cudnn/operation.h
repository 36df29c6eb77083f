/* operation.h -- a convolution as cuDNN's graph of one operation. */
#ifndef CUDNN_OPERATION_H
#define CUDNN_OPERATION_H

#include "dnn.h"

/* The graph and everything that it is made of. */
struct operation {
    cudnnBackendDescriptor_t src, weights, dst, window, operation, graph;
};

/* handle: NULL for a described device.  add: FORWARD and DATA, result is added to what is there.
 * Released in any case. */
int32_t operation_init(struct operation *one, cudnnHandle_t handle, const struct dnn_conv *conv,
                       enum dnn_direction direction, int add, struct repro_error *err);
void operation_release(struct operation *one);

#endif
