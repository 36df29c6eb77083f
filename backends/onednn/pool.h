/* pool.h -- max and average pooling over windows. */
#ifndef ONEDNN_POOL_H
#define ONEDNN_POOL_H

#include "layer.h"

int32_t pool_layout(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);

#endif
