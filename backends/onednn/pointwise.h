/* pointwise.h -- the layers between the library's that read one tensor: input, ReLU, mean over the
 * plane. */
#ifndef ONEDNN_POINTWISE_H
#define ONEDNN_POINTWISE_H

#include "layer.h"

int32_t input_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void relu_forward(struct repro_net *net, struct layer *layer);
void relu_backward(struct repro_net *net, struct layer *layer);
void mean_forward(struct repro_net *net, struct layer *layer); /* GLOBAL_AVG_POOL */
void mean_backward(struct repro_net *net, struct layer *layer);

#endif
