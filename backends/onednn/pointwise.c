/* A layer that is the first to write its source's diff assigns, later ones add. */
#include "pointwise.h"

#include "kernels.h"
#include "loop.h"

/* ---- input ---- */

int32_t input_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    layer->table = library_buffer(&net->library, (int64_t)layer->node->channels * 256,
                                  sizeof(float), err);
    if (layer->table == NULL)
        return REPRO_MEMORY;
    for (int64_t c = 0; c < layer->node->channels; c++)
        for (int64_t v = 0; v < 256; v++)
            layer->table[c * 256 + v] = ((float)v - graph->mean[c]) / graph->deviation[c];
    return 0;
}

static void input_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    int64_t channels = layer->node->channels, plane = layer->use->plane;
    (void)thread;
    layer_clear_padding(layer, layer->dst, row);
    if (row >= loop->given->count) {
        memset(tensor_at(layer->dst, &layer->tensor, row, 0), 0,
               (size_t)layer->tensor.row * element_size(&layer->tensor));
        return;
    }
    for (int64_t c = 0; c < channels; c++)
        layer->kernels->input(
            loop->given->pixels + row * layer->use->size + c, channels, layer->table + c * 256,
            plane, tensor_at(layer->dst, &layer->tensor, row, channel_at(&layer->tensor, plane, c)),
            layer->tensor.block);
}

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct loop loop = {.net = net, .layer = layer, .given = rows};
    loop_run(&loop, net->micro * layer->use->size, net->micro, input_row);
}

/* ---- ReLU ---- */

static void relu_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    (void)thread;
    layer->kernels->relu(tensor_at(loop->src->dst, &layer->tensor, row, 0), layer->tensor.row,
                         tensor_at(layer->dst, &layer->tensor, row, 0));
}

void relu_forward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (!layer->fused_relu)
        loop_run(&loop, net->micro * layer->tensor.row, net->micro, relu_row);
}

static void relu_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    (void)thread;
    layer->kernels->relu_gradient(tensor_at(layer->dst, &layer->tensor, row, 0),
                                  tensor_at(layer->diff, &layer->tensor, row, 0), layer->tensor.row,
                                  loop->assign, tensor_at(loop->src->diff, &layer->tensor, row, 0));
}

void relu_backward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .assign = layer->use->diff_first[0]};
    if (!layer->fused_relu && loop.src->diff != NULL)
        loop_run(&loop, net->micro * layer->tensor.row, net->micro, relu_gradient_row);
}

/* ---- Mean over the plane: dst is [rows, channels] f32 ---- */

static void mean_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    int64_t plane = src->use->plane;
    float *to = (float *)layer->dst + row * layer->node->channels;
    (void)thread;
    for (int64_t c = 0; c < layer->node->channels; c += src->width) {
        double sum[8] = {0}, squares[8] = {0};
        src->kernels->sums(
            tensor_at(src->dst, &src->tensor, row, channel_at(&src->tensor, plane, c)),
            src->tensor.block, plane, sum, squares);
        for (int64_t i = 0; i < src->width && c + i < layer->node->channels; i++)
            to[c + i] = (float)(sum[i] / (double)plane);
    }
}

void mean_forward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    loop_run(&loop, net->micro * loop.src->tensor.row, net->micro, mean_row);
}

static void mean_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    int64_t plane = src->use->plane;
    const float *from = (const float *)layer->diff + row * layer->node->channels;
    (void)thread;
    for (int64_t c = 0; c < src->tensor.padded; c += src->width) {
        float value[8] = {0};
        for (int64_t i = 0; i < src->width && c + i < layer->node->channels; i++)
            value[i] = from[c + i] / (float)plane;
        src->kernels->fill(
            value, src->tensor.block, plane, loop->assign,
            tensor_at(src->diff, &src->tensor, row, channel_at(&src->tensor, plane, c)));
    }
}

void mean_backward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .assign = layer->use->diff_first[0]};
    if (loop.src->diff != NULL)
        loop_run(&loop, net->micro * loop.src->tensor.row, net->micro, mean_gradient_row);
}
