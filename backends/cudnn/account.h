/* account.h -- the bytes of device memory that a layer's work must read and write at least: each
 * tensor once for every sweep over it that is made.  What is read again because it did not fit a
 * cache is not counted, so that bytes by seconds say how near a sweep is to the memory's rate.
 * Plain arithmetic on the host, nothing is queued. */
#ifndef CUDNN_ACCOUNT_H
#define CUDNN_ACCOUNT_H

#include "net.h"

/* Of `rows` rows.  layers: all of the net's, layer one of them; train: batch norm takes the ghosts'
 * statistics. */
double account_forward(const struct net_layer *layers, const struct net_layer *layer, int64_t rows,
                       int train);
double account_backward(const struct net_layer *layers, const struct net_layer *layer,
                        int64_t rows);

/* Adding `count` gradients of a type to f32 sums, or assigning them; optimizer: see
 * REPRO_OPTIMIZER_*. */
double account_accumulate(int64_t count, int type, int add);
double account_update(const struct kernel_update *work, int optimizer);

#endif
