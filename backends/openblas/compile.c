/* Compiling a network: the graph is copied and checked, buffers are shared where a pass would only copy, and everything a step needs is
 * allocated. */
#include "net.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[REPRO_OP_COUNT + 1] = {
    "?", "input", "conv", "batch_norm", "relu", "add", "concat", "max_pool", "avg_pool", "global_avg_pool", "dropout",
    "dense", "softmax_cross_entropy",
};

/* count * size zeroed bytes; NULL when they overflow or are not to be had. */
static void *allocate(int64_t count, size_t size)
{
    size_t bytes;
    if (count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes) || bytes > SIZE_MAX - NET_ALIGN)
        return NULL;
    bytes = (bytes / NET_ALIGN + 1) * NET_ALIGN;
    void *memory = aligned_alloc(NET_ALIGN, bytes);
    return memory == NULL ? NULL : memset(memory, 0, bytes);
}

static int has_params(const struct repro_node *node)
{
    return node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE || node->op == REPRO_OP_BATCH_NORM;
}

/* Whether a * b * c is beyond sgemm's int, and so beyond what this plugin indexes. */
static int is_huge(int64_t a, int64_t b, int64_t c)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) || __builtin_mul_overflow(product, c, &product) ||
           product > INT32_MAX;
}

/* A window that moves, over columns that fit; the sources are checked before. */
static int has_window(const struct repro_net *net, const struct repro_node *node)
{
    const struct repro_node *src = &net->layers[node->src[0]].node;
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride_h < 1 || node->stride_w < 1 || node->pad_top < 0 ||
        node->pad_left < 0 || node->pad_bottom < 0 || node->pad_right < 0)
        return 0;
    return node->op != REPRO_OP_CONV ||
           (!is_huge(src->channels, taps, node->width) && !is_huge(node->channels, taps, src->width) &&
            !is_huge(src->channels, taps, node->channels));
}

static int32_t check_node(const struct repro_net *net, int32_t i, struct repro_error *err)
{
    const struct repro_node *node = &net->layers[i].node;
    if (node->op < 1 || node->op > REPRO_OP_COUNT)
        return fail(err, REPRO_UNSUPPORTED, "node %d: unknown operation %d; this plugin knows 1 to %d", (int)i,
                    (int)node->op, REPRO_OP_COUNT);
    if (node->flags & ~REPRO_NODE_FLAGS)
        return fail(err, REPRO_UNSUPPORTED, "node %d (%s): unknown flag 0x%x", (int)i, op_names[node->op],
                    (unsigned)(node->flags & ~REPRO_NODE_FLAGS));
    if ((node->op == REPRO_OP_INPUT) != (i == 0) || (node->op == REPRO_OP_SOFTMAX_CROSS_ENTROPY) != (i == net->count - 1))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): the first node is the input and the last the loss, no other", (int)i,
                    op_names[node->op]);
    if (node->src_count < (i > 0) || node->src_count > REPRO_SRC_MAX || node->channels < 1 || node->height < 1 ||
        node->width < 1 || is_huge(node->channels, node->height, node->width) ||
        (node->op == REPRO_OP_ADD && node->src_count != 2))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): impossible shape or sources", (int)i, op_names[node->op]);
    for (int k = 0; k < node->src_count; k++)
        if (node->src[k] < 0 || node->src[k] >= i)
            return fail(err, REPRO_ARGUMENT, "node %d (%s): source %d is no earlier node", (int)i, op_names[node->op],
                        (int)node->src[k]);
    if ((node->op == REPRO_OP_CONV || node->op == REPRO_OP_MAX_POOL || node->op == REPRO_OP_AVG_POOL) &&
        !has_window(net, node))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): impossible kernel, stride or padding", (int)i,
                    op_names[node->op]);
    if (has_params(node) && (node->weights < 0 || node->weights >= net->graph.param_count))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): its weights lie outside PARAM", (int)i, op_names[node->op]);
    return 0;
}

static int32_t check(const struct repro_net *net, struct repro_error *err)
{
    const struct repro_net_options *options = &net->options;
    if (options->precision != 0 && options->precision != REPRO_PRECISION_F32)
        return fail(err, REPRO_UNSUPPORTED, "openblas computes in f32 only, not in %s; choose another backend",
                    options->precision == REPRO_PRECISION_TF32   ? "tf32"
                    : options->precision == REPRO_PRECISION_BF16 ? "bf16"
                                                                 : "an unknown precision");
    if (options->ghost < 1 || options->micro < options->ghost || options->micro % options->ghost != 0)
        return fail(err, REPRO_ARGUMENT, "a micro of %d rows is no whole number of ghosts of %d", (int)options->micro,
                    (int)options->ghost);
    if (net->graph.reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "the graph's reserved field is %d, not 0", (int)net->graph.reserved);
    if (net->graph.param_count < 0 || net->graph.running_count < 0 ||
        net->graph.param_count > INT64_MAX - net->graph.running_count)
        return fail(err, REPRO_ARGUMENT, "a graph cannot have %" PRId64 " parameters and %" PRId64 " statistics",
                    net->graph.param_count, net->graph.running_count);
    if (net->count < 2 || net->graph.channels < 1 || net->graph.channels > REPRO_CHANNEL_MAX)
        return fail(err, REPRO_ARGUMENT, "a graph has at least 2 nodes and 1 to %d input channels", REPRO_CHANNEL_MAX);
    for (int32_t i = 0; i < net->count; i++)
        if (check_node(net, i, err) != 0)
            return err->code;
    return 0;
}

/* Who needs a gradient, who is first to write it, and where a layer can do its neighbour's work. */
static void plan(struct repro_net *net)
{
    for (int32_t i = 0; i < net->count; i++) {
        struct layer *layer = &net->layers[i];
        layer->plane = (int64_t)layer->node.height * layer->node.width;
        layer->size = layer->plane * layer->node.channels;
        layer->owns_dst = 1;
        layer->owns_diff = has_params(&layer->node);
        for (int k = 0; k < layer->node.src_count; k++) {
            net->layers[layer->node.src[k]].consumers++;
            layer->owns_diff |= net->layers[layer->node.src[k]].owns_diff;
        }
    }
    net->layers[net->count - 1].live = 1;
    net->layers[net->count - 1].owns_diff = 0;
    for (int32_t i = net->count - 1; i > 0; i--) {
        struct layer *layer = &net->layers[i];
        for (int k = 0; layer->live && k < layer->node.src_count; k++) {
            struct layer *src = &net->layers[layer->node.src[k]];
            layer->diff_first[k] = !src->live;
            src->live = 1;
        }
        struct layer *src = &net->layers[layer->node.src[0]];
        if (layer->node.op == REPRO_OP_RELU && src->node.op == REPRO_OP_BATCH_NORM && src->consumers == 1) {
            layer->fused_relu = src->fused_relu = 1;
            src->owns_diff = layer->owns_diff; /* 0 where an add behind the pair lends its own */
            layer->owns_dst = layer->owns_diff = 0;
        }
        for (int k = 0; layer->node.op == REPRO_OP_ADD && layer->live && k < 2; k++) {
            src = &net->layers[layer->node.src[k]];
            if (src->consumers == 1 && src->owns_diff && (k == 0 || layer->node.scale == 1.0f)) {
                layer->diff_alias[k] = 1;
                src->owns_diff = 0;
            }
        }
    }
}

static int allocate_layer(struct repro_net *net, struct layer *layer)
{
    const struct repro_node *node = &layer->node;
    int64_t micro = net->options.micro, units = micro / net->options.ghost * node->channels;
    const struct repro_node *src = &net->layers[node->src[0]].node;
    int bad = 0;
    if (layer->owns_dst)
        bad |= (layer->dst = allocate(micro * layer->size, sizeof(float))) == NULL;
    if (layer->owns_diff)
        bad |= (layer->diff = allocate(micro * layer->size, sizeof(float))) == NULL;
    if (node->op == REPRO_OP_BATCH_NORM) {
        bad |= (layer->mean = allocate(units, sizeof(float))) == NULL;
        bad |= (layer->variance = allocate(units, sizeof(float))) == NULL;
        bad |= (layer->inverse = allocate(units, sizeof(float))) == NULL;
    }
    if (node->op == REPRO_OP_CONV) {
        int64_t weights = (int64_t)node->channels * src->channels * node->kernel_h * node->kernel_w;
        int64_t columns = conv_column_floats(node, src), shifted = conv_shifted_floats(node, src);
        bad |= (layer->flipped = allocate(weights, sizeof(float))) == NULL;
        net->lane_floats = weights > net->lane_floats ? weights : net->lane_floats;
        net->column_floats = columns > net->column_floats ? columns : net->column_floats;
        net->shifted_floats = shifted > net->shifted_floats ? shifted : net->shifted_floats;
    }
    if (node->op == REPRO_OP_MAX_POOL)
        bad |= (layer->winner = allocate(micro * layer->size, sizeof *layer->winner)) == NULL;
    if (node->op == REPRO_OP_DROPOUT)
        bad |= (layer->kept = allocate(micro * layer->size, 1)) == NULL;
    return bad;
}

static int allocate_all(struct repro_net *net)
{
    const struct repro_graph *graph = &net->graph;
    int bad = 0;
    for (int32_t i = 0; i < net->count; i++)
        bad |= allocate_layer(net, &net->layers[i]);
    bad |= (net->param = allocate(graph->param_count, sizeof(float))) == NULL;
    bad |= (net->partial = allocate(graph->param_count + graph->running_count, sizeof(float))) == NULL;
    bad |= (net->moment1 = allocate(graph->param_count, sizeof(float))) == NULL;
    bad |= (net->moment2 = allocate(graph->param_count, sizeof(float))) == NULL;
    bad |= (net->running = allocate(graph->running_count, sizeof(float))) == NULL;
    int64_t scratch = net->device->threads * (net->column_floats + net->shifted_floats);
    bad |= (net->columns = allocate(scratch, sizeof(float))) == NULL;
    bad |= (net->lanes = allocate(NET_LANES * net->lane_floats, sizeof(float))) == NULL;
    bad |= (net->labels = allocate(net->options.micro, sizeof *net->labels)) == NULL;
    return bad;
}

/* Buffers that are another layer's.  From the loss back, so that a chain of adds shares one. */
static void share(struct repro_net *net)
{
    for (int32_t i = net->count - 1; i > 0; i--) {
        struct layer *layer = &net->layers[i], *src = &net->layers[layer->node.src[0]];
        if (layer->node.op == REPRO_OP_RELU && layer->fused_relu) {
            layer->dst = src->dst;
            if (layer->diff == NULL)
                layer->diff = src->diff;
            else
                src->diff = layer->diff; /* shared with an add behind the pair */
        }
        for (int k = 0; k < 2; k++)
            if (layer->diff_alias[k])
                net->layers[layer->node.src[k]].diff = layer->diff;
    }
}

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph, const struct repro_net_options *options,
                    struct repro_net **out, struct repro_error *err)
{
    struct repro_net *net = allocate(1, sizeof *net);
    if (net == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    net->device = device;
    copy_sized(&net->graph, sizeof net->graph, graph);
    copy_sized(&net->options, sizeof net->options, options);
    net->count = net->graph.node_count;
    if (net->count < 1 || net->graph.nodes == NULL) {
        int32_t count = net->count;
        net_free(net);
        return fail(err, REPRO_ARGUMENT, "a graph of %d nodes is none; it needs an input and a loss", (int)count);
    }
    net->layers = allocate(net->count, sizeof *net->layers);
    if (net->layers == NULL) {
        int32_t count = net->count;
        net_free(net);
        return fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)count);
    }
    size_t size = net->graph.node_size < sizeof(struct repro_node) ? net->graph.node_size : sizeof(struct repro_node);
    for (int32_t i = 0; i < net->count; i++)
        memcpy(&net->layers[i].node, (const char *)net->graph.nodes + (size_t)i * net->graph.node_size, size);
    net->graph.nodes = NULL;
    int32_t code = check(net, err);
    if (code == 0) {
        plan(net);
        if (allocate_all(net))
            code = fail(err, REPRO_MEMORY, "out of memory for a micro of %d rows; choose a profile with a smaller ghost",
                        (int)net->options.micro);
        else
            share(net);
    }
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
    for (int32_t i = 0; net->layers != NULL && i < net->count; i++) {
        struct layer *layer = &net->layers[i];
        if (layer->owns_dst)
            free(layer->dst);
        if (layer->owns_diff)
            free(layer->diff);
        free(layer->mean);
        free(layer->variance);
        free(layer->inverse);
        free(layer->flipped);
        free(layer->winner);
        free(layer->kept);
    }
    free(net->layers);
    free(net->param);
    free(net->partial);
    free(net->moment1);
    free(net->moment2);
    free(net->running);
    free(net->columns);
    free(net->lanes);
    free(net->labels);
    free(net);
}
