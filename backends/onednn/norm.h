/* norm.h -- ghost batch norm, with the ReLU behind it where that is its only consumer. */
#ifndef ONEDNN_NORM_H
#define ONEDNN_NORM_H

#include "layer.h"

int32_t norm_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void norm_forward(struct repro_net *net, struct layer *layer, int32_t mode);
void norm_backward(struct repro_net *net, struct layer *layer, int64_t rows);

#endif
