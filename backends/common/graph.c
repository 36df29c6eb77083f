#include "common/graph.h"

#include "common/plugin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const plugin_op_names[REPRO_OP_COUNT + 1] = {
    "?",
    "input",
    "conv",
    "batch_norm",
    "relu",
    "add",
    "concat",
    "max_pool",
    "avg_pool",
    "global_avg_pool",
    "dropout",
    "dense",
    "softmax_cross_entropy",
};

static int has_params(const struct repro_node *node)
{
    return node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE ||
           node->op == REPRO_OP_BATCH_NORM;
}

/* Whether a * b * c is beyond an int, and so beyond what the vendor libraries index. */
static int is_huge(int64_t a, int64_t b, int64_t c)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) || __builtin_mul_overflow(product, c, &product) ||
           product > INT32_MAX;
}

/* A window that moves, over columns that fit; the sources are checked before. */
static int has_window(const struct plugin_graph *graph, const struct repro_node *node)
{
    const struct repro_node *src = plugin_source(graph, node, 0);
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    if (node->kernel_h < 1 || node->kernel_w < 1 || node->stride_h < 1 || node->stride_w < 1 ||
        node->pad_top < 0 || node->pad_left < 0 || node->pad_bottom < 0 || node->pad_right < 0)
        return 0;
    return node->op != REPRO_OP_CONV || (!is_huge(src->channels, taps, node->width) &&
                                         !is_huge(node->channels, taps, src->width) &&
                                         !is_huge(src->channels, taps, node->channels));
}

/* Flags that say something of another op than the node's, and what they ask for. */
static int32_t check_flags(const struct plugin_graph *graph, int32_t i, struct repro_error *err)
{
    const struct repro_node *node = &graph->nodes[i];
    const char *name = plugin_op_names[node->op];
    int plain = (node->flags & REPRO_NODE_NO_GAMMA) != 0,
        smoothed = (node->flags & REPRO_NODE_SMOOTHED) != 0;
    if (node->flags & ~REPRO_NODE_FLAGS)
        return fail(err, REPRO_UNSUPPORTED, "node %d (%s): unknown flag 0x%x", (int)i, name,
                    (unsigned)(node->flags & ~REPRO_NODE_FLAGS));
    if (plain && (node->op != REPRO_OP_BATCH_NORM || node->weights != -1))
        return fail(err, REPRO_ARGUMENT,
                    "node %d (%s): only a batch norm is without gamma, and then has no weights",
                    (int)i, name);
    if (smoothed && (node->op != REPRO_OP_SOFTMAX_CROSS_ENTROPY ||
                     !(node->scale >= 0.0f && node->scale < 1.0f)))
        return fail(err, REPRO_ARGUMENT,
                    "node %d (%s): only a loss has smoothed labels, and at least 0 and less than 1 "
                    "of them is uniform",
                    (int)i, name);
    return 0;
}

static int32_t check_node(const struct plugin_graph *graph, int32_t i, struct repro_error *err)
{
    const struct repro_node *node = &graph->nodes[i];
    if (node->op < 1 || node->op > REPRO_OP_COUNT)
        return fail(err, REPRO_UNSUPPORTED,
                    "node %d: unknown operation %d; this plugin knows 1 to %d", (int)i,
                    (int)node->op, REPRO_OP_COUNT);
    const char *name = plugin_op_names[node->op];
    if (check_flags(graph, i, err) != 0)
        return err->code;
    if ((node->op == REPRO_OP_INPUT) != (i == 0) ||
        (node->op == REPRO_OP_SOFTMAX_CROSS_ENTROPY) != (i == graph->count - 1))
        return fail(err, REPRO_ARGUMENT,
                    "node %d (%s): the first node is the input and the last the loss, no other",
                    (int)i, name);
    if (node->src_count < (i > 0) || node->src_count > REPRO_SRC_MAX || node->channels < 1 ||
        node->height < 1 || node->width < 1 || is_huge(node->channels, node->height, node->width) ||
        (node->op == REPRO_OP_ADD && node->src_count != 2))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): impossible shape or sources", (int)i, name);
    for (int k = 0; k < node->src_count; k++)
        if (node->src[k] < 0 || node->src[k] >= i)
            return fail(err, REPRO_ARGUMENT, "node %d (%s): source %d is no earlier node", (int)i,
                        name, (int)node->src[k]);
    if ((node->op == REPRO_OP_CONV || node->op == REPRO_OP_MAX_POOL ||
         node->op == REPRO_OP_AVG_POOL) &&
        !has_window(graph, node))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): impossible kernel, stride or padding",
                    (int)i, name);
    if (has_params(node) && (node->flags & REPRO_NODE_NO_GAMMA) == 0 &&
        (node->weights < 0 || node->weights >= graph->graph.param_count))
        return fail(err, REPRO_ARGUMENT, "node %d (%s): its weights lie outside PARAM", (int)i,
                    name);
    return 0;
}

static int32_t check(const struct plugin_graph *graph, struct repro_error *err)
{
    const struct repro_net_options *options = &graph->options;
    const struct repro_graph *given = &graph->graph;
    if (options->ghost < 1 || options->micro < options->ghost ||
        options->micro % options->ghost != 0)
        return fail(err, REPRO_ARGUMENT, "a micro of %d rows is no whole number of ghosts of %d",
                    (int)options->micro, (int)options->ghost);
    if (given->reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "the graph's reserved field is %d, not 0",
                    (int)given->reserved);
    if (given->param_count < 0 || given->running_count < 0 ||
        given->param_count > INT64_MAX - given->running_count)
        return fail(err, REPRO_ARGUMENT,
                    "a graph cannot have %" PRId64 " parameters and %" PRId64 " statistics",
                    given->param_count, given->running_count);
    if (graph->count < 2 || given->channels < 1 || given->channels > REPRO_CHANNEL_MAX)
        return fail(err, REPRO_ARGUMENT, "a graph has at least 2 nodes and 1 to %d input channels",
                    REPRO_CHANNEL_MAX);
    for (int32_t i = 0; i < graph->count; i++)
        if (check_node(graph, i, err) != 0)
            return err->code;
    return 0;
}

/* Who is read by whom, who needs a gradient, and who is first to write it. */
static void analyse(struct plugin_graph *graph)
{
    for (int32_t i = 0; i < graph->count; i++) {
        const struct repro_node *node = &graph->nodes[i];
        struct plugin_use *use = &graph->use[i];
        use->plane = (int64_t)node->height * node->width;
        use->size = use->plane * node->channels;
        use->needs_diff = has_params(node);
        for (int k = 0; k < node->src_count; k++) {
            graph->use[node->src[k]].consumers++;
            use->needs_diff |= graph->use[node->src[k]].needs_diff;
        }
    }
    graph->use[graph->count - 1].live = 1;
    graph->use[graph->count - 1].needs_diff = 0;
    for (int32_t i = graph->count - 1; i > 0; i--) {
        const struct repro_node *node = &graph->nodes[i];
        for (int k = 0; graph->use[i].live && k < node->src_count; k++) {
            struct plugin_use *src = &graph->use[node->src[k]];
            graph->use[i].diff_first[k] = !src->live;
            src->live = 1;
        }
    }
}

int64_t plugin_weight_count(const struct plugin_graph *graph, const struct repro_node *node)
{
    const struct repro_node *src = plugin_source(graph, node, 0);
    if (node->op == REPRO_OP_CONV)
        return (int64_t)node->channels * src->channels * node->kernel_h * node->kernel_w;
    return node->op == REPRO_OP_DENSE
               ? (int64_t)node->channels * src->channels * src->height * src->width
               : 0;
}

float plugin_smoothing(const struct plugin_graph *graph, int32_t mode)
{
    const struct repro_node *loss = &graph->nodes[graph->count - 1];
    return mode == REPRO_MODE_TRAIN && (loss->flags & REPRO_NODE_SMOOTHED) != 0 ? loss->scale
                                                                                : 0.0f;
}

int32_t plugin_graph_init(struct plugin_graph *graph, const struct repro_graph *given,
                          const struct repro_net_options *options, struct repro_error *err)
{
    memset(graph, 0, sizeof *graph);
    copy_sized(&graph->graph, sizeof graph->graph, given);
    copy_sized(&graph->options, sizeof graph->options, options);
    graph->count = graph->graph.node_count;
    if (graph->options.precision == 0)
        graph->options.precision = REPRO_PRECISION_F32;
    if (graph->count < 1 || graph->graph.nodes == NULL)
        return fail(err, REPRO_ARGUMENT,
                    "a graph of %d nodes is none; it needs an input and a loss", (int)graph->count);
    graph->nodes = plugin_allocate(graph->count, sizeof *graph->nodes);
    graph->use = plugin_allocate(graph->count, sizeof *graph->use);
    int32_t code = 0;
    if (graph->nodes == NULL || graph->use == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)graph->count);
    if (code == 0) {
        size_t theirs = graph->graph.node_size,
               size = theirs < sizeof *graph->nodes ? theirs : sizeof *graph->nodes;
        for (int32_t i = 0; i < graph->count; i++)
            memcpy(&graph->nodes[i], (const char *)graph->graph.nodes + (size_t)i * theirs, size);
        graph->graph.nodes = NULL;
        code = check(graph, err);
    }
    if (code == 0)
        analyse(graph);
    else
        plugin_graph_release(graph);
    return code;
}

void plugin_graph_release(struct plugin_graph *graph)
{
    free(graph->nodes);
    free(graph->use);
    memset(graph, 0, sizeof *graph);
}

static int has_dropout(const struct plugin_graph *graph)
{
    for (int32_t i = 0; i < graph->count; i++)
        if (graph->nodes[i].op == REPRO_OP_DROPOUT)
            return 1;
    return 0;
}

int32_t plugin_check_rows(const struct plugin_graph *graph, const struct repro_rows *rows,
                          struct repro_error *err)
{
    const struct repro_net_options *options = &graph->options;
    if (rows->mode != REPRO_MODE_TRAIN && rows->mode != REPRO_MODE_EVAL)
        return fail(err, REPRO_UNSUPPORTED, "unknown mode %d", (int)rows->mode);
    if (rows->reserved != 0)
        return fail(err, REPRO_UNSUPPORTED, "the reserved field of rows is %u, not 0",
                    (unsigned)rows->reserved);
    if (rows->count < 1 || rows->count > options->micro)
        return fail(err, REPRO_ARGUMENT, "%" PRId64 " rows; this network was compiled for 1 to %d",
                    rows->count, (int)options->micro);
    if (rows->mode == REPRO_MODE_TRAIN && rows->count % options->ghost != 0)
        return fail(err, REPRO_ARGUMENT, "%" PRId64 " rows are no whole number of ghosts of %d",
                    rows->count, (int)options->ghost);
    if ((rows->data != NULL || rows->crops != NULL) && !graph->keeps_data)
        return fail(err, REPRO_UNSUPPORTED,
                    "this backend keeps no data set on its device; hand over pixels and labels");
    if (rows->data == NULL && (rows->pixels == NULL || rows->labels == NULL))
        return fail(err, REPRO_ARGUMENT, "rows need pixels and labels");
    if (rows->image == NULL && rows->mode == REPRO_MODE_TRAIN && has_dropout(graph))
        return fail(err, REPRO_ARGUMENT, "a network with dropout needs the rows' image numbers");
    for (int64_t i = 0; i < rows->count && rows->data == NULL; i++)
        if (rows->labels[i] < 0 || rows->labels[i] >= graph->graph.classes)
            return fail(err, REPRO_ARGUMENT, "row %" PRId64 ": label %d lies outside 0..%d", i,
                        (int)rows->labels[i], (int)graph->graph.classes - 1);
    return 0;
}
