#include "account.h"

static const struct net_layer *source(const struct net_layer *layers, const struct net_layer *layer,
                                      int k)
{
    return &layers[layer->node->src[k]];
}

/* One sweep over a layer's dst or diff. */
static double sweep(const struct net_layer *layer, int64_t rows)
{
    return (double)rows * (double)layer->elements * kernel_bytes(layer->type);
}

/* Writing the diff of source k: it is read as well where the work adds to it. */
static double diff_sweep(const struct net_layer *layers, const struct net_layer *layer, int k,
                         int64_t rows)
{
    return (layer->use->diff_first[k] ? 1.0 : 2.0) * sweep(source(layers, layer, k), rows);
}

/* Convolutions read weights of their own type, dense layers the f32 ones. */
static double weight_bytes(const struct net_layer *layers, const struct net_layer *layer)
{
    const struct net_layer *src = source(layers, layer, 0);
    const struct repro_node *node = layer->node;
    if (node->op == REPRO_OP_DENSE)
        return 4.0 * (double)src->use->size * (double)node->channels;
    return (double)kernel_bytes(layer->type) * (double)node->channels *
           (double)(src->elements / src->use->plane) * (double)node->kernel_h *
           (double)node->kernel_w;
}

double account_forward(const struct net_layer *layers, const struct net_layer *layer, int64_t rows,
                       int train)
{
    const struct net_layer *src = layer->node->src_count > 0 ? source(layers, layer, 0) : NULL;
    double dst = sweep(layer, rows), bytes = 0.0;
    switch (layer->node->op) {
    case REPRO_OP_INPUT: /* from bytes */
        return (double)rows * (double)layer->use->size + dst;
    case REPRO_OP_CONV:
        return sweep(src, rows) + weight_bytes(layers, layer) +
               (layer->lowered->onto != LOWER_NONE ? 2.0 : 1.0) * dst +
               (layer->node->flags & REPRO_NODE_BIAS ? 2.0 * dst : 0.0);
    case REPRO_OP_BATCH_NORM: /* statistics, then apply; the first of them may make x as a sum */
        bytes = layer->lowered->sum_with != LOWER_NONE ? 2.0 * sweep(src, rows) : 0.0;
        return bytes + (train ? 2.0 : 1.0) * sweep(src, rows) + dst;
    case REPRO_OP_RELU:
        return layer->lowered->fused_relu ? 0.0 : sweep(src, rows) + dst;
    case REPRO_OP_ADD:
        if (layer->lowered->onto != LOWER_NONE || layer->lowered->sum_with != LOWER_NONE)
            return 0.0;
        return 3.0 * dst;
    case REPRO_OP_CONCAT:
        for (int k = 0; k < layer->node->src_count; k++)
            bytes += sweep(source(layers, layer, k), rows);
        return bytes + dst;
    case REPRO_OP_MAX_POOL: /* and each maximum's tap */
        return sweep(src, rows) + dst +
               (double)rows * (double)layer->use->size * (double)sizeof *layer->winner;
    case REPRO_OP_DENSE:
        return sweep(src, rows) + weight_bytes(layers, layer) + dst;
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
    case REPRO_OP_DROPOUT:
        return sweep(src, rows) + dst;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        return sweep(src, rows);
    }
    return 0.0;
}

static double with_weights_backward(const struct net_layer *layers, const struct net_layer *layer,
                                    int64_t rows)
{
    const struct net_layer *src = source(layers, layer, 0);
    double diff = sweep(layer, rows), weights = weight_bytes(layers, layer);
    /* adds to its gradients, a convolution assigns */
    int dense = layer->node->op == REPRO_OP_DENSE;
    double bytes = sweep(src, rows) + diff + (dense ? 2.0 : 1.0) * weights;
    if (src->use->needs_diff)
        bytes += diff + weights + diff_sweep(layers, layer, 0, rows);
    return bytes + (!dense && layer->node->flags & REPRO_NODE_BIAS ? diff : 0.0);
}

double account_backward(const struct net_layer *layers, const struct net_layer *layer, int64_t rows)
{
    const struct net_layer *src = layer->node->src_count > 0 ? source(layers, layer, 0) : NULL;
    int wanted = src != NULL && src->use->needs_diff;
    double diff = sweep(layer, rows), bytes = 0.0;
    switch (layer->node->op) {
    case REPRO_OP_INPUT:
        return 0.0;
    case REPRO_OP_CONV:
    case REPRO_OP_DENSE:
        return with_weights_backward(layers, layer, rows);
    case REPRO_OP_BATCH_NORM: /* sums over x and dy, then dx from both */
        bytes = sweep(src, rows) + diff;
        return wanted ? 2.0 * bytes + diff_sweep(layers, layer, 0, rows) : bytes;
    case REPRO_OP_RELU:
        return layer->lowered->fused_relu || !wanted
                   ? 0.0
                   : 2.0 * diff + diff_sweep(layers, layer, 0, rows);
    case REPRO_OP_ADD:
        for (int k = 0; k < 2; k++)
            if (source(layers, layer, k)->use->needs_diff && !layer->lowered->same_diff[k])
                bytes += diff + diff_sweep(layers, layer, k, rows);
        return bytes;
    case REPRO_OP_CONCAT: /* each source reads its own part */
        for (int k = 0; k < layer->node->src_count; k++)
            if (source(layers, layer, k)->use->needs_diff)
                bytes += sweep(source(layers, layer, k), rows) + diff_sweep(layers, layer, k, rows);
        return bytes;
    case REPRO_OP_MAX_POOL:
        bytes = (double)rows * (double)layer->use->size * (double)sizeof *layer->winner;
        return wanted ? bytes + diff + diff_sweep(layers, layer, 0, rows) : 0.0;
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
    case REPRO_OP_DROPOUT:
        return wanted ? diff + diff_sweep(layers, layer, 0, rows) : 0.0;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        return wanted ? sweep(src, rows) + diff_sweep(layers, layer, 0, rows) : 0.0;
    }
    return 0.0;
}

double account_accumulate(int64_t count, int type, int add)
{
    return (double)count * (kernel_bytes(type) + (add ? 8.0 : 4.0));
}

double account_update(const struct kernel_update *work, int optimizer)
{
    int moments = optimizer == REPRO_OPTIMIZER_SGD ? 0 : optimizer == REPRO_OPTIMIZER_ADAM ? 2 : 1;
    return (double)work->count * 4.0 * (3 + 2 * moments) + (double)work->copy_count * 2.0 +
           (double)work->running_count * 12.0;
}
