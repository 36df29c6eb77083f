/* conv.h -- a convolution's primitives and passes. */
#ifndef ONEDNN_CONV_H
#define ONEDNN_CONV_H

#include "layer.h"

/* Makes the primitives; all buffers are known. */
int32_t conv_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_pack(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);
/* Sum of the best times of its three primitives, each by itself. */
int32_t conv_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds,
                  struct repro_error *err);

#endif
