#include "dropout.h"

#include "cpu/loss.h"
#include "kernels.h"
#include "loop.h"

static void drop(const struct loop *loop, int64_t row, void *from, void *to)
{
    const struct layer *layer = loop->layer;
    int64_t plane = layer->use->plane;
    const uint8_t *kept = layer->kept + row * layer->use->size;
    if (loop->assign && to != from)
        layer_clear_padding(layer, to, row);
    for (int64_t c = 0; c < layer->node->channels; c++) {
        int64_t first = channel_at(&layer->tensor, plane, c);
        layer->kernels->drop(tensor_at(from, &layer->tensor, row, first), kept + c * plane,
                             layer->tensor.block, plane, loop->factor, loop->assign,
                             tensor_at(to, &layer->tensor, row, first));
    }
}

static void dropout_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    struct layer *layer = loop->layer;
    uint8_t *kept = layer->kept + row * layer->use->size;
    (void)thread;
    if (loop->given->mode != REPRO_MODE_TRAIN) {
        memcpy(tensor_at(layer->dst, &layer->tensor, row, 0),
               tensor_at(loop->src->dst, &layer->tensor, row, 0),
               (size_t)layer->tensor.row * element_size(&layer->tensor));
        return;
    }
    if (row < loop->given->count)
        dropout_draw(loop->given, row, (int32_t)(layer - loop->net->layers), layer->node->scale,
                     layer->use->size, kept);
    else
        memset(kept, 0, (size_t)layer->use->size);
    drop(loop, row, loop->src->dst, layer->dst);
}

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .given = rows,
                        .factor = 1.0f / (1.0f - layer->node->scale),
                        .assign = 1};
    loop_run(&loop, net->micro * layer->use->size * 8, net->micro, dropout_row);
}

static void dropout_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    (void)thread;
    drop(loop, row, loop->layer->diff, loop->src->diff);
}

void dropout_backward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .factor = 1.0f / (1.0f - layer->node->scale),
                        .assign = layer->use->diff_first[0]};
    if (loop.src->diff != NULL)
        loop_run(&loop, net->micro * layer->use->size, net->micro, dropout_gradient_row);
}
