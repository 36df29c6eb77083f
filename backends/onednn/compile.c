/* Compiling a network: layouts from the input on, then what is fused and which buffers are shared,
 * then the primitives. */
#include "net.h"

#include "conv.h"
#include "conv_choice.h"
#include "cpu/team.h"
#include "dense.h"
#include "diffs.h"
#include "kernels.h"
#include "norm.h"
#include "pointwise.h"
#include "pool.h"

#include <stdlib.h>

/* ---- Layouts ---- */

static void choose_kernels(struct layer *layer)
{
    const struct tensor *t = &layer->tensor;
    layer->width = t->block % 8 == 0 ? 8 : 1;
    if (t->type == dnnl_bf16)
        layer->kernels = layer->width == 8 ? &kernels_bf16_8 : &kernels_bf16_1;
    else
        layer->kernels = layer->width == 8 ? &kernels_f32_8 : &kernels_f32_1;
}

/* A concat keeps its sources' layout when each begins at a block's edge. */
static dnnl_format_tag_t concat_tag(const struct repro_net *net, const struct repro_node *node)
{
    dnnl_format_tag_t tag = net->layers[node->src[0]].tensor.tag;
    for (int k = 0; k < node->src_count; k++) {
        const struct layer *src = &net->layers[node->src[k]];
        if (src->tensor.tag != tag || src->tensor.padded != src->node->channels)
            return dnnl_nchw;
    }
    return tag;
}

static int32_t layout_node(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_node *node = layer->node;
    const struct tensor *src = &net->layers[node->src[0]].tensor;
    for (int k = 0; k < node->src_count; k++) {
        struct layer *from = &net->layers[node->src[k]];
        if (from->tensor.block == 0 && node->op != REPRO_OP_CONV &&
            tensor_init(&from->tensor, net->micro, from->node, dnnl_nchw, from->tensor.type, err) !=
                0)
            return err->code;
        if (k > 0 && from->tensor.type != src->type)
            return fail(err, REPRO_UNSUPPORTED, "an operation on f32 and bf16 tensors at once");
    }
    switch (node->op) {
    case REPRO_OP_INPUT: /* its first reader says */
        layer->tensor.type = net->graph.options.precision == REPRO_PRECISION_BF16 ? dnnl_bf16
                                                                                  : dnnl_f32;
        return 0;
    case REPRO_OP_CONV:
        return conv_layout(net, layer, err);
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
        return pool_layout(net, layer, err);
    case REPRO_OP_CONCAT:
        return tensor_init(&layer->tensor, net->micro, node, concat_tag(net, node), src->type, err);
    case REPRO_OP_GLOBAL_AVG_POOL:
    case REPRO_OP_DENSE:
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        return tensor_init(&layer->tensor, net->micro, node, dnnl_nchw, dnnl_f32, err);
    default:
        return tensor_init(&layer->tensor, net->micro, node, src->tag, src->type, err);
    }
}

/* ---- Fusion and shared buffers ---- */

static int in_place_add(const struct layer *other)
{
    return other->node->op == REPRO_OP_CONV && other->use->consumers == 1 && other->fused_add < 0;
}

/* The later of an add's sources can write the sum when it is a convolution that nobody else
 * reads. */
static void fuse_add(struct repro_net *net, struct layer *add)
{
    int32_t later = add->node->src[0] > add->node->src[1] ? add->node->src[0] : add->node->src[1];
    int32_t earlier = add->node->src[0] + add->node->src[1] - later;
    struct layer *conv = &net->layers[later], *other = &net->layers[earlier];
    if (add->node->scale != 1.0f || later == earlier || conv->node->op != REPRO_OP_CONV ||
        conv->use->consumers != 1)
        return;
    int in_place = in_place_add(other) && conv_can_add(net, conv, other, 1);
    if (!in_place && !conv_can_add(net, conv, other, 0))
        return;
    add->fused_add = 1;
    conv->fused_add = (int32_t)(add - net->layers);
    conv->dst_slot = conv->fused_add;
    if (in_place)
        other->dst_slot = conv->fused_add;
}

static void fuse(struct repro_net *net)
{
    for (int32_t i = 0; i < net->count; i++) {
        net->layers[i].dst_slot = i;
        net->layers[i].fused_add = net->layers[i].node->op == REPRO_OP_CONV ? -1 : 0;
    }
    for (int32_t i = 1; i < net->count; i++) {
        struct layer *layer = &net->layers[i], *src = &net->layers[layer->node->src[0]];
        if (layer->node->op == REPRO_OP_RELU && src->node->op == REPRO_OP_BATCH_NORM &&
            src->use->consumers == 1) {
            layer->fused_relu = src->fused_relu = 1;
            src->dst_slot = i;
        }
        if (layer->node->op == REPRO_OP_ADD)
            fuse_add(net, layer);
    }
}

/* ---- All of it ---- */

/* Slots point to the ADD or RELU behind, so a later node's buffer is there first. */
static int32_t allocate_dsts(struct repro_net *net, struct repro_error *err)
{
    for (int32_t i = net->count - 1; i >= 0; i--) {
        struct layer *layer = &net->layers[i];
        if (layer->dst_slot != i)
            layer->dst = net->layers[layer->dst_slot].dst;
        else if ((layer->dst = library_buffer(&net->library, layer_bytes(net, layer), 1, err)) ==
                 NULL)
            return REPRO_MEMORY;
    }
    return 0;
}

static int32_t compile_layer(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    switch (layer->node->op) {
    case REPRO_OP_INPUT:
        return input_compile(net, layer, err);
    case REPRO_OP_CONV:
        return conv_compile(net, layer, err);
    case REPRO_OP_BATCH_NORM:
        return norm_compile(net, layer, err);
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
        return pool_compile(net, layer, err);
    case REPRO_OP_DENSE:
        return dense_compile(net, layer, err);
    case REPRO_OP_DROPOUT:
        layer->kept = library_buffer(&net->library, net->micro * layer->use->size, 1, err);
        return layer->kept == NULL ? REPRO_MEMORY : 0;
    default:
        return 0;
    }
}

static int32_t check_precision(const struct repro_net *net, struct repro_error *err)
{
    switch (net->graph.options.precision) {
    case REPRO_PRECISION_F32:
        return 0;
    case REPRO_PRECISION_BF16:
        if (net->device->bf16)
            return 0;
        return fail(err, REPRO_UNSUPPORTED,
                    "this processor (%s) has no bf16 that %s computes in (AVX-512 or newer); "
                    "use --precision f32",
                    net->device->name, net->device->library);
    default:
        return fail(err, REPRO_UNSUPPORTED, "onednn computes in f32 and bf16, not in %s",
                    net->graph.options.precision == REPRO_PRECISION_TF32 ? "tf32"
                                                                         : "an unknown precision");
    }
}

static int32_t compile(struct repro_net *net, struct repro_error *err)
{
    int32_t code = check_precision(net, err);
    net->count = net->graph.count;
    net->micro = net->library.micro = net->graph.options.micro;
    net->ghost = net->graph.options.ghost;
    net->lanes = net->ghost < 8 ? net->ghost : 8;
    if (code == 0 && (net->layers = plugin_allocate(net->count, sizeof *net->layers)) == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    for (int32_t i = 0; code == 0 && i < net->count; i++) {
        net->layers[i].node = &net->graph.nodes[i];
        net->layers[i].use = &net->graph.use[i];
        net->layers[i].fused_add = -1;
        code = layout_node(net, &net->layers[i], err);
    }
    if (code != 0)
        return code;
    for (int32_t i = 0; i < net->count; i++)
        choose_kernels(&net->layers[i]);
    fuse(net);
    if (arenas_init(&net->arenas, &net->graph) != 0)
        return fail(err, REPRO_MEMORY, "out of memory for %lld parameters",
                    (long long)net->graph.graph.param_count);
    net->labels = library_buffer(&net->library, net->micro, sizeof *net->labels, err);
    code = net->labels == NULL ? REPRO_MEMORY : allocate_dsts(net, err);
    if (code == 0)
        code = diffs_place(net, err);
    for (int32_t i = 0; code == 0 && i < net->count; i++)
        code = compile_layer(net, &net->layers[i], err);
    return code != 0 ? code : library_scratchpad(&net->library, err);
}

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err)
{
    struct repro_net *net = plugin_allocate(1, sizeof *net);
    if (net == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    net->device = device;
    net->library = (struct library){.engine = device->engine, .stream = device->stream};
    team_bind(device->team);
    int32_t code = plugin_graph_init(&net->graph, graph, options, err);
    if (code == 0)
        code = compile(net, err);
    if (code != 0) {
        net_free(net);
        return code;
    }
    net->arenas.output = net->layers[net->layers[net->count - 1].node->src[0]].dst;
    *out = net;
    return 0;
}

void net_free(struct repro_net *net)
{
    if (net == NULL)
        return;
    for (int32_t i = 0; net->layers != NULL && i < net->count; i++)
        md_release(&net->layers[i].tensor.md);
    library_release(&net->library);
    free(net->layers);
    arenas_release(&net->arenas);
    plugin_graph_release(&net->graph);
    free(net);
}
