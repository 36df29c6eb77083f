/* dense.h -- the dense layer. */
#ifndef ONEDNN_DENSE_H
#define ONEDNN_DENSE_H

#include "layer.h"

int32_t dense_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t dense_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t dense_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);

#endif
