/* A layer that is the first to write its source's diff assigns, later ones add. */
#include "sums.h"

#include "kernels.h"
#include "loop.h"

/* Channels first..first+channels-1 of `to` (+)= factor * those of `from`, for one row. */
struct copy {
    const struct layer *from, *to;
    void *source, *target;
    int64_t from_first, to_first, channels;
    float factor;
    int assign;
};

static void copy_row(const struct copy *copy, int64_t row)
{
    const struct tensor *from = &copy->from->tensor, *to = &copy->to->tensor;
    int64_t plane = copy->to->use->plane;
    int aligned = copy->from->width == 8 && copy->to->width == 8 && copy->from_first % 8 == 0 &&
                  copy->to_first % 8 == 0 && copy->channels % 8 == 0;
    const struct kernels *one = to->type == dnnl_bf16 ? &kernels_bf16_1 : &kernels_f32_1;
    const struct kernels *kernels = aligned ? copy->to->kernels : one;
    if (copy->assign && copy->to_first == 0)
        layer_clear_padding(copy->to, copy->target, row);
    for (int64_t c = 0; c < copy->channels; c += aligned ? 8 : 1)
        kernels->move(
            tensor_at(copy->source, from, row, channel_at(from, plane, copy->from_first + c)),
            from->block, plane, copy->factor, copy->assign,
            tensor_at(copy->target, to, row, channel_at(to, plane, copy->to_first + c)), to->block);
}

static void add_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *a = &loop->net->layers[layer->node->src[0]];
    const struct layer *b = &loop->net->layers[layer->node->src[1]];
    (void)thread;
    if (a->tensor.tag == layer->tensor.tag && b->tensor.tag == layer->tensor.tag) {
        layer->kernels->add(tensor_at(a->dst, &a->tensor, row, 0),
                            tensor_at(b->dst, &b->tensor, row, 0), layer->tensor.row,
                            layer->node->scale, tensor_at(layer->dst, &layer->tensor, row, 0));
        return;
    }
    struct copy first = {a, layer, a->dst, layer->dst, 0, 0, layer->node->channels, 1.0f, 1};
    struct copy second = {
        b, layer, b->dst, layer->dst, 0, 0, layer->node->channels, layer->node->scale, 0};
    copy_row(&first, row);
    copy_row(&second, row);
}

void add_forward(struct repro_net *net, struct layer *layer)
{
    struct loop loop = {.net = net, .layer = layer};
    if (!layer->fused_add)
        loop_run(&loop, net->micro * layer->tensor.row, net->micro, add_row);
}

static void add_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    (void)thread;
    if (src->tensor.tag == layer->tensor.tag) {
        layer->kernels->accumulate(tensor_at(layer->diff, &layer->tensor, row, 0),
                                   layer->tensor.row, loop->factor, loop->assign,
                                   tensor_at(src->diff, &src->tensor, row, 0));
        return;
    }
    struct copy copy = {layer,       src, layer->diff,           src->diff,
                        0,           0,   layer->node->channels, loop->factor,
                        loop->assign};
    copy_row(&copy, row);
}

void add_backward(struct repro_net *net, struct layer *layer)
{
    for (int k = 0; k < 2; k++) {
        struct loop loop = {.net = net,
                            .layer = layer,
                            .src = &net->layers[layer->node->src[k]],
                            .factor = k == 0 ? 1.0f : layer->node->scale,
                            .assign = layer->use->diff_first[k]};
        if (loop.src->diff != NULL && !layer->diff_alias[k])
            loop_run(&loop, net->micro * layer->tensor.row, net->micro, add_gradient_row);
    }
}

static void spare_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *src = loop->src;
    (void)thread;
    src->kernels->accumulate(tensor_at(loop->net->spare, &src->tensor, row, 0), src->tensor.row,
                             1.0f, 0, tensor_at(src->diff, &src->tensor, row, 0));
}

void spare_add(struct repro_net *net, struct layer *src)
{
    struct loop loop = {.net = net, .src = src};
    loop_run(&loop, net->micro * src->tensor.row, net->micro, spare_row);
}

/* ---- concat ---- */

static void concat_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct copy copy = {src,  layer, src->dst, layer->dst, 0, loop->first, src->node->channels,
                        1.0f, 1};
    (void)thread;
    copy_row(&copy, row);
}

static void concat_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct copy copy = {layer,       src, layer->diff,         src->diff,
                        loop->first, 0,   src->node->channels, 1.0f,
                        loop->assign};
    (void)thread;
    copy_row(&copy, row);
}

static void concat(struct repro_net *net, struct layer *layer, int backward)
{
    int64_t first = 0;
    for (int k = 0; k < layer->node->src_count; k++) {
        struct layer *src = &net->layers[layer->node->src[k]];
        struct loop loop = {.net = net,
                            .layer = layer,
                            .src = src,
                            .first = first,
                            .assign = layer->use->diff_first[k]};
        if (!backward)
            loop_run(&loop, net->micro * src->tensor.row, net->micro, concat_row);
        else if (src->diff != NULL)
            loop_run(&loop, net->micro * src->tensor.row, net->micro, concat_gradient_row);
        first += src->node->channels;
    }
}

void concat_forward(struct repro_net *net, struct layer *layer)
{
    concat(net, layer, 0);
}

void concat_backward(struct repro_net *net, struct layer *layer)
{
    concat(net, layer, 1);
}
