/* Compiling a network: what follows from the graph on the host, then plans, then one allocation and everyone's share of
 * it. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_ALIGN 256 /* bytes */

static struct launch_columns norm_shape(const struct repro_net *net, const struct net_layer *layer)
{
    int64_t ghost = net->graph.options.ghost;
    return launch_columns(layer->node->channels, ghost * layer->use->plane, net->graph.options.micro / ghost,
                          kernel_bytes(layer->type));
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What column sums need for scratch: of a batch norm by ghosts, of a bias over the whole micro, of an evaluation
 * likewise. */
static void measure_columns(struct repro_net *net, const struct net_layer *layer)
{
    struct launch_columns by_ghost = norm_shape(net, layer);
    struct launch_columns whole = launch_columns(layer->node->channels, net->graph.options.micro * layer->use->plane, 1,
                                                 kernel_bytes(layer->type));
    const struct launch_columns *both[] = {&by_ghost, &whole};
    for (int k = 0; k < 2; k++) {
        net->scratch_count = larger(net->scratch_count, launch_scratch(both[k]));
        net->unit_count = larger(net->unit_count, both[k]->ghosts * 2 * both[k]->channels);
        net->ticket_count = larger(net->ticket_count, (both[k]->ghosts + 1) * both[k]->tiles);
    }
}

static struct dnn_conv conv_of(const struct repro_net *net, const struct net_layer *layer)
{
    const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
    return (struct dnn_conv){.bf16 = net->type == KERNEL_BF16,
                             .tensor_cores = net->graph.options.precision == REPRO_PRECISION_TF32,
                             .rows = net->graph.options.micro,
                             .channels = src->channels,
                             .height = src->height,
                             .width = src->width,
                             .dst_channels = node->channels,
                             .dst_height = node->height,
                             .dst_width = node->width,
                             .kernel_h = node->kernel_h,
                             .kernel_w = node->kernel_w,
                             .stride_h = node->stride_h,
                             .stride_w = node->stride_w,
                             .pad_top = node->pad_top,
                             .pad_left = node->pad_left};
}

/* An earlier layer's plan for the same shape, direction and way of writing; NULL when this is the first. */
static const struct dnn_plan *same_plan(const struct repro_net *net, const struct net_layer *layer, int direction)
{
    struct dnn_conv conv = conv_of(net, layer);
    for (const struct net_layer *other = net->layers; other < layer; other++) {
        if (other->plans[direction].plan == NULL ||
            (direction == DNN_DATA && other->use->diff_first[0] != layer->use->diff_first[0]))
            continue;
        struct dnn_conv theirs = conv_of(net, other);
        if (memcmp(&conv, &theirs, sizeof conv) == 0)
            return &other->plans[direction];
    }
    return NULL;
}

static int32_t choose_plans(struct repro_net *net, struct net_layer *layer, struct repro_error *err)
{
    struct dnn_target target = {.handle = net->device->handle, .nondeterministic = net->device->nondeterministic};
    struct dnn_conv conv = conv_of(net, layer);
    int wants_data = net->layers[layer->node->src[0]].use->needs_diff;
    for (int k = 0; k < DNN_DIRECTIONS; k++) {
        if (k == DNN_DATA && !wants_data)
            continue;
        const struct dnn_plan *same = same_plan(net, layer, k);
        int32_t code = 0;
        if (same != NULL)
            dnn_plan_borrow(&layer->plans[k], same);
        else
            code = dnn_plan_init(&layer->plans[k], &target, &conv, (enum dnn_direction)k,
                                 k == DNN_DATA && !layer->use->diff_first[0], err);
        if (code != 0)
            return code;
        net->workspace_bytes = larger(net->workspace_bytes, layer->plans[k].workspace);
    }
    return 0;
}

/* The next `bytes` of the allocation; *at counts on, also while base is NULL and only the sum is wanted. */
static void *share(char *base, int64_t *at, int64_t bytes)
{
    void *begin = base == NULL ? NULL : base + *at;
    *at += (bytes + SHARE_ALIGN - 1) / SHARE_ALIGN * SHARE_ALIGN;
    return begin;
}

static void deal_layer(struct repro_net *net, struct net_layer *layer, char *base, int64_t *at)
{
    const struct lower_node *plan = layer->plan;
    const struct lower_buffer *buffers = net->lower.buffers;
    if (layer->node->op == REPRO_OP_BATCH_NORM) {
        int64_t units = net->graph.options.micro / net->graph.options.ghost * layer->node->channels;
        layer->norm.mean = share(base, at, units * 4);
        layer->norm.inverse = share(base, at, units * 4);
        layer->norm.variance = share(base, at, units * 4);
    }
    if (base == NULL)
        return;
    layer->dst = plan->dst == LOWER_NONE ? NULL : net->activations + buffers[plan->dst].offset;
    layer->diff = plan->diff == LOWER_NONE ? NULL : net->activations + buffers[plan->diff].offset;
    if (plan->winner != LOWER_NONE)
        layer->winner = (uint16_t *)(net->activations + buffers[plan->winner].offset);
}

/* Everyone's share; returns the sum of bytes. */
static int64_t deal(struct repro_net *net, char *base)
{
    const struct repro_graph *graph = &net->graph.graph;
    int64_t at = 0, micro = net->graph.options.micro, params = net->layout.device_count * 4,
            running = graph->running_count;
    int64_t type = kernel_bytes(net->type);
    net->activations = share(base, &at, net->lower.bytes);
    net->param = share(base, &at, params);
    net->partial = share(base, &at, params + running * 4);
    net->moment1 = share(base, &at, params);
    net->moment2 = share(base, &at, params);
    net->running = share(base, &at, running * 4);
    net->weights = net->type == KERNEL_BF16 ? share(base, &at, net->layout.conv_count * type) : net->param;
    net->grads = share(base, &at, net->layout.conv_count * type);
    net->canonical = share(base, &at, graph->param_count * 4);
    net->logits = share(base, &at, micro * graph->classes * 4);
    net->map = share(base, &at, graph->param_count * 4);
    net->metrics = share(base, &at, (int64_t)sizeof *net->metrics);
    net->pixels = share(base, &at, micro * graph->channels * graph->height * graph->width);
    net->labels = share(base, &at, micro * 4);
    net->image = share(base, &at, micro * 8);
    net->workspace = share(base, &at, net->workspace_bytes);
    net->scratch = share(base, &at, net->scratch_count * 4);
    net->slopes = share(base, &at, net->unit_count * 4);
    net->sums = share(base, &at, net->unit_count * 8);
    net->tickets = share(base, &at, net->ticket_count * 4);
    for (int32_t i = 0; i < net->count; i++)
        deal_layer(net, &net->layers[i], base, &at);
    return at;
}

static int32_t allocate(struct repro_net *net, struct repro_error *err)
{
    size_t available = 0, total = 0;
    net->bytes = deal(net, NULL);
    cudaError_t status = cudaMalloc(&net->memory, (size_t)net->bytes);
    if (status == cudaErrorMemoryAllocation && cudaMemGetInfo(&available, &total) == cudaSuccess)
        return fail(err, REPRO_MEMORY,
                    "out of device memory: a micro of %d rows needs %.2f GiB, %.2f of %s's %.2f GiB are free; choose "
                    "--precision bf16 or a smaller micro, or free the GPU of other work",
                    (int)net->graph.options.micro, (double)net->bytes / (1 << 30), (double)available / (1 << 30),
                    net->device->name, (double)total / (1 << 30));
    int32_t code = driver_check(status, "the network's memory", err);
    if (code != 0)
        return code;
    deal(net, net->memory);
    code = driver_check(cudaMemsetAsync(net->memory, 0, (size_t)net->bytes, net->device->stream), "clearing memory",
                        err);
    if (code == 0)
        code = driver_check(cudaMemcpyAsync(net->map, net->layout.map, (size_t)net->layout.param_count * 4,
                                            cudaMemcpyHostToDevice, net->device->stream),
                            "the parameters' places", err);
    return code;
}

static int32_t make_stages(struct repro_net *net, struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    size_t micro = (size_t)net->graph.options.micro;
    size_t image = (size_t)graph->channels * (size_t)graph->height * (size_t)graph->width;
    for (int k = 0; k < NET_STAGES; k++) {
        struct net_stage *stage = &net->stages[k];
        int32_t code = driver_check(cudaMallocHost((void **)&stage->pixels, micro * image), "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaMallocHost((void **)&stage->labels, micro * 4), "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaMallocHost((void **)&stage->image, micro * 8), "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaEventCreateWithFlags(&stage->copied, cudaEventDisableTiming), "an event", err);
        if (code != 0)
            return code;
    }
    return 0;
}

static int32_t bind_plans(struct repro_net *net, struct net_layer *layer, struct repro_error *err)
{
    struct net_layer *src = &net->layers[layer->node->src[0]];
    int64_t type = kernel_bytes(net->type), at = net->layout.places[layer - net->layers].weights * type;
    char *weights = (char *)net->weights + at, *grads = (char *)net->grads + at;
    int32_t code = dnn_plan_bind(&layer->plans[DNN_FORWARD], src->dst, weights, layer->dst, net->workspace, err);
    if (code == 0)
        code = dnn_plan_bind(&layer->plans[DNN_WEIGHTS], src->dst, grads, layer->diff, net->workspace, err);
    if (code == 0 && src->use->needs_diff)
        code = dnn_plan_bind(&layer->plans[DNN_DATA], src->diff, weights, layer->diff, net->workspace, err);
    return code;
}

/* The part that needs no memory of the device. */
static int32_t prepare(struct repro_net *net, struct repro_error *err)
{
    int32_t code = layout_init(&net->layout, &net->graph, err);
    if (code == 0)
        code = lower_init(&net->lower, &net->graph, kernel_bytes(net->type), err);
    if (code == 0 && (net->layers = plugin_allocate(net->count, sizeof *net->layers)) == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    for (int32_t i = 0; code == 0 && i < net->count; i++) {
        struct net_layer *layer = &net->layers[i];
        layer->node = &net->graph.nodes[i];
        layer->use = &net->graph.use[i];
        layer->plan = &net->lower.nodes[i];
        layer->type = layer->plan->single ? KERNEL_F32 : net->type;
        measure_columns(net, layer);
        if (layer->node->op == REPRO_OP_CONV)
            code = choose_plans(net, layer, err);
        if (layer->node->op == REPRO_OP_MAX_POOL && (int64_t)layer->node->kernel_h * layer->node->kernel_w > UINT16_MAX)
            code = fail(err, REPRO_UNSUPPORTED,
                        "node %d (max_pool): a window of %dx%d is larger than cudnn's 65535 taps", (int)i,
                        (int)layer->node->kernel_h, (int)layer->node->kernel_w);
    }
    return code;
}

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out, struct repro_error *err)
{
    struct repro_net *net = plugin_allocate(1, sizeof *net);
    if (net == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    net->device = device;
    int32_t code = plugin_graph_init(&net->graph, graph, options, err);
    if (code == 0 &&
        (net->graph.options.precision < REPRO_PRECISION_F32 || net->graph.options.precision > REPRO_PRECISION_BF16))
        code = fail(err, REPRO_UNSUPPORTED, "cudnn computes in f32, tf32 and bf16, not in precision %d",
                    (int)net->graph.options.precision);
    net->type = net->graph.options.precision == REPRO_PRECISION_BF16 ? KERNEL_BF16 : KERNEL_F32;
    net->count = net->graph.count;
    if (code == 0)
        code = device_enter(device, err);
    if (code == 0)
        code = prepare(net, err);
    if (code == 0)
        code = allocate(net, err);
    if (code == 0)
        code = make_stages(net, err);
    if (code == 0)
        code = timer_init(&net->timer, 2 * net->count + 8, err);
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        if (net->layers[i].node->op == REPRO_OP_CONV)
            code = bind_plans(net, &net->layers[i], err);
    if (code == 0)
        code = net_sync(net, err);
    if (code != 0) {
        net_free(net);
        return code;
    }
    *out = net;
    return 0;
}

void net_free(struct repro_net *net)
{
    if (net == NULL)
        return;
    if (net->memory != NULL)
        cudaStreamSynchronize(net->device->stream);
    for (int32_t i = 0; net->layers != NULL && i < net->count; i++)
        for (int k = 0; k < DNN_DIRECTIONS; k++)
            dnn_plan_release(&net->layers[i].plans[k]);
    for (int k = 0; k < NET_STAGES; k++) {
        cudaFreeHost(net->stages[k].pixels);
        cudaFreeHost(net->stages[k].labels);
        cudaFreeHost(net->stages[k].image);
        if (net->stages[k].copied != NULL)
            cudaEventDestroy(net->stages[k].copied);
    }
    timer_release(&net->timer);
    cudaFree(net->memory);
    free(net->layers);
    lower_release(&net->lower);
    layout_release(&net->layout);
    plugin_graph_release(&net->graph);
    free(net);
}
