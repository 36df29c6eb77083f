/* A compiled network's passes and arenas. */
#include "net.h"

#include "cpu/loss.h"
#include "cpu/team.h"

#include <math.h>
#include <string.h>

static void forward_layer(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    switch (layer->node->op) {
    case REPRO_OP_INPUT:
        input_forward(net, layer, rows);
        break;
    case REPRO_OP_CONV:
        conv_forward(net, layer, rows->count);
        break;
    case REPRO_OP_BATCH_NORM:
        norm_forward(net, layer, rows->count, rows->mode);
        break;
    case REPRO_OP_RELU:
        relu_forward(net, layer, rows->count);
        break;
    case REPRO_OP_ADD:
        add_forward(net, layer, rows->count);
        break;
    case REPRO_OP_CONCAT:
        concat_forward(net, layer, rows->count);
        break;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
        pool_forward(net, layer, rows->count);
        break;
    case REPRO_OP_DROPOUT:
        dropout_forward(net, layer, rows);
        break;
    case REPRO_OP_DENSE:
        dense_forward(net, layer, rows->count);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss_forward(&net->arenas, net->arenas.output, net->labels, rows->count,
                     plugin_smoothing(&net->graph, rows->mode), layer->dst);
        break;
    }
}

static void backward_layer(struct repro_net *net, struct layer *layer, double scale)
{
    switch (layer->node->op) {
    case REPRO_OP_CONV:
        conv_backward(net, layer, net->rows);
        break;
    case REPRO_OP_BATCH_NORM:
        norm_backward(net, layer, net->rows);
        break;
    case REPRO_OP_RELU:
        relu_backward(net, layer, net->rows);
        break;
    case REPRO_OP_ADD:
        add_backward(net, layer, net->rows);
        break;
    case REPRO_OP_CONCAT:
        concat_backward(net, layer, net->rows);
        break;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
        pool_backward(net, layer, net->rows);
        break;
    case REPRO_OP_DROPOUT:
        dropout_backward(net, layer, net->rows);
        break;
    case REPRO_OP_DENSE:
        dense_backward(net, layer, net->rows);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        if (net->layers[layer->node->src[0]].diff != NULL)
            loss_backward(net->arenas.output, net->labels, net->rows, net->arenas.classes,
                          plugin_smoothing(&net->graph, REPRO_MODE_TRAIN), scale,
                          net->layers[layer->node->src[0]].diff);
        break;
    default:
        break;
    }
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
    for (int32_t i = 0; i < net->count; i++) {
        double start = profile_start(&net->profile);
        forward_layer(net, &net->layers[i], &rows);
        profile_stop(&net->profile, start, &net->profile.sums.forward[net->layers[i].node->op]);
    }
    net->rows = rows.mode == REPRO_MODE_TRAIN ? rows.count : 0;
    net->arenas.output_rows = rows.count;
    return 0;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    if (net->rows == 0)
        return fail(err, REPRO_ARGUMENT, "backward needs a TRAIN forward before it");
    team_bind(net->device->team);
    for (int32_t i = net->count - 1; i >= 0; i--) {
        double start = profile_start(&net->profile);
        if (net->layers[i].use->live)
            backward_layer(net, &net->layers[i], scale);
        profile_stop(&net->profile, start, &net->profile.sums.backward[net->layers[i].node->op]);
    }
    net->rows = 0;
    return 0;
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
    (void)net;
    (void)err;
    return 0;
}

int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                  const float *values, struct repro_error *err)
{
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

/* Only convolutions are bound by the library. */
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err)
{
    double sum = 0.0;
    if (op != REPRO_OP_CONV)
        return fail(err, REPRO_UNSUPPORTED,
                    "openblas measures convolutions alone, not operation %d", (int)op);
    if (repeats < 1)
        return fail(err, REPRO_ARGUMENT, "%d repeats measure nothing", (int)repeats);
    team_bind(net->device->team);
    for (int32_t i = 0; i < net->count; i++) {
        double best[2] = {INFINITY, INFINITY};
        for (int32_t r = 0; net->layers[i].node->op == op && r < repeats; r++) {
            double start = cpu_seconds();
            conv_forward(net, &net->layers[i], net->graph.options.micro);
            double middle = cpu_seconds();
            if (net->layers[i].use->live)
                conv_backward(net, &net->layers[i], net->graph.options.micro);
            best[0] = fmin(best[0], middle - start);
            best[1] = fmin(best[1], cpu_seconds() - middle);
        }
        if (net->layers[i].node->op == op)
            sum += best[0] + best[1];
    }
    net->rows = 0;
    *seconds = sum;
    return 0;
}
