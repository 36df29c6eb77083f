/* A compiled network's passes. */
#include "net.h"

#include "conv.h"
#include "cpu/loss.h"
#include "cpu/team.h"
#include "dense.h"
#include "dropout.h"
#include "norm.h"
#include "pointwise.h"
#include "pool.h"
#include "sums.h"

#include <stdio.h>

static int32_t forward_layer(struct repro_net *net, struct layer *layer,
                             const struct repro_rows *rows, struct repro_error *err)
{
    switch (layer->node->op) {
    case REPRO_OP_INPUT:
        input_forward(net, layer, rows);
        return 0;
    case REPRO_OP_CONV:
        return conv_forward(net, layer, err);
    case REPRO_OP_BATCH_NORM:
        norm_forward(net, layer, rows->mode);
        return 0;
    case REPRO_OP_RELU:
        relu_forward(net, layer);
        return 0;
    case REPRO_OP_ADD:
        add_forward(net, layer);
        return 0;
    case REPRO_OP_CONCAT:
        concat_forward(net, layer);
        return 0;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
        return pool_forward(net, layer, err);
    case REPRO_OP_GLOBAL_AVG_POOL:
        mean_forward(net, layer);
        return 0;
    case REPRO_OP_DROPOUT:
        dropout_forward(net, layer, rows);
        return 0;
    case REPRO_OP_DENSE:
        return dense_forward(net, layer, err);
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss_forward(&net->arenas, net->arenas.output, net->labels, rows->count,
                     plugin_smoothing(&net->graph, rows->mode), layer->dst);
        return 0;
    }
    return fail(err, REPRO_UNSUPPORTED, "unknown operation %d", (int)layer->node->op);
}

/* Rows that the forward did not bring have no loss, and so no gradient anywhere. */
static void start_backward(struct repro_net *net, struct layer *logits, double scale)
{
    int64_t classes = net->arenas.classes;
    float *diff = logits->diff;
    if (diff == NULL)
        return;
    loss_backward(net->arenas.output, net->labels, net->rows, classes,
                  plugin_smoothing(&net->graph, REPRO_MODE_TRAIN), scale, diff);
    memset(diff + net->rows * classes, 0,
           (size_t)((net->micro - net->rows) * classes) * sizeof *diff);
}

static int32_t backward_layer(struct repro_net *net, struct layer *layer, double scale,
                              struct repro_error *err)
{
    switch (layer->node->op) {
    case REPRO_OP_CONV:
        return conv_backward(net, layer, err);
    case REPRO_OP_BATCH_NORM:
        norm_backward(net, layer, net->rows);
        return 0;
    case REPRO_OP_RELU:
        relu_backward(net, layer);
        return 0;
    case REPRO_OP_ADD:
        add_backward(net, layer);
        return 0;
    case REPRO_OP_CONCAT:
        concat_backward(net, layer);
        return 0;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
        return pool_backward(net, layer, err);
    case REPRO_OP_GLOBAL_AVG_POOL:
        mean_backward(net, layer);
        return 0;
    case REPRO_OP_DROPOUT:
        dropout_backward(net, layer);
        return 0;
    case REPRO_OP_DENSE:
        return dense_backward(net, layer, err);
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        start_backward(net, &net->layers[layer->node->src[0]], scale);
        return 0;
    }
    return 0; /* the input has no diff */
}

/* The library's copies of the weights follow PARAM. */
static int32_t pack(struct repro_net *net, struct repro_error *err)
{
    int32_t code = 0;
    double start = profile_start(&net->profile);
    for (int32_t i = 0; code == 0 && !net->packed && i < net->count; i++)
        if (net->layers[i].node->op == REPRO_OP_CONV)
            code = conv_pack(net, &net->layers[i], err);
    net->packed = code == 0;
    profile_stop(&net->profile, start, &net->profile.sums.reorder);
    return code;
}

int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err)
{
    struct repro_rows rows;
    copy_sized(&rows, sizeof rows, given);
    int32_t code = plugin_check_rows(&net->graph, &rows, err);
    if (code != 0)
        return code;
    team_bind(net->device->team);
    memcpy(net->labels, rows.labels, (size_t)rows.count * sizeof *net->labels);
    net->rows = 0;
    code = pack(net, err);
    for (int32_t i = 0; code == 0 && i < net->count; i++) {
        double start = profile_start(&net->profile);
        code = forward_layer(net, &net->layers[i], &rows, err);
        profile_stop(&net->profile, start, &net->profile.sums.forward[net->layers[i].node->op]);
    }
    if (code != 0)
        return code;
    net->rows = rows.mode == REPRO_MODE_TRAIN ? rows.count : 0;
    net->arenas.output_rows = rows.count;
    return 0;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    int32_t code = 0;
    if (net->rows == 0)
        return fail(err, REPRO_ARGUMENT, "backward needs a TRAIN forward before it");
    team_bind(net->device->team);
    for (int32_t i = net->count - 1; code == 0 && i >= 0; i--) {
        double start = profile_start(&net->profile);
        if (net->layers[i].use->live)
            code = backward_layer(net, &net->layers[i], scale, err);
        profile_stop(&net->profile, start, &net->profile.sums.backward[net->layers[i].node->op]);
    }
    net->rows = 0;
    return code;
}

int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    (void)err;
    arenas_zero(&net->arenas);
    return 0;
}

int32_t net_update(struct repro_net *net, const struct repro_step *step, struct repro_error *err)
{
    team_bind(net->device->team);
    double start = profile_start(&net->profile);
    int32_t code = arenas_update(&net->arenas, step, net->device->threads, err);
    profile_stop(&net->profile, start, &net->profile.sums.update);
    net->packed = 0;
    return code;
}

int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err)
{
    (void)err;
    arenas_metrics(&net->arenas, metrics);
    return 0;
}

int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    return library_check(dnnl_stream_wait(net->device->stream), "waiting for the stream", err);
}

int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                  const float *values, struct repro_error *err)
{
    net->packed = 0;
    return arenas_write(&net->arenas, arena, first, count, values, err);
}

int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err)
{
    return arenas_read(&net->arenas, arena, first, count, values, err);
}

int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err)
{
    (void)err;
    profile_take(&net->profile, profile);
    return 0;
}

int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err)
{
    char line[400];
    int64_t used = 0;
    if (size < 1)
        return fail(err, REPRO_ARGUMENT, "a text of %lld bytes has no room", (long long)size);
    for (int32_t i = 0; i < net->count; i++) {
        const struct layer *layer = &net->layers[i];
        const struct repro_node *node = layer->node;
        if (node->op != REPRO_OP_CONV)
            continue;
        const struct layer *src = &net->layers[node->src[0]];
        int length = snprintf(
            line, sizeof line,
            "node %d conv %dx%d/%d %d->%d at %dx%d, %s: forward %s, data %s, weights %s%s\n",
            (int)i, (int)node->kernel_h, (int)node->kernel_w, (int)node->stride_h,
            (int)src->node->channels, (int)node->channels, (int)src->node->height,
            (int)src->node->width, tensor_layout(&layer->tensor), layer->choice[0],
            layer->choice[1][0] == '\0' ? "-" : layer->choice[1],
            layer->choice[2][0] == '\0' ? "-" : layer->choice[2],
            layer->fused_add >= 0 ? ", adds" : "");
        if (length < 0 || used + length >= size)
            break;
        memcpy(text + used, line, (size_t)length);
        used += length;
    }
    text[used] = '\0';
    return 0;
}

/* Only convolutions are bound by the library. */
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err)
{
    double sum = 0.0;
    if (op != REPRO_OP_CONV)
        return fail(err, REPRO_UNSUPPORTED, "onednn measures convolutions alone, not operation %d",
                    (int)op);
    if (repeats < 1)
        return fail(err, REPRO_ARGUMENT, "%d repeats measure nothing", (int)repeats);
    team_bind(net->device->team);
    int32_t code = pack(net, err);
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        if (net->layers[i].node->op == op)
            code = conv_bare(net, &net->layers[i], repeats, &sum, err);
    net->rows = 0;
    if (code == 0)
        *seconds = sum;
    return code;
}
