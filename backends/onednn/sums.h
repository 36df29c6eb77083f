/* sums.h -- sums and copies of tensors that may lie differently: add, concat, and what convolutions
 * write apart. */
#ifndef ONEDNN_SUMS_H
#define ONEDNN_SUMS_H

#include "layer.h"

void add_forward(struct repro_net *net, struct layer *layer);
void add_backward(struct repro_net *net, struct layer *layer);
void concat_forward(struct repro_net *net, struct layer *layer);
void concat_backward(struct repro_net *net, struct layer *layer);
/* diff of src += the net's spare buffer. */
void spare_add(struct repro_net *net, struct layer *src);

#endif
