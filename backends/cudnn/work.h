/* work.h -- what a layer's kernels are told, for the command that is being run (net->run). */
#ifndef CUDNN_WORK_H
#define CUDNN_WORK_H

#include "net.h"

struct net_layer *work_source(const struct repro_net *net, const struct net_layer *layer, int k);
int32_t work_index(const struct repro_net *net, const struct net_layer *layer);
/* Rows computed, those among them that fill up a size included. */
int64_t work_rows(const struct repro_net *net);
/* Of a layer's dst, or diff. */
int64_t work_bytes(const struct repro_net *net, const struct net_layer *layer);
const struct dnn_execution *work_execution(const struct repro_net *net,
                                           const struct net_layer *layer,
                                           enum dnn_direction direction);

struct kernel_norm work_norm(const struct repro_net *net, const struct net_layer *layer, int mode);
struct kernel_pool work_pool(const struct repro_net *net, const struct net_layer *layer);
struct kernel_dense work_dense(const struct repro_net *net, const struct net_layer *layer);
struct kernel_loss work_loss(const struct repro_net *net, const struct net_layer *layer, int mode);
struct kernel_dropout work_dropout(const struct repro_net *net, const struct net_layer *layer);

#endif
