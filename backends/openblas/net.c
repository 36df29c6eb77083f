/* A compiled network's passes and arenas. */
#include "net.h"

#include "cpu/parallel.h"
#include "cpu/update.h"

#include <inttypes.h>
#include <string.h>

/* Work below this is done sooner than a second thread wakes. */
#define THREADED_FLOATS 100000

void net_parallel(const struct pass *pass, int64_t floats, int64_t count,
                  void (*body)(void *pass, int64_t i, int32_t thread))
{
    struct pass own = *pass;
    parallel_for(floats < THREADED_FLOATS ? 1 : pass->net->device->threads, count, body, &own);
}

static void forward_layer(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    switch (layer->node.op) {
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
    default:
        loss_forward(net, layer, rows->count);
        break;
    }
}

static void backward_layer(struct repro_net *net, struct layer *layer, double scale)
{
    switch (layer->node.op) {
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
        loss_backward(net, layer, net->rows, scale);
        break;
    default:
        break;
    }
}

static int has_dropout(const struct repro_net *net)
{
    for (int32_t i = 0; i < net->count; i++)
        if (net->layers[i].node.op == REPRO_OP_DROPOUT)
            return 1;
    return 0;
}

static int32_t check_rows(const struct repro_net *net, const struct repro_rows *rows, struct repro_error *err)
{
    if (rows->mode != REPRO_MODE_TRAIN && rows->mode != REPRO_MODE_EVAL)
        return fail(err, REPRO_UNSUPPORTED, "unknown mode %d", (int)rows->mode);
    if (rows->reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "the reserved field of rows is %u, not 0", (unsigned)rows->reserved);
    if (rows->count < 1 || rows->count > net->options.micro)
        return fail(err, REPRO_ARGUMENT, "%" PRId64 " rows; this network was compiled for 1 to %d", rows->count,
                    (int)net->options.micro);
    if (rows->mode == REPRO_MODE_TRAIN && rows->count % net->options.ghost != 0)
        return fail(err, REPRO_ARGUMENT, "%" PRId64 " rows are no whole number of ghosts of %d", rows->count,
                    (int)net->options.ghost);
    if (rows->pixels == NULL || rows->labels == NULL)
        return fail(err, REPRO_ARGUMENT, "rows need pixels and labels");
    if (rows->image == NULL && rows->mode == REPRO_MODE_TRAIN && has_dropout(net))
        return fail(err, REPRO_ARGUMENT, "a network with dropout needs the rows' image numbers");
    for (int64_t i = 0; i < rows->count; i++)
        if (rows->labels[i] < 0 || rows->labels[i] >= net->graph.classes)
            return fail(err, REPRO_ARGUMENT, "row %" PRId64 ": label %d lies outside 0..%d", i, (int)rows->labels[i],
                        (int)net->graph.classes - 1);
    return 0;
}

int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err)
{
    struct repro_rows rows;
    copy_sized(&rows, sizeof rows, given);
    int32_t code = check_rows(net, &rows, err);
    if (code != 0)
        return code;
    memcpy(net->labels, rows.labels, (size_t)rows.count * sizeof *net->labels);
    for (int32_t i = 0; i < net->count; i++)
        forward_layer(net, &net->layers[i], &rows);
    net->rows = rows.mode == REPRO_MODE_TRAIN ? rows.count : 0;
    net->output_rows = rows.count;
    return 0;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    if (net->rows == 0)
        return fail(err, REPRO_ARGUMENT, "backward needs a TRAIN forward before it");
    for (int32_t i = net->count - 1; i >= 0; i--)
        if (net->layers[i].live)
            backward_layer(net, &net->layers[i], scale);
    net->rows = 0;
    return 0;
}

int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    (void)err;
    memset(net->partial, 0, (size_t)(net->graph.param_count + net->graph.running_count) * sizeof *net->partial);
    net->loss = 0.0;
    net->correct = net->seen = 0;
    return 0;
}

int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err)
{
    struct repro_step step;
    copy_sized(&step, sizeof step, given);
    if (step.optimizer < REPRO_OPTIMIZER_SGD || step.optimizer > REPRO_OPTIMIZER_ADAM)
        return fail(err, REPRO_UNSUPPORTED, "unknown optimizer %d", (int)step.optimizer);
    if (step.update < 1 || step.ghosts < 1)
        return fail(err, REPRO_ARGUMENT, "a step needs an update number and ghosts of at least 1");
    update_params(&step, net->graph.param_count, net->partial, net->param, net->moment1, net->moment2,
                  net->device->threads);
    update_running(&step, net->graph.running_count, net->partial + net->graph.param_count, net->running);
    return 0;
}

int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err)
{
    struct repro_metrics own = {.loss = net->loss, .correct = net->correct, .rows = net->seen};
    (void)err;
    own.struct_size = metrics->struct_size;
    memcpy(metrics, &own, own.struct_size < sizeof own ? own.struct_size : sizeof own);
    return 0;
}

int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    return 0;
}

/* The arena and its length; NULL when there is no such arena. */
static float *arena_of(const struct repro_net *net, int32_t arena, int64_t *count)
{
    *count = net->graph.param_count;
    switch (arena) {
    case REPRO_ARENA_PARAM:
        return net->param;
    case REPRO_ARENA_PARTIAL:
        *count += net->graph.running_count;
        return net->partial;
    case REPRO_ARENA_MOMENT1:
        return net->moment1;
    case REPRO_ARENA_MOMENT2:
        return net->moment2;
    case REPRO_ARENA_RUNNING:
        *count = net->graph.running_count;
        return net->running;
    case REPRO_ARENA_OUTPUT:
        *count = net->output_rows * net->graph.classes;
        return net->layers[net->layers[net->count - 1].node.src[0]].dst;
    default:
        return NULL;
    }
}

static int32_t locate(const struct repro_net *net, int32_t arena, int64_t first, int64_t count, float **at,
                      struct repro_error *err)
{
    int64_t length;
    float *values = arena_of(net, arena, &length);
    if (values == NULL)
        return fail(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    if (first < 0 || count < 0 || first > length || count > length - first)
        return fail(err, REPRO_ARGUMENT, "%" PRId64 " floats from %" PRId64 " of arena %d, which has %" PRId64, count,
                    first, (int)arena, length);
    *at = values + first;
    return 0;
}

int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count, const float *values,
                  struct repro_error *err)
{
    float *at = NULL;
    if (arena == REPRO_ARENA_OUTPUT)
        return fail(err, REPRO_ARGUMENT, "OUTPUT cannot be written");
    int32_t code = locate(net, arena, first, count, &at, err);
    if (code == 0)
        memcpy(at, values, (size_t)count * sizeof *values);
    return code;
}

int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err)
{
    float *at = NULL;
    int32_t code = locate(net, arena, first, count, &at, err);
    if (code == 0)
        memcpy(values, at, (size_t)count * sizeof *values);
    return code;
}
