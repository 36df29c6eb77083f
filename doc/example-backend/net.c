/* What a graph is believed to be, the memory for it, and the two passes. */
#include "plain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int has_weights(const struct repro_node *node)
{
    return node->op == REPRO_OP_CONV || node->op == REPRO_OP_DENSE;
}

/* ---- What is refused, by name ---- */

static int32_t check_options(const struct repro_net_options *options, struct repro_error *err)
{
    static const char *const names[] = {"?", "f32", "tf32", "bf16"};
    int precision = (int)options->precision;
    if (precision != 0 && precision != REPRO_PRECISION_F32)
        return refuse(err, REPRO_UNSUPPORTED, "plain computes in f32, not in precision %d (%s)",
                      precision, precision > 0 && precision < 4 ? names[precision] : "unknown");
    if (options->ghost < 1 || options->micro < options->ghost ||
        options->micro % options->ghost != 0)
        return refuse(err, REPRO_ARGUMENT, "a micro of %d rows is no whole number of ghosts of %d",
                      (int)options->micro, (int)options->ghost);
    return 0;
}

static int32_t check_node(const struct repro_node *node, int32_t i, struct repro_error *err)
{
    int plain = (node->flags & REPRO_NODE_NO_GAMMA) != 0,
        smoothed = (node->flags & REPRO_NODE_SMOOTHED) != 0;
    if (node->op < 1 || node->op > REPRO_OP_COUNT)
        return refuse(err, REPRO_UNSUPPORTED, "node %d: unknown operation %d", (int)i,
                      (int)node->op);
    if ((node->flags & ~REPRO_NODE_FLAGS) != 0)
        return refuse(err, REPRO_UNSUPPORTED, "node %d: unknown flag 0x%x", (int)i,
                      (unsigned)node->flags);
    if (plain && (node->op != REPRO_OP_BATCH_NORM || node->weights != -1))
        return refuse(err, REPRO_ARGUMENT, "node %d: it has no gamma to be without", (int)i);
    if (smoothed && (node->op != REPRO_OP_SOFTMAX_CROSS_ENTROPY ||
                     !(node->scale >= 0.0f && node->scale < 1.0f)))
        return refuse(err, REPRO_ARGUMENT, "node %d: its labels cannot be smoothed by %g", (int)i,
                      (double)node->scale);
    for (int k = 0; k < node->src_count; k++)
        if (node->src_count > REPRO_SRC_MAX || node->src[k] < 0 || node->src[k] >= i)
            return refuse(err, REPRO_ARGUMENT, "node %d: source %d is no earlier node", (int)i, k);
    return 0;
}

static int32_t check_rows(const struct repro_net *net, const struct repro_rows *rows,
                          struct repro_error *err)
{
    if (rows->mode != REPRO_MODE_TRAIN && rows->mode != REPRO_MODE_EVAL)
        return refuse(err, REPRO_UNSUPPORTED, "unknown mode %d", (int)rows->mode);
    if (rows->reserved != 0)
        return refuse(err, REPRO_UNSUPPORTED, "the reserved field of rows is not 0");
    if (rows->count < 1 || rows->count > net->options.micro)
        return refuse(err, REPRO_ARGUMENT, "%" PRId64 " rows; 1 to %d are possible", rows->count,
                      (int)net->options.micro);
    if (rows->mode == REPRO_MODE_TRAIN && rows->count % net->options.ghost != 0)
        return refuse(err, REPRO_ARGUMENT, "%" PRId64 " rows are no whole number of ghosts of %d",
                      rows->count, (int)net->options.ghost);
    if (rows->data != NULL || rows->crops != NULL || rows->pixels == NULL || rows->labels == NULL)
        return refuse(err, REPRO_UNSUPPORTED, "rows are handed over as pixels and labels");
    if (net->has_dropout && rows->mode == REPRO_MODE_TRAIN && rows->image == NULL)
        return refuse(err, REPRO_ARGUMENT, "dropout needs the rows' image numbers");
    for (int64_t n = 0; n < rows->count; n++)
        if (rows->labels[n] < 0 || rows->labels[n] >= net->graph.classes)
            return refuse(err, REPRO_ARGUMENT, "row %" PRId64 ": label %d lies outside 0..%d", n,
                          (int)rows->labels[n], (int)net->graph.classes - 1);
    return 0;
}

/* ---- Memory ---- */

static void *zeroes(struct repro_net *net, int64_t count, size_t size, int *bad)
{
    void *memory = calloc((size_t)count + 1, size);
    *bad |= memory == NULL;
    net->bytes += (int64_t)((size_t)count * size);
    return memory;
}

static int allocate(struct repro_net *net)
{
    int64_t params = net->graph.param_count, running = net->graph.running_count;
    int64_t micro = net->options.micro, ghosts = micro / net->options.ghost;
    int bad = 0;
    net->param = zeroes(net, params, sizeof(float), &bad);
    net->partial = zeroes(net, params + running, sizeof(float), &bad);
    net->moment1 = zeroes(net, params, sizeof(float), &bad);
    net->moment2 = zeroes(net, params, sizeof(float), &bad);
    net->running = zeroes(net, running, sizeof(float), &bad);
    net->decays = zeroes(net, params, 1, &bad);
    net->labels = zeroes(net, micro, sizeof *net->labels, &bad);
    net->image = zeroes(net, micro, sizeof *net->image, &bad);
    for (int32_t i = 0; i < net->graph.node_count; i++) {
        struct layer *layer = &net->layers[i];
        int64_t units = layer->node.op == REPRO_OP_BATCH_NORM ? ghosts * layer->node.channels : 0;
        layer->dst = zeroes(net, micro * layer->size, sizeof(float), &bad);
        layer->diff = zeroes(net, micro * layer->size, sizeof(float), &bad);
        layer->mean = zeroes(net, units, sizeof(double), &bad);
        layer->variance = zeroes(net, units, sizeof(double), &bad);
    }
    return bad;
}

void net_free(struct repro_net *net)
{
    if (net == NULL)
        return;
    for (int32_t i = 0; net->layers != NULL && i < net->graph.node_count; i++) {
        free(net->layers[i].dst);
        free(net->layers[i].diff);
        free(net->layers[i].mean);
        free(net->layers[i].variance);
    }
    net->device->held -= net->bytes;
    free(net->layers);
    free(net->param);
    free(net->partial);
    free(net->moment1);
    free(net->moment2);
    free(net->running);
    free(net->decays);
    free(net->labels);
    free(net->image);
    free(net);
}

/* ---- Compiling ---- */

/* The nodes, each of which is given in the writer's size. */
static int32_t copy_nodes(struct repro_net *net, struct repro_error *err)
{
    size_t theirs = net->graph.node_size, ours = sizeof(struct repro_node);
    for (int32_t i = 0; i < net->graph.node_count; i++) {
        struct layer *layer = &net->layers[i];
        memcpy(&layer->node, (const char *)net->graph.nodes + (size_t)i * theirs,
               theirs < ours ? theirs : ours);
        int32_t code = check_node(&layer->node, i, err);
        if (code != 0)
            return code;
        layer->plane = (int64_t)layer->node.height * layer->node.width;
        layer->size = layer->plane * layer->node.channels;
        net->has_dropout |= layer->node.op == REPRO_OP_DROPOUT;
    }
    net->graph.nodes = NULL; /* borrowed for the call */
    return 0;
}

static void mark_weights(struct repro_net *net)
{
    for (int32_t i = 1; i < net->graph.node_count; i++) {
        const struct repro_node *node = &net->layers[i].node;
        const struct layer *src = &net->layers[node->src[0]];
        int64_t each = node->op == REPRO_OP_DENSE
                           ? src->size
                           : (int64_t)src->node.channels * node->kernel_h * node->kernel_w;
        if (has_weights(node))
            memset(net->decays + node->weights, 1, (size_t)(node->channels * each));
    }
}

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err)
{
    struct repro_net *net = calloc(1, sizeof *net);
    if (net == NULL)
        return refuse(err, REPRO_MEMORY, "out of memory");
    net->device = device;
    take(&net->graph, sizeof net->graph, graph);
    take(&net->options, sizeof net->options, options);
    int32_t code = check_options(&net->options, err);
    if (code == 0 && net->graph.reserved != 0)
        code = refuse(err, REPRO_UNSUPPORTED, "the graph's reserved field is not 0");
    if (code == 0 && net->graph.node_count < 2)
        code = refuse(err, REPRO_ARGUMENT, "a graph has an input and a loss at least");
    if (code == 0) {
        net->layers = calloc((size_t)net->graph.node_count, sizeof *net->layers);
        code = net->layers == NULL ? refuse(err, REPRO_MEMORY, "out of memory")
                                   : copy_nodes(net, err);
    }
    if (code == 0 && allocate(net))
        code = refuse(err, REPRO_MEMORY, "out of memory for a micro of %d rows",
                      (int)net->options.micro);
    device->held += net->bytes;
    if (code != 0) {
        net_free(net);
        return code;
    }
    mark_weights(net);
    *out = net;
    return 0;
}

/* ---- The passes ---- */

int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err)
{
    struct repro_rows rows;
    take(&rows, sizeof rows, given);
    int32_t code = check_rows(net, &rows, err);
    if (code != 0)
        return code;
    net->rows = rows;
    memcpy(net->labels, rows.labels, (size_t)rows.count * sizeof *net->labels);
    if (rows.image != NULL)
        memcpy(net->image, rows.image, (size_t)rows.count * sizeof *net->image);
    for (int32_t i = 0; i < net->graph.node_count; i++)
        layer_forward(net, &net->layers[i], rows.pixels);
    net->can_backward = rows.mode == REPRO_MODE_TRAIN;
    return 0;
}

int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    if (!net->can_backward)
        return refuse(err, REPRO_ARGUMENT, "backward follows a TRAIN forward, once");
    net->can_backward = 0;
    for (int32_t i = 0; i < net->graph.node_count; i++)
        memset(net->layers[i].diff, 0,
               (size_t)(net->rows.count * net->layers[i].size) * sizeof(float));
    for (int32_t i = net->graph.node_count - 1; i > 0; i--)
        layer_backward(net, &net->layers[i], scale);
    return 0;
}
