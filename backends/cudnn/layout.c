#include "layout.h"

#include "common/plugin.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int64_t aligned(int64_t count)
{
    return (count + LAYOUT_ALIGN - 1) / LAYOUT_ALIGN * LAYOUT_ALIGN;
}

/* Weights of [out][in][taps] become [out][taps][room], room >= in. */
static void map_weights(int32_t *map, int64_t to, int64_t out, int64_t in, int64_t taps,
                        int64_t room)
{
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++)
            for (int64_t t = 0; t < taps; t++)
                *map++ = (int32_t)(to + (o * taps + t) * room + i);
}

static void map_vector(int32_t *map, int64_t to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        map[i] = (int32_t)(to + i);
}

/* The shape of a node's weights: out x in x taps; a dense layer is a convolution over the whole of
 * its source. */
static void weights_shape(const struct plugin_graph *graph, const struct repro_node *node,
                          int64_t shape[3])
{
    const struct repro_node *src = plugin_source(graph, node, 0);
    shape[0] = node->channels;
    shape[1] = src->channels;
    shape[2] = node->op == REPRO_OP_CONV ? (int64_t)node->kernel_h * node->kernel_w
                                         : (int64_t)src->height * src->width;
}

static void place_vector(struct layout *layout, int64_t canonical, int64_t count, int64_t *to)
{
    *to = layout->device_count;
    map_vector(layout->map + canonical, *to, count);
    layout->device_count += aligned(count);
}

/* The weights of all nodes of an op, one behind the other. */
static void place_weights(struct layout *layout, const struct plugin_graph *graph, int32_t op,
                          int64_t input_channels)
{
    for (int32_t n = 0; n < graph->count; n++) {
        const struct repro_node *node = &graph->nodes[n];
        int64_t shape[3], at = layout->device_count;
        if (node->op != op)
            continue;
        weights_shape(graph, node, shape);
        int64_t room = op == REPRO_OP_CONV && node->src[0] == 0 ? input_channels : shape[1];
        layout->places[n].weights = at;
        map_weights(layout->map + node->weights, at, shape[0], shape[1], shape[2], room);
        layout->device_count += aligned(shape[0] * room * shape[2]);
    }
}

/* Every gamma, beta and bias. */
static void place_vectors(struct layout *layout, const struct plugin_graph *graph)
{
    for (int32_t n = 0; n < graph->count; n++) {
        const struct repro_node *node = &graph->nodes[n];
        struct layout_place *to = &layout->places[n];
        if (node->op == REPRO_OP_BATCH_NORM && node->weights >= 0)
            place_vector(layout, node->weights, node->channels, &to->weights);
        if (node->bias >= 0)
            place_vector(layout, node->bias, node->channels, &to->bias);
    }
}

int32_t layout_init(struct layout *layout, const struct plugin_graph *graph, int64_t input_channels,
                    struct repro_error *err)
{
    memset(layout, 0, sizeof *layout);
    layout->param_count = graph->graph.param_count;
    /* A convolution of the image grows by at most 8 times: from one channel to the eight of 16
     * bytes. */
    if (8 * layout->param_count + 2 * LAYOUT_ALIGN * (int64_t)graph->count > INT32_MAX)
        return fail(err, REPRO_UNSUPPORTED,
                    "%" PRId64 " parameters are more than cudnn's arenas hold (2^28)",
                    layout->param_count);
    layout->map = plugin_allocate(layout->param_count, sizeof *layout->map);
    layout->places = plugin_allocate(graph->count, sizeof *layout->places);
    if (layout->map == NULL || layout->places == NULL) {
        layout_release(layout);
        return fail(err, REPRO_MEMORY, "out of memory for the places of %" PRId64 " parameters",
                    graph->graph.param_count);
    }
    for (int32_t n = 0; n < graph->count; n++)
        layout->places[n] = (struct layout_place){-1, -1};
    place_weights(layout, graph, REPRO_OP_CONV, input_channels);
    layout->conv_count = layout->device_count;
    place_weights(layout, graph, REPRO_OP_DENSE, input_channels);
    layout->weight_count = layout->device_count;
    place_vectors(layout, graph);
    return 0;
}

void layout_release(struct layout *layout)
{
    free(layout->map);
    free(layout->places);
    memset(layout, 0, sizeof *layout);
}
