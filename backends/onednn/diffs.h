/* diffs.h -- which gradients share a buffer. */
#ifndef ONEDNN_DIFFS_H
#define ONEDNN_DIFFS_H

#include "layer.h"

/* Gives every diff its buffer, and the net its spare one.  Layouts and fusions are known. */
int32_t diffs_place(struct repro_net *net, struct repro_error *err);

#endif
