/* The table's functions on a compiled network. */
#include "net.h"

#include "account.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Arenas ---- */

/* An arena's place on the device; mapped: it is kept in the device's order and goes through `canonical`. */
struct arena {
    float *values;
    int64_t count;
    int mapped;
};

static int32_t find_arena(const struct repro_net *net, int32_t arena, struct arena *out, struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    float *const mapped[] = {[REPRO_ARENA_PARAM] = net->param,
                             [REPRO_ARENA_PARTIAL] = net->partial,
                             [REPRO_ARENA_MOMENT1] = net->moment1,
                             [REPRO_ARENA_MOMENT2] = net->moment2};
    if (arena >= REPRO_ARENA_PARAM && arena <= REPRO_ARENA_MOMENT2)
        *out = (struct arena){mapped[arena], graph->param_count, 1};
    else if (arena == REPRO_ARENA_RUNNING)
        *out = (struct arena){net->running, graph->running_count, 0};
    else if (arena == REPRO_ARENA_OUTPUT)
        *out = (struct arena){net->logits, net->rows * graph->classes, 0};
    else
        return fail(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    return 0;
}

static int32_t check_range(const char *verb, int32_t arena, int64_t first, int64_t count, int64_t size,
                           struct repro_error *err)
{
    if (first >= 0 && count >= 0 && first <= size && count <= size - first)
        return 0;
    return fail(err, REPRO_ARGUMENT, "%s arena %d: %" PRId64 " floats from %" PRId64 " on lie outside its %" PRId64,
                verb, (int)arena, count, first, size);
}

static int32_t copy(const struct repro_net *net, void *to, const void *from, int64_t floats, enum cudaMemcpyKind kind,
                    struct repro_error *err)
{
    if (floats == 0)
        return 0;
    return driver_check(cudaMemcpyAsync(to, from, (size_t)floats * 4, kind, net->device->stream), "copying an arena",
                        err);
}

/* The part of a range that is mapped, then the rest: PARTIAL's batch-norm sums lie behind its mapped gradients. */
struct range {
    int64_t first, count; /* of the mapped part */
    int64_t rest_first, rest_count;
};

static struct range split(const struct repro_net *net, const struct arena *arena, int64_t first, int64_t count)
{
    int64_t mapped = arena->mapped ? net->graph.graph.param_count : 0, end = first + count;
    struct range range = {first < mapped ? first : mapped, 0, first > mapped ? first - mapped : 0, 0};
    range.count = (end < mapped ? end : mapped) - range.first;
    range.rest_count = (end > mapped ? end - mapped : 0) - range.rest_first;
    return range;
}

static int64_t arena_size(const struct repro_net *net, int32_t arena, const struct arena *found)
{
    return found->count + (arena == REPRO_ARENA_PARTIAL ? net->graph.graph.running_count : 0);
}

/* Where what is not mapped begins. */
static float *unmapped(const struct repro_net *net, const struct arena *arena)
{
    return arena->values + (arena->mapped ? net->layout.device_count : 0);
}

int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count, const float *values,
                  struct repro_error *err)
{
    struct arena to;
    cudaStream_t stream = net->device->stream;
    int64_t params = net->graph.graph.param_count;
    int32_t code = find_arena(net, arena, &to, err);
    if (code == 0 && arena == REPRO_ARENA_OUTPUT)
        code = fail(err, REPRO_ARGUMENT, "OUTPUT can be read only");
    if (code == 0)
        code = check_range("writing", arena, first, count, arena_size(net, arena, &to), err);
    if (code == 0)
        code = device_enter(net->device, err);
    if (code != 0 || count == 0)
        return code;
    struct range range = split(net, &to, first, count);
    if (range.count > 0) {
        code = driver_check(kernel_gather(params, net->map, to.values, net->canonical, stream), "reading an arena",
                            err);
        if (code == 0)
            code = copy(net, net->canonical + range.first, values, range.count, cudaMemcpyHostToDevice, err);
        if (code == 0)
            code = driver_check(kernel_scatter(params, net->map, net->canonical, to.values, stream), "writing an arena",
                                err);
        if (code == 0 && arena == REPRO_ARENA_PARAM && net->type == KERNEL_BF16)
            code = driver_check(kernel_to_bf16(net->layout.conv_count, net->param, net->weights, stream),
                                "rounding weights", err);
    }
    if (code == 0)
        code = copy(net, unmapped(net, &to) + range.rest_first, values + range.count, range.rest_count,
                    cudaMemcpyHostToDevice, err);
    return code == 0 ? net_sync(net, err) : code;
}

int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err)
{
    struct arena from;
    const struct net_layer *logits = &net->layers[net->layers[net->count - 1].node->src[0]];
    cudaStream_t stream = net->device->stream;
    int32_t code = find_arena(net, arena, &from, err);
    if (code == 0)
        code = check_range("reading", arena, first, count, arena_size(net, arena, &from), err);
    if (code == 0)
        code = device_enter(net->device, err);
    if (code != 0 || count == 0)
        return code;
    struct range range = split(net, &from, first, count);
    if (arena == REPRO_ARENA_OUTPUT)
        code = driver_check(kernel_to_float(logits->type, from.count, logits->dst, net->logits, stream),
                            "reading logits", err);
    if (code == 0 && range.count > 0) {
        code = driver_check(kernel_gather(net->graph.graph.param_count, net->map, from.values, net->canonical, stream),
                            "reading an arena", err);
        if (code == 0)
            code = copy(net, values, net->canonical + range.first, range.count, cudaMemcpyDeviceToHost, err);
    }
    if (code == 0)
        code = copy(net, values + range.count, unmapped(net, &from) + range.rest_first, range.rest_count,
                    cudaMemcpyDeviceToHost, err);
    return code == 0 ? net_sync(net, err) : code;
}

/* ---- A step ---- */

int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    cudaStream_t stream = net->device->stream;
    size_t partial = (size_t)(net->layout.device_count + net->graph.graph.running_count) * 4;
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = driver_check(cudaMemsetAsync(net->partial, 0, partial, stream), "clearing gradients", err);
    if (code == 0)
        code = driver_check(cudaMemsetAsync(net->metrics, 0, sizeof *net->metrics, stream), "clearing metrics", err);
    if (code == 0)
        net->counted_rows = 0;
    return code;
}

static int32_t upload(const struct repro_net *net, void *to, const void *from, size_t bytes, struct repro_error *err)
{
    return driver_check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, net->device->stream), "copying rows",
                        err);
}

/* The caller's rows go through pinned memory, so that the copy runs while the caller goes on. */
static int32_t send_rows(struct repro_net *net, const struct repro_rows *rows, struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    struct net_stage *stage = &net->stages[net->stage];
    size_t count = (size_t)rows->count;
    size_t bytes = count * (size_t)graph->channels * (size_t)graph->height * (size_t)graph->width;
    int32_t code = driver_check(cudaEventSynchronize(stage->copied), "waiting for rows", err);
    if (code != 0)
        return code;
    memcpy(stage->pixels, rows->pixels, bytes);
    memcpy(stage->labels, rows->labels, count * sizeof *stage->labels);
    code = upload(net, net->pixels, stage->pixels, bytes, err);
    if (code == 0)
        code = upload(net, net->labels, stage->labels, count * sizeof *stage->labels, err);
    if (code == 0 && rows->image != NULL) {
        memcpy(stage->image, rows->image, count * sizeof *stage->image);
        code = upload(net, net->image, stage->image, count * sizeof *stage->image, err);
    }
    if (code == 0)
        code = driver_check(cudaEventRecord(stage->copied, net->device->stream), "copying rows", err);
    net->stage = (net->stage + 1) % NET_STAGES;
    return code;
}

int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err)
{
    struct repro_rows rows;
    copy_sized(&rows, sizeof rows, given);
    int32_t code = plugin_check_rows(&net->graph, &rows, err);
    if (code == 0)
        code = device_enter(net->device, err);
    if (code == 0)
        code = send_rows(net, &rows, err);
    if (code != 0)
        return code;
    net->can_backward = 0;
    net->rows = rows.count;
    net->seed = rows.seed;
    net->epoch = rows.epoch;
    for (int32_t i = 0; i < net->count && code == 0; i++)
        code = layer_forward(net, &net->layers[i], rows.mode, err);
    if (code == 0) {
        net->counted_rows += rows.count;
        net->can_backward = rows.mode == REPRO_MODE_TRAIN;
    }
    return code;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    if (!net->can_backward)
        return fail(err, REPRO_ARGUMENT, "backward needs a TRAIN forward before it");
    net->can_backward = 0;
    int32_t code = device_enter(net->device, err);
    for (int32_t i = net->count - 1; i >= 0 && code == 0; i--)
        code = layer_backward(net, &net->layers[i], scale, err);
    if (code == 0)
        code = timer_start(net, &net->timer.totals.reorder, err);
    timer_bytes(net, &net->timer.totals.reorder_bytes, account_accumulate(net->layout.conv_count, net->type));
    if (code == 0)
        code = driver_check(
            kernel_accumulate(net->type, net->layout.conv_count, net->grads, net->partial, net->device->stream),
            "adding gradients", err);
    return code == 0 ? timer_stop(net, err) : code;
}

int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err)
{
    struct repro_step step;
    copy_sized(&step, sizeof step, given);
    if (step.optimizer < REPRO_OPTIMIZER_SGD || step.optimizer > REPRO_OPTIMIZER_ADAM)
        return fail(err, REPRO_UNSUPPORTED, "unknown optimizer %d", (int)step.optimizer);
    if (step.ghosts < 1 || step.update < 1)
        return fail(err, REPRO_ARGUMENT, "an update has a number and ghosts, both from 1 on");
    double lr = step.lr, t = (double)step.update;
    if (step.optimizer == REPRO_OPTIMIZER_ADAM)
        lr = step.lr * sqrt(1.0 - pow(step.beta2, t)) / (1.0 - pow(step.beta1, t));
    struct kernel_update work = {.optimizer = step.optimizer,
                                 .lr = (float)lr,
                                 .momentum = (float)step.momentum,
                                 .decay = (float)step.weight_decay,
                                 .beta1 = (float)step.beta1,
                                 .beta2 = (float)step.beta2,
                                 .rest1 = (float)(1.0 - step.beta1),
                                 .rest2 = (float)(1.0 - step.beta2),
                                 .epsilon = (float)step.epsilon,
                                 .count = net->layout.device_count,
                                 .grad = net->partial,
                                 .param = net->param,
                                 .moment1 = net->moment1,
                                 .moment2 = net->moment2,
                                 .copy_count = net->type == KERNEL_BF16 ? net->layout.conv_count : 0,
                                 .copy = net->weights,
                                 .running_count = net->graph.graph.running_count,
                                 .keep = (float)step.keep,
                                 .rest = (float)((1.0 - step.keep) / (double)step.ghosts),
                                 .sums = net->partial + net->layout.device_count,
                                 .running = net->running};
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = timer_start(net, &net->timer.totals.update, err);
    timer_bytes(net, &net->timer.totals.update_bytes, account_update(&work));
    if (code == 0)
        code = driver_check(kernel_update(&work, net->device->stream), "the optimizer's step", err);
    return code == 0 ? timer_stop(net, err) : code;
}

int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err)
{
    struct kernel_metrics sums;
    int32_t code = device_enter(net->device, err);
    if (code == 0)
        code = driver_check(
            cudaMemcpyAsync(&sums, net->metrics, sizeof sums, cudaMemcpyDeviceToHost, net->device->stream),
            "reading metrics", err);
    if (code == 0)
        code = net_sync(net, err);
    if (code != 0)
        return code;
    struct repro_metrics own = {.loss = sums.loss, .correct = sums.correct, .rows = net->counted_rows};
    fill_sized(metrics, &own, sizeof own);
    return 0;
}

int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    int32_t code = device_enter(net->device, err);
    return code == 0 ? driver_check(cudaStreamSynchronize(net->device->stream), "waiting for the GPU", err) : code;
}

/* ---- 1.1 ---- */

static void plan_name(const struct dnn_plan *plan, char *text, size_t size)
{
    if (plan->plan == NULL)
        snprintf(text, size, "none");
    else
        snprintf(text, size, "engine %" PRId64 "%s, %.1f MiB", plan->engine,
                 plan->notes >> CUDNN_NUMERICAL_NOTE_TENSOR_CORE & 1 ? " tensor cores" : "",
                 (double)plan->workspace / (1 << 20));
}

int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err)
{
    int64_t used = 0;
    if (size < 1)
        return fail(err, REPRO_ARGUMENT, "a description of %" PRId64 " bytes has no room for its end", size);
    text[0] = '\0';
    for (int32_t i = 0; i < net->count; i++) {
        const struct net_layer *layer = &net->layers[i];
        const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
        char names[DNN_DIRECTIONS][64], line[384];
        if (node->op != REPRO_OP_CONV)
            continue;
        for (int k = 0; k < DNN_DIRECTIONS; k++)
            plan_name(&layer->plans[k], names[k], sizeof names[k]);
        int length = snprintf(
            line, sizeof line, "node %d conv %dx%d/%d %d -> %d at %dx%d: forward %s; data %s; weights %s\n", (int)i,
            (int)node->kernel_h, (int)node->kernel_w, (int)node->stride_h, (int)src->channels, (int)node->channels,
            (int)node->height, (int)node->width, names[DNN_FORWARD], names[DNN_DATA], names[DNN_WEIGHTS]);
        if (length >= (int)sizeof line || used + length >= size)
            break;
        memcpy(text + used, line, (size_t)length + 1);
        used += length;
    }
    return 0;
}

int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err)
{
    int32_t code = timer_collect(net, err);
    if (code != 0)
        return code;
    fill_sized(profile, &net->timer.totals, sizeof net->timer.totals);
    memset(&net->timer.totals, 0, sizeof net->timer.totals);
    net->timer.on = 1;
    return 0;
}

int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds, struct repro_error *err)
{
    double sum = 0.0;
    if (op != REPRO_OP_CONV)
        return fail(err, REPRO_UNSUPPORTED, "cudnn knows the limit of convolutions only, not of operation %d", (int)op);
    if (repeats < 1)
        return fail(err, REPRO_ARGUMENT, "the best of %d repeats is none", (int)repeats);
    net->can_backward = 0; /* the activations are overwritten */
    int32_t code = device_enter(net->device, err);
    for (int32_t i = 0; i < net->count && code == 0; i++)
        if (net->layers[i].node->op == REPRO_OP_CONV)
            code = layer_bare(net, &net->layers[i], repeats, &sum, err);
    if (code == 0)
        *seconds = sum;
    return code;
}
