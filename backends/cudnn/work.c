#include "work.h"

#define PURPOSE_DROPOUT 5

struct net_layer *work_source(const struct repro_net *net, const struct net_layer *layer, int k)
{
    return &net->layers[layer->node->src[k]];
}

int32_t work_index(const struct repro_net *net, const struct net_layer *layer)
{
    return (int32_t)(layer - net->layers);
}

int64_t work_rows(const struct repro_net *net)
{
    return net->run.size->rows;
}

int64_t work_bytes(const struct repro_net *net, const struct net_layer *layer)
{
    return work_rows(net) * layer->elements * kernel_bytes(layer->type);
}

const struct dnn_execution *work_execution(const struct repro_net *net,
                                           const struct net_layer *layer,
                                           enum dnn_direction direction)
{
    return &net->run.size->executions[work_index(net, layer) * DNN_DIRECTIONS + (int)direction];
}

struct kernel_norm work_norm(const struct repro_net *net, const struct net_layer *layer, int mode)
{
    const struct layout_place *place = &net->layout.places[work_index(net, layer)];
    int64_t ghosts = mode == REPRO_MODE_TRAIN ? work_rows(net) / net->graph.options.ghost : 1;
    int plain = place->weights < 0;
    float *sums = net->partial + net->layout.device_count + layer->node->running;
    return (struct kernel_norm){.type = layer->type,
                                .relu = layer->lowered->fused_relu,
                                .epsilon = layer->node->epsilon,
                                .shape = launch_columns(layer->node->channels,
                                                        work_rows(net) / ghosts * layer->use->plane,
                                                        ghosts, kernel_bytes(layer->type)),
                                .x = work_source(net, layer, 0)->dst,
                                .y = layer->dst,
                                .gamma = plain ? NULL : net->param + place->weights,
                                .beta = net->param + place->bias,
                                .mean = layer->norm.mean,
                                .inverse = layer->norm.inverse,
                                .variance = layer->norm.variance,
                                .scratch = net->scratch,
                                .sums = net->sums,
                                .slopes = net->slopes,
                                .tickets = net->tickets,
                                .counted = net->run.rows / net->graph.options.ghost,
                                .dy = layer->diff,
                                .dx = work_source(net, layer, 0)->diff,
                                .add = !layer->use->diff_first[0],
                                .grad_gamma = plain ? NULL : net->partial + place->weights,
                                .grad_beta = net->partial + place->bias,
                                .sum_mean = sums,
                                .sum_variance = sums + layer->node->channels};
}

struct kernel_pool work_pool(const struct repro_net *net, const struct net_layer *layer)
{
    const struct repro_node *node = layer->node;
    const struct net_layer *src = work_source(net, layer, 0);
    return (struct kernel_pool){.type = layer->type,
                                .rows = work_rows(net),
                                .channels = node->channels,
                                .src_height = src->node->height,
                                .src_width = src->node->width,
                                .height = node->height,
                                .width = node->width,
                                .kernel_h = node->kernel_h,
                                .kernel_w = node->kernel_w,
                                .stride_h = node->stride_h,
                                .stride_w = node->stride_w,
                                .pad_top = node->pad_top,
                                .pad_left = node->pad_left,
                                .x = src->dst,
                                .y = layer->dst,
                                .winner = layer->winner,
                                .dy = layer->diff,
                                .dx = src->diff,
                                .add = !layer->use->diff_first[0]};
}

struct kernel_dense work_dense(const struct repro_net *net, const struct net_layer *layer)
{
    const struct layout_place *place = &net->layout.places[work_index(net, layer)];
    const struct net_layer *src = work_source(net, layer, 0);
    return (struct kernel_dense){.type = src->type,
                                 .y_type = layer->type,
                                 .rows = work_rows(net),
                                 .in = src->use->size,
                                 .out = layer->node->channels,
                                 .weights = net->param + place->weights,
                                 .bias = net->param + place->bias,
                                 .x = src->dst,
                                 .y = layer->dst,
                                 .dy = layer->diff,
                                 .dx = src->diff,
                                 .add = !layer->use->diff_first[0],
                                 .grad_weights = net->partial + place->weights,
                                 .grad_bias = net->partial + place->bias};
}

struct kernel_loss work_loss(const struct repro_net *net, const struct net_layer *layer, int mode)
{
    const struct net_layer *src = work_source(net, layer, 0);
    return (struct kernel_loss){.type = src->type,
                                .rows = net->run.rows,
                                .all = work_rows(net),
                                .classes = net->graph.graph.classes,
                                .smoothing = plugin_smoothing(&net->graph, mode),
                                .logits = src->dst,
                                .labels = net->labels,
                                .metrics = net->metrics,
                                .call = net->run.call,
                                .diff = src->diff};
}

struct kernel_dropout work_dropout(const struct repro_net *net, const struct net_layer *layer)
{
    return (struct kernel_dropout){.type = layer->type,
                                   .rows = net->run.rows,
                                   .all = work_rows(net),
                                   .channels = layer->node->channels,
                                   .plane = layer->use->plane,
                                   .call = net->run.call,
                                   .image = net->run.image,
                                   .stream_word = (uint32_t)work_index(net, layer) << 8 |
                                                  PURPOSE_DROPOUT,
                                   .rate = layer->node->scale};
}
