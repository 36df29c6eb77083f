/* Compiling a network: what follows from the graph on the host, then executions, then one
 * allocation and everyone's share of it. */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARE_ALIGN 256  /* bytes */
#define METRICS_ALIGN 16 /* bytes */

/* The next `bytes` of the allocation; *at counts on, also while base is NULL and only the sum is
 * wanted. */
static void *share(char *base, int64_t *at, int64_t bytes)
{
    void *begin = base == NULL ? NULL : base + *at;
    *at += (bytes + SHARE_ALIGN - 1) / SHARE_ALIGN * SHARE_ALIGN;
    return begin;
}

static void deal_layer(struct repro_net *net, struct net_layer *layer, char *base, int64_t *at)
{
    const struct lower_node *lowered = layer->lowered;
    const struct lower_buffer *buffers = net->lower.buffers;
    if (layer->node->op == REPRO_OP_BATCH_NORM) {
        int64_t units = net->graph.options.micro / net->graph.options.ghost * layer->node->channels;
        layer->norm.mean = share(base, at, units * 4);
        layer->norm.inverse = share(base, at, units * 4);
        layer->norm.variance = share(base, at, units * 4);
    }
    if (base == NULL)
        return;
    layer->dst = lowered->dst == LOWER_NONE ? NULL
                                            : net->activations + buffers[lowered->dst].offset;
    layer->diff = lowered->diff == LOWER_NONE ? NULL
                                              : net->activations + buffers[lowered->diff].offset;
    if (lowered->winner != LOWER_NONE)
        layer->winner = (uint16_t *)(net->activations + buffers[lowered->winner].offset);
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
    net->metrics_at = (params + running * 4 + METRICS_ALIGN - 1) / METRICS_ALIGN * METRICS_ALIGN;
    net->partial = share(base, &at, net->metrics_at + (int64_t)sizeof *net->metrics);
    net->metrics = base == NULL ? NULL
                                : (struct kernel_metrics *)((char *)net->partial + net->metrics_at);
    net->moment1 = share(base, &at, params);
    net->moment2 = share(base, &at, params);
    net->running = share(base, &at, running * 4);
    net->weights = net->type == KERNEL_BF16 ? share(base, &at, net->layout.conv_count * type)
                                            : net->param;
    net->grads = share(base, &at, net->layout.conv_count * type);
    net->canonical = share(base, &at, graph->param_count * 4);
    net->logits = share(base, &at, micro * graph->classes * 4);
    net->map = share(base, &at, graph->param_count * 4);
    net->pixels = share(base, &at, micro * graph->channels * graph->height * graph->width);
    net->given_labels = share(base, &at, micro * 4);
    net->labels = share(base, &at, micro * 4);
    net->slots = share(base, &at, net->graph.options.slots * (params + running * 4));
    net->slot_metrics = share(base, &at,
                              net->graph.options.slots * (int64_t)sizeof *net->slot_metrics);
    net->queue.block = share(base, &at, QUEUE_CALLS * net->queue.chunk);
    net->workspace = share(base, &at, net->workspace_bytes);
    net->side_workspace = share(base, &at, net->side_workspace_bytes);
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
                    "out of device memory: a micro of %d rows needs %.2f GiB, %.2f of %s's %.2f "
                    "GiB are free; choose "
                    "--precision bf16 or a smaller micro, or free the GPU of other work",
                    (int)net->graph.options.micro, (double)net->bytes / (1 << 30),
                    (double)available / (1 << 30), net->device->name, (double)total / (1 << 30));
    int32_t code = driver_check(status, "the network's memory", err);
    if (code != 0)
        return code;
    net->device->held += net->bytes;
    deal(net, net->memory);
    code = driver_check(cudaMemsetAsync(net->memory, 0, (size_t)net->bytes, net->device->stream),
                        "clearing memory", err);
    if (code == 0)
        code = driver_check(cudaMemcpyAsync(net->map, net->layout.map,
                                            (size_t)net->layout.param_count * 4,
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
        int32_t code = driver_check(cudaMallocHost((void **)&stage->pixels, micro * image),
                                    "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaMallocHost((void **)&stage->labels, micro * 4),
                                "pinned host memory", err);
        if (code == 0)
            code = driver_check(cudaEventCreateWithFlags(&stage->copied, cudaEventDisableTiming),
                                "an event", err);
        if (code != 0)
            return code;
    }
    return 0;
}

static int32_t prepare_layer(struct repro_net *net, int32_t i, struct repro_error *err)
{
    struct net_layer *layer = &net->layers[i];
    layer->node = &net->graph.nodes[i];
    layer->use = &net->graph.use[i];
    layer->lowered = &net->lower.nodes[i];
    layer->type = layer->lowered->single ? KERNEL_F32 : net->type;
    layer->elements = i == 0 ? layer->use->plane * net->input_channels : layer->use->size;
    net->numbered |= layer->node->op == REPRO_OP_DROPOUT;
    if (layer->node->op == REPRO_OP_MAX_POOL &&
        (int64_t)layer->node->kernel_h * layer->node->kernel_w > UINT16_MAX)
        return fail(err, REPRO_UNSUPPORTED,
                    "node %d (max_pool): a window of %dx%d is larger than cudnn's 65535 taps",
                    (int)i, (int)layer->node->kernel_h, (int)layer->node->kernel_w);
    int32_t code = 0;
    for (int32_t k = 0; k < net->size_count && code == 0; k++) {
        size_measure(net, &net->sizes[k], layer);
        if (layer->node->op == REPRO_OP_CONV)
            code = size_choose(net, &net->sizes[k], layer, err);
    }
    return code;
}

/* The part that needs no memory of the device. */
static int32_t prepare(struct repro_net *net, struct repro_error *err)
{
    int64_t micro = net->graph.options.micro;
    net->input_channels = lower_input_channels(&net->graph, kernel_bytes(net->type));
    int32_t code = layout_init(&net->layout, &net->graph, net->input_channels, err);
    if (code == 0)
        code = lower_init(&net->lower, &net->graph, kernel_bytes(net->type), err);
    if (code == 0)
        code = sizes_init(net, err);
    net->layers = plugin_allocate(net->count, sizeof *net->layers);
    net->last.image = plugin_allocate(micro, sizeof *net->last.image);
    net->slot_rows = plugin_allocate(net->graph.options.slots + 1, sizeof *net->slot_rows);
    if (code == 0 && (net->layers == NULL || net->last.image == NULL || net->slot_rows == NULL))
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        code = prepare_layer(net, i, err);
    queue_measure(&net->queue, micro, net->numbered);
    net->graph.options.counts = NULL; /* borrowed until here */
    return code;
}

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err)
{
    struct repro_net *net = plugin_allocate(1, sizeof *net);
    if (net == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    net->device = device;
    int32_t code = plugin_graph_init(&net->graph, graph, options, err);
    if (code == 0 && (net->graph.options.precision < REPRO_PRECISION_F32 ||
                      net->graph.options.precision > REPRO_PRECISION_BF16))
        code = fail(err, REPRO_UNSUPPORTED,
                    "cudnn computes in f32, tf32 and bf16, not in precision %d",
                    (int)net->graph.options.precision);
    net->type = net->graph.options.precision == REPRO_PRECISION_BF16 ? KERNEL_BF16 : KERNEL_F32;
    net->count = net->graph.count;
    net->graph.keeps_data = 1;
    if (code == 0)
        code = device_enter(device, err);
    if (code == 0)
        code = prepare(net, err);
    if (code == 0)
        code = allocate(net, err);
    if (code == 0)
        code = make_stages(net, err);
    if (code == 0)
        code = timer_init(&net->timer, device->stream, 2 * net->count + 8, err);
    if (code == 0)
        code = queue_init(&net->queue, err);
    if (code == 0)
        code = history_init(&net->history, err);
    if (code == 0)
        code = fork_init(&net->fork, device->handle, device->stream, err);
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        for (int32_t k = 0;
             code == 0 && net->layers[i].node->op == REPRO_OP_CONV && k < net->size_count; k++)
            code = size_bind(net, &net->sizes[k], &net->layers[i], err);
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
    queue_release(&net->queue);
    history_release(&net->history);
    fork_release(&net->fork);
    sizes_release(net);
    for (int k = 0; k < NET_STAGES; k++) {
        cudaFreeHost(net->stages[k].pixels);
        cudaFreeHost(net->stages[k].labels);
        if (net->stages[k].copied != NULL)
            cudaEventDestroy(net->stages[k].copied);
    }
    timer_release(&net->timer);
    marks_release(&net->marks);
    if (net->memory != NULL)
        net->device->held -= net->bytes;
    cudaFree(net->memory);
    free(net->layers);
    free(net->last.image);
    free(net->slot_rows);
    lower_release(&net->lower);
    layout_release(&net->layout);
    plugin_graph_release(&net->graph);
    free(net);
}
