/* One node's work.  A node that is the first to write its source's diff assigns, later ones add. */
#include "account.h"
#include "work.h"

#include <stdio.h>

static int32_t queued(const struct repro_net *net, const struct net_layer *layer,
                      cudaError_t status, struct repro_error *err)
{
    char what[64];
    if (status == cudaSuccess)
        return 0;
    snprintf(what, sizeof what, "node %d (%s)", (int)work_index(net, layer),
             plugin_op_names[layer->node->op]);
    return driver_check(status, what, err);
}

/* ---- Forward ---- */

static int32_t conv_forward(struct repro_net *net, struct net_layer *layer, struct repro_error *err)
{
    int32_t code = dnn_run(work_execution(net, layer, DNN_FORWARD), net->device->handle, err);
    if (code != 0 || !(layer->node->flags & REPRO_NODE_BIAS))
        return code;
    return queued(net, layer,
                  kernel_bias(layer->type, work_rows(net) * layer->use->plane,
                              layer->node->channels,
                              net->param + net->layout.places[work_index(net, layer)].bias,
                              layer->dst, net->device->stream),
                  err);
}

static cudaError_t add_forward(struct repro_net *net, const struct net_layer *layer)
{
    int elsewhere = layer->lowered->onto != LOWER_NONE || layer->lowered->sum_with != LOWER_NONE;
    return elsewhere ? cudaSuccess
                     : kernel_add(layer->type, work_rows(net) * layer->use->size,
                                  work_source(net, layer, 0)->dst, work_source(net, layer, 1)->dst,
                                  layer->node->scale, layer->dst, net->device->stream);
}

static cudaError_t norm_forward(struct repro_net *net, struct net_layer *layer, int mode)
{
    struct kernel_norm work = work_norm(net, layer, mode);
    if (layer->lowered->sum_with != LOWER_NONE) {
        const struct net_layer *sum = &net->layers[layer->lowered->sum_with];
        work.a = work_source(net, sum, 0)->dst;
        work.b = work_source(net, sum, 1)->dst;
        work.scale = sum->node->scale;
        work.sum = sum->dst;
    }
    if (mode == REPRO_MODE_EVAL)
        return kernel_norm_apply(&work, net->running + layer->node->running, net->device->stream);
    cudaError_t status = kernel_norm_statistics(&work, net->device->stream);
    return status != cudaSuccess ? status : kernel_norm_apply(&work, NULL, net->device->stream);
}

static cudaError_t input_forward(struct repro_net *net, struct net_layer *layer)
{
    const struct repro_graph *graph = &net->graph.graph;
    struct kernel_input work = {.type = layer->type,
                                .rows = net->run.rows,
                                .all = work_rows(net),
                                .height = layer->node->height,
                                .width = layer->node->width,
                                .channels = layer->node->channels,
                                .padded = (int32_t)net->input_channels,
                                .call = net->run.call,
                                .crops = net->run.crops,
                                .dst = layer->dst,
                                .labels = net->labels};
    for (int c = 0; c < REPRO_CHANNEL_MAX; c++) {
        work.mean[c] = graph->mean[c];
        work.deviation[c] = graph->deviation[c];
    }
    return kernel_input(&work, net->device->stream);
}

static cudaError_t concat_forward(struct repro_net *net, struct net_layer *layer)
{
    cudaError_t status = cudaSuccess;
    int64_t first = 0, pixels = work_rows(net) * layer->use->plane;
    for (int k = 0; k < layer->node->src_count && status == cudaSuccess; k++) {
        struct net_layer *src = work_source(net, layer, k);
        status = kernel_concat(layer->type, pixels, src->node->channels, layer->node->channels,
                               first, src->dst, layer->dst, net->device->stream);
        first += src->node->channels;
    }
    return status;
}

static cudaError_t dropout_forward(struct repro_net *net, struct net_layer *layer, int mode)
{
    struct net_layer *src = work_source(net, layer, 0);
    if (mode == REPRO_MODE_EVAL)
        return kernel_scale(layer->type, work_rows(net) * layer->use->size, src->dst, 1.0f,
                            layer->dst, 0, net->device->stream);
    struct kernel_dropout work = work_dropout(net, layer);
    work.x = src->dst;
    work.y = layer->dst;
    return kernel_dropout(&work, net->device->stream);
}

static cudaError_t forward(struct repro_net *net, struct net_layer *layer, int mode)
{
    cudaStream_t stream = net->device->stream;
    int64_t count = work_rows(net) * layer->use->size;
    struct net_layer *src = layer->node->src_count > 0 ? work_source(net, layer, 0) : NULL;
    switch (layer->node->op) {
    case REPRO_OP_INPUT:
        return input_forward(net, layer);
    case REPRO_OP_BATCH_NORM:
        return norm_forward(net, layer, mode);
    case REPRO_OP_RELU:
        return layer->lowered->fused_relu
                   ? cudaSuccess
                   : kernel_relu(layer->type, count, src->dst, layer->dst, stream);
    case REPRO_OP_ADD:
        return add_forward(net, layer);
    case REPRO_OP_CONCAT:
        return concat_forward(net, layer);
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL: {
        struct kernel_pool work = work_pool(net, layer);
        return layer->node->op == REPRO_OP_MAX_POOL ? kernel_max_pool(&work, stream)
                                                    : kernel_avg_pool(&work, stream);
    }
    case REPRO_OP_GLOBAL_AVG_POOL:
        return kernel_mean(layer->type, work_rows(net), src->use->plane, layer->node->channels,
                           src->dst, layer->dst, stream);
    case REPRO_OP_DROPOUT:
        return dropout_forward(net, layer, mode);
    case REPRO_OP_DENSE: {
        struct kernel_dense work = work_dense(net, layer);
        return kernel_dense(&work, stream);
    }
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY: {
        struct kernel_loss work = work_loss(net, layer, mode);
        return kernel_loss(&work, stream);
    }
    }
    return cudaErrorInvalidValue; /* no operation of this minor */
}

int32_t layer_forward(struct repro_net *net, struct net_layer *layer, int mode,
                      struct repro_error *err)
{
    int32_t code = timer_start(&net->timer, &net->timer.totals.forward[layer->node->op], err);
    timer_bytes(&net->timer, &net->timer.totals.forward_bytes[layer->node->op],
                account_forward(net->layers, layer, work_rows(net), mode == REPRO_MODE_TRAIN));
    if (code == 0)
        code = layer->node->op == REPRO_OP_CONV
                   ? conv_forward(net, layer, err)
                   : queued(net, layer, forward(net, layer, mode), err);
    return code == 0 ? timer_stop(&net->timer, err) : code;
}

/* ---- Backward ---- */

static int32_t conv_backward(struct repro_net *net, struct net_layer *layer,
                             struct repro_error *err)
{
    const struct net_layer *src = work_source(net, layer, 0);
    int32_t code = fork_begin(&net->fork, err);
    if (code == 0)
        code = dnn_run(work_execution(net, layer, DNN_WEIGHTS), net->device->handle, err);
    if (code == 0)
        code = fork_end(&net->fork, src->dst, work_bytes(net, src), layer->diff,
                        work_bytes(net, layer), err);
    if (code == 0 && src->use->needs_diff)
        code = dnn_run(work_execution(net, layer, DNN_DATA), net->device->handle, err);
    if (code != 0 || !(layer->node->flags & REPRO_NODE_BIAS))
        return code;
    struct launch_columns shape = launch_columns(
        layer->node->channels, work_rows(net) * layer->use->plane, 1, kernel_bytes(layer->type));
    float *grad = net->partial + net->layout.places[work_index(net, layer)].bias;
    return queued(net, layer,
                  kernel_bias_gradient(layer->type, &shape, layer->diff, net->scratch, net->tickets,
                                       grad, net->device->stream),
                  err);
}

static cudaError_t add_backward(struct repro_net *net, struct net_layer *layer)
{
    cudaError_t status = cudaSuccess;
    for (int k = 0; k < 2 && status == cudaSuccess; k++) {
        struct net_layer *src = work_source(net, layer, k);
        if (src->use->needs_diff && !layer->lowered->same_diff[k])
            status = kernel_scale(layer->type, work_rows(net) * layer->use->size, layer->diff,
                                  k == 0 ? 1.0f : layer->node->scale, src->diff,
                                  !layer->use->diff_first[k], net->device->stream);
    }
    return status;
}

static cudaError_t concat_backward(struct repro_net *net, struct net_layer *layer)
{
    cudaError_t status = cudaSuccess;
    int64_t first = 0, pixels = work_rows(net) * layer->use->plane;
    for (int k = 0; k < layer->node->src_count && status == cudaSuccess; k++) {
        struct net_layer *src = work_source(net, layer, k);
        if (src->use->needs_diff)
            status = kernel_concat_backward(layer->type, pixels, src->node->channels,
                                            layer->node->channels, first, layer->diff, src->diff,
                                            !layer->use->diff_first[k], net->device->stream);
        first += src->node->channels;
    }
    return status;
}

/* Of nodes whose only work is their source's diff. */
static cudaError_t send_back(struct repro_net *net, struct net_layer *layer)
{
    cudaStream_t stream = net->device->stream;
    struct net_layer *src = work_source(net, layer, 0);
    int add = !layer->use->diff_first[0];
    int64_t count = work_rows(net) * layer->use->size;
    if (!src->use->needs_diff)
        return cudaSuccess;
    switch (layer->node->op) {
    case REPRO_OP_RELU:
        return layer->lowered->fused_relu
                   ? cudaSuccess
                   : kernel_relu_backward(layer->type, count, layer->dst, layer->diff, src->diff,
                                          add, stream);
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL: {
        struct kernel_pool work = work_pool(net, layer);
        return layer->node->op == REPRO_OP_MAX_POOL ? kernel_max_pool_backward(&work, stream)
                                                    : kernel_avg_pool_backward(&work, stream);
    }
    case REPRO_OP_GLOBAL_AVG_POOL:
        return kernel_mean_backward(layer->type, work_rows(net), src->use->plane,
                                    layer->node->channels, layer->diff, src->diff, add, stream);
    case REPRO_OP_DROPOUT: {
        struct kernel_dropout work = work_dropout(net, layer);
        work.x = layer->diff;
        work.y = src->diff;
        work.add = add;
        return kernel_dropout(&work, stream);
    }
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY: {
        struct kernel_loss work = work_loss(net, layer, REPRO_MODE_TRAIN);
        return kernel_loss_backward(&work, stream);
    }
    }
    return cudaErrorInvalidValue;
}

static cudaError_t backward(struct repro_net *net, struct net_layer *layer)
{
    switch (layer->node->op) {
    case REPRO_OP_BATCH_NORM: {
        struct kernel_norm work = work_norm(net, layer, REPRO_MODE_TRAIN);
        return kernel_norm_backward(&work, net->device->stream);
    }
    case REPRO_OP_ADD:
        return add_backward(net, layer);
    case REPRO_OP_CONCAT:
        return concat_backward(net, layer);
    case REPRO_OP_DENSE: {
        struct kernel_dense work = work_dense(net, layer);
        return kernel_dense_backward(&work, net->device->stream);
    }
    default:
        return send_back(net, layer);
    }
}

int32_t layer_backward(struct repro_net *net, struct net_layer *layer, struct repro_error *err)
{
    int32_t code = 0;
    if (layer->node->op == REPRO_OP_INPUT)
        return 0;
    for (int k = 0; k < layer->node->src_count && code == 0; k++) {
        const struct net_layer *src = work_source(net, layer, k);
        if (src->use->needs_diff)
            code = fork_guard(&net->fork, src->diff, work_bytes(net, src), err);
    }
    if (code == 0)
        code = timer_start(&net->timer, &net->timer.totals.backward[layer->node->op], err);
    timer_bytes(&net->timer, &net->timer.totals.backward_bytes[layer->node->op],
                account_backward(net->layers, layer, work_rows(net)));
    if (code == 0)
        code = layer->node->op == REPRO_OP_CONV ? conv_backward(net, layer, err)
                                                : queued(net, layer, backward(net, layer), err);
    return code == 0 ? timer_stop(&net->timer, err) : code;
}
