/* Convolutions by our own Winograd kernels, where the library has none for this processor: oneDNN's
 * needs AVX-512, and 3.x has dropped it altogether.  On AVX2 they take less than half of the direct
 * convolution's time; doc/performance.md has the figures. */
#include "own.h"

#include "cpu/winograd.h"

#include <math.h>
#include <stdio.h>

int own_can(const struct repro_net *net, const struct layer *layer)
{
    const struct repro_node *node = layer->node;
    const struct layer *src = &net->layers[node->src[0]];
    return net->device->own_winograd && node->kernel_h == 3 && node->kernel_w == 3 &&
           node->stride_h == 1 && node->stride_w == 1 && node->pad_top == 1 &&
           node->pad_left == 1 && node->height == src->node->height &&
           node->width == src->node->width && !(node->flags & REPRO_NODE_BIAS) &&
           layer->tensor.type == dnnl_f32 && layer->tensor.tag == dnnl_nChw8c &&
           src->tensor.tag == dnnl_nChw8c && winograd_can(src->node->channels, node->channels);
}

/* The convolution, and the one that takes diff of dst to diff of src. */
static struct winograd shape_of(const struct repro_net *net, const struct layer *layer,
                                int backward)
{
    const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
    return (struct winograd){
        .rows = net->micro,
        .height = node->height,
        .width = node->width,
        .src_channels = backward ? node->channels : src->channels,
        .dst_channels = backward ? src->channels : node->channels,
        .threads = net->device->threads,
    };
}

int32_t own_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    struct winograd forward = shape_of(net, layer, 0), backward = shape_of(net, layer, 1);
    int64_t needs[] = {winograd_scratch(&forward), winograd_scratch(&backward)};
    for (int i = 0; i < 2; i++)
        if ((size_t)needs[i] * sizeof(float) > net->library.scratch_bytes)
            net->library.scratch_bytes = (size_t)needs[i] * sizeof(float);
    for (int i = 0; i < 3; i++)
        snprintf(layer->choice[i], sizeof layer->choice[i], "own winograd");
    layer->packed[0] = library_buffer(&net->library, winograd_packed(&forward), sizeof(float), err);
    layer->packed[1] = library_buffer(&net->library, winograd_packed(&backward), sizeof(float),
                                      err);
    return layer->packed[0] == NULL || layer->packed[1] == NULL ? REPRO_MEMORY : 0;
}

void own_pack(struct repro_net *net, struct layer *layer)
{
    const float *weights = net->arenas.param + layer->node->weights;
    struct winograd forward = shape_of(net, layer, 0), backward = shape_of(net, layer, 1);
    winograd_pack(&forward, weights, 0, layer->packed[0]);
    if (net->layers[layer->node->src[0]].diff != NULL)
        winograd_pack(&backward, weights, 1, layer->packed[1]);
}

void own_forward(struct repro_net *net, struct layer *layer)
{
    struct winograd shape = shape_of(net, layer, 0);
    const float *add = NULL;
    if (layer->fused_add >= 0) {
        const struct repro_node *sum = net->layers[layer->fused_add].node;
        add = net->layers[sum->src[sum->src[0] == (int32_t)(layer - net->layers)]].dst;
    }
    winograd_forward(&shape, net->layers[layer->node->src[0]].dst, layer->packed[0], add,
                     layer->dst, net->library.scratch);
}

void own_weights(struct repro_net *net, struct layer *layer)
{
    struct winograd shape = shape_of(net, layer, 0);
    winograd_weights(&shape, net->layers[layer->node->src[0]].dst, layer->diff,
                     net->arenas.partial + layer->node->weights, net->library.scratch);
}

void own_data(struct repro_net *net, struct layer *layer)
{
    struct layer *src = &net->layers[layer->node->src[0]];
    struct winograd shape = shape_of(net, layer, 1);
    winograd_forward(&shape, layer->diff, layer->packed[1],
                     layer->use->diff_first[0] ? NULL : src->diff, src->diff, net->library.scratch);
}

void own_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds)
{
    void (*const passes[])(struct repro_net *, struct layer *) = {own_forward, own_weights,
                                                                  own_data};
    int count = net->layers[layer->node->src[0]].diff != NULL ? 3 : 2;
    for (int i = 0; i < count; i++) {
        double best = INFINITY;
        for (int32_t r = 0; r < repeats; r++) {
            double start = cpu_seconds();
            passes[i](net, layer);
            best = fmin(best, cpu_seconds() - start);
        }
        *seconds += best;
    }
}
