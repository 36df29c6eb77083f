/* For how many rows a network computes, and the convolutions' executions for each number. */
#include "choice.h"
#include "net.h"

#include <stdlib.h>
#include <string.h>

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What column sums need for scratch at a size: of a batch norm by ghosts, of a bias over all rows,
 * of an evaluation likewise. */
void size_measure(struct repro_net *net, const struct net_size *size, const struct net_layer *layer)
{
    int64_t ghost = net->graph.options.ghost, ghosts = size->trains ? size->rows / ghost : 1;
    struct launch_columns by_ghost = launch_columns(layer->node->channels,
                                                    size->rows / ghosts * layer->use->plane, ghosts,
                                                    kernel_bytes(layer->type));
    struct launch_columns whole = launch_columns(
        layer->node->channels, size->rows * layer->use->plane, 1, kernel_bytes(layer->type));
    const struct launch_columns *both[] = {&by_ghost, &whole};
    for (int k = 0; k < 2; k++) {
        net->scratch_count = larger(net->scratch_count, launch_scratch(both[k]));
        net->unit_count = larger(net->unit_count, both[k]->ghosts * 2 * both[k]->channels);
        net->ticket_count = larger(net->ticket_count, (both[k]->ghosts + 1) * both[k]->tiles);
    }
}

static struct dnn_conv conv_of(const struct repro_net *net, const struct net_layer *layer,
                               const struct net_size *size)
{
    const struct repro_node *node = layer->node, *src = plugin_source(&net->graph, node, 0);
    return (struct dnn_conv){.bf16 = net->type == KERNEL_BF16,
                             .tensor_cores = net->graph.options.precision == REPRO_PRECISION_TF32,
                             .rows = size->rows,
                             .channels = node->src[0] == 0 ? net->input_channels : src->channels,
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

/* Whether a layer's convolution adds to its result in that direction. */
static int adds(const struct net_layer *layer, int direction)
{
    return (direction == DNN_DATA && !layer->use->diff_first[0]) ||
           (direction == DNN_FORWARD && layer->lowered->onto != LOWER_NONE);
}

static struct dnn_execution *execution_at(const struct repro_net *net, const struct net_size *size,
                                          const struct net_layer *layer, int direction)
{
    return &size->executions[(layer - net->layers) * DNN_DIRECTIONS + direction];
}

/* An earlier layer's execution for the same shape, direction and way of writing; NULL when this is
 * the first. */
static const struct dnn_execution *same_execution(const struct repro_net *net,
                                                  const struct net_size *size,
                                                  const struct net_layer *layer, int direction)
{
    struct dnn_conv conv = conv_of(net, layer, size);
    for (const struct net_layer *other = net->layers; other < layer; other++) {
        const struct dnn_execution *execution = execution_at(net, size, other, direction);
        if (execution->descriptor == NULL || adds(other, direction) != adds(layer, direction))
            continue;
        struct dnn_conv theirs = conv_of(net, other, size);
        if (memcmp(&conv, &theirs, sizeof conv) == 0)
            return execution;
    }
    return NULL;
}

int32_t size_choose(struct repro_net *net, const struct net_size *size,
                    const struct net_layer *layer, struct repro_error *err)
{
    struct engine_target target = {.handle = net->device->handle,
                                   .nondeterministic = net->device->nondeterministic};
    const struct tuner *tuner = net->device->tuner.path == NULL ? NULL : &net->device->tuner;
    struct dnn_conv conv = conv_of(net, layer, size);
    int wants_data = net->layers[layer->node->src[0]].use->needs_diff;
    for (int k = 0; k < DNN_DIRECTIONS; k++) {
        struct dnn_execution *execution = execution_at(net, size, layer, k);
        if ((k == DNN_DATA && !wants_data) || (k != DNN_FORWARD && !size->trains))
            continue;
        const struct dnn_execution *same = same_execution(net, size, layer, k);
        int32_t code = 0;
        if (same != NULL)
            dnn_borrow(execution, same);
        else
            code = choice_make(execution, &target, tuner, &conv, (enum dnn_direction)k,
                               adds(layer, k), err);
        if (code != 0)
            return code;
        int64_t *bytes = k == DNN_WEIGHTS ? &net->side_workspace_bytes : &net->workspace_bytes;
        *bytes = larger(*bytes, execution->workspace);
    }
    return 0;
}

int32_t size_bind(const struct repro_net *net, const struct net_size *size,
                  const struct net_layer *layer, struct repro_error *err)
{
    const struct net_layer *src = &net->layers[layer->node->src[0]];
    int64_t type = kernel_bytes(net->type),
            at = net->layout.places[layer - net->layers].weights * type;
    char *weights = (char *)net->weights + at, *grads = (char *)net->grads + at;
    int32_t code = dnn_bind(execution_at(net, size, layer, DNN_FORWARD), src->dst, weights,
                            layer->dst, net->workspace, err);
    if (code == 0 && size->trains)
        code = dnn_bind(execution_at(net, size, layer, DNN_WEIGHTS), src->dst, grads, layer->diff,
                        net->side_workspace, err);
    if (code == 0 && size->trains && src->use->needs_diff)
        code = dnn_bind(execution_at(net, size, layer, DNN_DATA), src->diff, weights, layer->diff,
                        net->workspace, err);
    return code;
}

/* Puts a number of rows among the sizes, in order, once; a number beyond NET_SIZES is left to the
 * next larger size.
 */
static void add_size(struct repro_net *net, int64_t rows)
{
    int32_t at = 0;
    while (at < net->size_count && net->sizes[at].rows < rows)
        at++;
    if ((at < net->size_count && net->sizes[at].rows == rows) || net->size_count == NET_SIZES)
        return;
    memmove(&net->sizes[at + 1], &net->sizes[at],
            (size_t)(net->size_count - at) * sizeof *net->sizes);
    net->sizes[at] = (struct net_size){.rows = rows,
                                       .trains = rows % net->graph.options.ghost == 0};
    net->size_count++;
}

int32_t sizes_init(struct repro_net *net, struct repro_error *err)
{
    const struct repro_net_options *options = &net->graph.options;
    if (options->slots < 0 || options->count_count < 0 ||
        (options->count_count > 0 && options->counts == NULL))
        return fail(err, REPRO_ARGUMENT, "%d slots and %d numbers of rows are impossible",
                    (int)options->slots, (int)options->count_count);
    add_size(net, options->micro);
    for (int32_t k = 0; k < options->count_count; k++) {
        if (options->counts[k] < 1 || options->counts[k] > options->micro)
            return fail(err, REPRO_ARGUMENT,
                        "calls of %d rows are announced to a network compiled for 1 to %d",
                        (int)options->counts[k], (int)options->micro);
        add_size(net, options->counts[k]);
    }
    for (int32_t k = 0; k < net->size_count; k++) {
        net->sizes[k].executions = plugin_allocate((int64_t)net->count * DNN_DIRECTIONS,
                                                   sizeof *net->sizes[k].executions);
        if (net->sizes[k].executions == NULL)
            return fail(err, REPRO_MEMORY, "out of memory for %d nodes", (int)net->count);
    }
    return 0;
}

void sizes_release(struct repro_net *net)
{
    for (int32_t k = 0; k < net->size_count; k++) {
        for (int64_t i = 0;
             net->sizes[k].executions != NULL && i < (int64_t)net->count * DNN_DIRECTIONS; i++)
            dnn_release(&net->sizes[k].executions[i]);
        free(net->sizes[k].executions);
    }
}
