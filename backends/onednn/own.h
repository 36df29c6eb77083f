/* own.h -- convolutions by our own Winograd kernels, where the library has none for this
 * processor. */
#ifndef ONEDNN_OWN_H
#define ONEDNN_OWN_H

#include "layer.h"

/* Whether the layer is for it, and the layer's passes.  Weights adds to PARTIAL, data to diff of
 * src where it is not the first to write it. */
int own_can(const struct repro_net *net, const struct layer *layer);
int32_t own_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void own_pack(struct repro_net *net, struct layer *layer);
void own_forward(struct repro_net *net, struct layer *layer);
void own_weights(struct repro_net *net, struct layer *layer);
void own_data(struct repro_net *net, struct layer *layer);
void own_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds);

#endif
