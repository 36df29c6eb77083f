/* Compiling a network: buffers are shared where a layer would only copy, and everything a step
 * needs is allocated. */
#include "net.h"

#include <stdlib.h>

/* Where a layer can do its neighbour's work, and which diffs are one. */
static void share_work(struct repro_net *net)
{
    for (int32_t i = 0; i < net->count; i++) {
        struct layer *layer = &net->layers[i];
        layer->node = &net->graph.nodes[i];
        layer->use = &net->graph.use[i];
        layer->owns_dst = 1;
        layer->owns_diff = layer->use->needs_diff;
    }
    for (int32_t i = net->count - 1; i > 0; i--) {
        struct layer *layer = &net->layers[i], *src = &net->layers[layer->node->src[0]];
        if (layer->node->op == REPRO_OP_RELU && src->node->op == REPRO_OP_BATCH_NORM &&
            src->use->consumers == 1) {
            layer->fused_relu = src->fused_relu = 1;
            src->owns_diff = layer->owns_diff; /* 0 where an add behind the pair lends its own */
            layer->owns_dst = layer->owns_diff = 0;
        }
        for (int k = 0; layer->node->op == REPRO_OP_ADD && layer->use->live && k < 2; k++) {
            src = &net->layers[layer->node->src[k]];
            if (src->use->consumers == 1 && src->owns_diff &&
                (k == 0 || layer->node->scale == 1.0f)) {
                layer->diff_alias[k] = 1;
                src->owns_diff = 0;
            }
        }
    }
}

static int allocate_layer(struct repro_net *net, struct layer *layer)
{
    const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
    int64_t micro = net->graph.options.micro,
            units = micro / net->graph.options.ghost * node->channels;
    int bad = 0;
    if (layer->owns_dst)
        bad |= (layer->dst = plugin_allocate(micro * layer->use->size, sizeof(float))) == NULL;
    if (layer->owns_diff)
        bad |= (layer->diff = plugin_allocate(micro * layer->use->size, sizeof(float))) == NULL;
    if (node->op == REPRO_OP_BATCH_NORM) {
        bad |= (layer->mean = plugin_allocate(units, sizeof(float))) == NULL;
        bad |= (layer->variance = plugin_allocate(units, sizeof(float))) == NULL;
        bad |= (layer->inverse = plugin_allocate(units, sizeof(float))) == NULL;
    }
    if (node->op == REPRO_OP_CONV) {
        int64_t weights = (int64_t)node->channels * src->channels * node->kernel_h * node->kernel_w;
        int64_t columns = conv_column_floats(node, src), shifted = conv_shifted_floats(node, src);
        bad |= (layer->flipped = plugin_allocate(weights, sizeof(float))) == NULL;
        net->lane_floats = weights > net->lane_floats ? weights : net->lane_floats;
        net->column_floats = columns > net->column_floats ? columns : net->column_floats;
        net->shifted_floats = shifted > net->shifted_floats ? shifted : net->shifted_floats;
    }
    if (node->op == REPRO_OP_MAX_POOL)
        bad |= (layer->winner = plugin_allocate(micro * layer->use->size, sizeof *layer->winner)) ==
               NULL;
    if (node->op == REPRO_OP_DROPOUT)
        bad |= (layer->kept = plugin_allocate(micro * layer->use->size, 1)) == NULL;
    return bad;
}

static int allocate_all(struct repro_net *net)
{
    int bad = arenas_init(&net->arenas, &net->graph);
    for (int32_t i = 0; i < net->count; i++)
        bad |= allocate_layer(net, &net->layers[i]);
    int64_t scratch = net->device->threads * (net->column_floats + net->shifted_floats);
    bad |= (net->columns = plugin_allocate(scratch, sizeof(float))) == NULL;
    bad |= (net->lanes = plugin_allocate(NET_LANES * net->lane_floats, sizeof(float))) == NULL;
    bad |= (net->labels = plugin_allocate(net->graph.options.micro, sizeof *net->labels)) == NULL;
    return bad;
}

/* Buffers that are another layer's.  From the loss back, so that a chain of adds shares one. */
static void share_buffers(struct repro_net *net)
{
    for (int32_t i = net->count - 1; i > 0; i--) {
        struct layer *layer = &net->layers[i], *src = &net->layers[layer->node->src[0]];
        if (layer->node->op == REPRO_OP_RELU && layer->fused_relu) {
            layer->dst = src->dst;
            if (layer->diff == NULL)
                layer->diff = src->diff;
            else
                src->diff = layer->diff; /* shared with an add behind the pair */
        }
        for (int k = 0; k < 2; k++)
            if (layer->diff_alias[k])
                net->layers[layer->node->src[k]].diff = layer->diff;
    }
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
    if (code == 0 && net->graph.options.precision != REPRO_PRECISION_F32)
        code = fail(err, REPRO_UNSUPPORTED,
                    "openblas computes in f32 only, not in %s; choose another backend",
                    net->graph.options.precision == REPRO_PRECISION_TF32 ? "tf32"
                    : net->graph.options.precision == REPRO_PRECISION_BF16
                        ? "bf16"
                        : "an unknown precision");
    net->count = net->graph.count;
    if (code == 0 && (net->layers = plugin_allocate(net->count, sizeof *net->layers)) == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    if (code == 0) {
        share_work(net);
        if (allocate_all(net))
            code = fail(
                err, REPRO_MEMORY,
                "out of memory for a micro of %d rows; choose a profile with a smaller ghost",
                (int)net->graph.options.micro);
    }
    if (code != 0) {
        net_free(net);
        return code;
    }
    share_buffers(net);
    net->arenas.output = net->layers[net->layers[net->count - 1].node->src[0]].dst;
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
    arenas_release(&net->arenas);
    plugin_graph_release(&net->graph);
    free(net->columns);
    free(net->lanes);
    free(net->labels);
    free(net);
}
