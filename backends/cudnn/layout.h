/* layout.h -- where each parameter lies on the device.
 *
 * The contract's arenas are canonical: OIHW, one node behind the other.  On the device convolutions
 * want their weights as OHWI at aligned addresses, so PARAM and its like are kept in an order of
 * their own: first every convolution's weights, then those of dense layers, then the rest, each
 * tensor on a boundary of LAYOUT_ALIGN floats.  Elementwise work does not see the difference;
 * net_read and net_write go through the map.  Host only. */
#ifndef CUDNN_LAYOUT_H
#define CUDNN_LAYOUT_H

#include "common/graph.h"

#define LAYOUT_ALIGN 64

/* A node's tensors on the device, in floats from the start of PARAM; -1 where the node has none. */
struct layout_place {
    int64_t weights, bias;
};

struct layout {
    int64_t param_count;         /* canonical floats */
    int64_t device_count;        /* floats on the device, gaps included */
    int64_t conv_count;          /* of them, the convolutions' weights, from 0 on */
    int64_t weight_count;        /* the same with the weights of dense layers behind them */
    int32_t *map;                /* [param_count]: canonical index -> device index */
    struct layout_place *places; /* [node_count] */
};

/* input_channels: of the input image in memory, lower_input_channels(); the weights of those that
 * the image does not have are in no canonical arena and stay 0.  0, or REPRO_MEMORY, or
 * REPRO_UNSUPPORTED when there are more than 2^28 parameters; then there is nothing to release.
 */
int32_t layout_init(struct layout *layout, const struct plugin_graph *graph, int64_t input_channels,
                    struct repro_error *err);
void layout_release(struct layout *layout);

#endif
