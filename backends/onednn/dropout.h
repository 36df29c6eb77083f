/* dropout.h -- elements dropped by the contract's generator; see struct repro_rows. */
#ifndef ONEDNN_DROPOUT_H
#define ONEDNN_DROPOUT_H

#include "layer.h"

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void dropout_backward(struct repro_net *net, struct layer *layer);

#endif
