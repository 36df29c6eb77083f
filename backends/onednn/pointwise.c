/* The layers between the library's: input, ReLU, add, concat, mean over the plane, dropout.  A
 * layer that is the first to write its source's diff assigns, later ones add. */
#include "kernels.h"
#include "net.h"

#include "cpu/loss.h"

static void *at(void *data, const struct tensor *tensor, int64_t row, int64_t element)
{
    return (char *)data + (size_t)(row * tensor->row + element) * element_size(tensor);
}

/* Padding stays zero: a kernel that writes channel by channel leaves it, and buffers are used again
 * for other tensors.
 */
static void clear_padding(const struct layer *layer, void *data, int64_t row)
{
    if (layer->tensor.padded != layer->node->channels)
        memset(at(data, &layer->tensor, row, 0), 0,
               (size_t)layer->tensor.row * element_size(&layer->tensor));
}

/* ---- input ---- */

int32_t input_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    const struct repro_graph *graph = &net->graph.graph;
    layer->table = library_buffer(net, (int64_t)layer->node->channels * 256, sizeof(float), err);
    if (layer->table == NULL)
        return REPRO_MEMORY;
    for (int64_t c = 0; c < layer->node->channels; c++)
        for (int64_t v = 0; v < 256; v++)
            layer->table[c * 256 + v] = ((float)v - graph->mean[c]) / graph->deviation[c];
    return 0;
}

static void input_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer;
    int64_t channels = layer->node->channels, plane = layer->use->plane;
    (void)thread;
    clear_padding(layer, layer->dst, row);
    if (row >= pass->given->count) {
        memset(at(layer->dst, &layer->tensor, row, 0), 0,
               (size_t)layer->tensor.row * element_size(&layer->tensor));
        return;
    }
    for (int64_t c = 0; c < channels; c++)
        layer->kernels->input(
            pass->given->pixels + row * layer->use->size + c, channels, layer->table + c * 256,
            plane, at(layer->dst, &layer->tensor, row, channel_at(&layer->tensor, plane, c)),
            layer->tensor.block);
}

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct pass pass = {.net = net, .layer = layer, .given = rows};
    net_parallel(&pass, net->micro * layer->use->size, net->micro, input_row);
}

/* ---- ReLU ---- */

static void relu_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer;
    (void)thread;
    layer->kernels->relu(at(pass->src->dst, &layer->tensor, row, 0), layer->tensor.row,
                         at(layer->dst, &layer->tensor, row, 0));
}

void relu_forward(struct repro_net *net, struct layer *layer)
{
    struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (!layer->fused_relu)
        net_parallel(&pass, net->micro * layer->tensor.row, net->micro, relu_row);
}

static void relu_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer;
    (void)thread;
    layer->kernels->relu_gradient(at(layer->dst, &layer->tensor, row, 0),
                                  at(layer->diff, &layer->tensor, row, 0), layer->tensor.row,
                                  pass->assign, at(pass->src->diff, &layer->tensor, row, 0));
}

void relu_backward(struct repro_net *net, struct layer *layer)
{
    struct pass pass = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .assign = layer->use->diff_first[0]};
    if (!layer->fused_relu && pass.src->diff != NULL)
        net_parallel(&pass, net->micro * layer->tensor.row, net->micro, relu_gradient_row);
}

/* ---- Sums of tensors that may lie differently ---- */

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
        clear_padding(copy->to, copy->target, row);
    for (int64_t c = 0; c < copy->channels; c += aligned ? 8 : 1)
        kernels->move(at(copy->source, from, row, channel_at(from, plane, copy->from_first + c)),
                      from->block, plane, copy->factor, copy->assign,
                      at(copy->target, to, row, channel_at(to, plane, copy->to_first + c)),
                      to->block);
}

static void add_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *a = &pass->net->layers[layer->node->src[0]];
    const struct layer *b = &pass->net->layers[layer->node->src[1]];
    (void)thread;
    if (a->tensor.tag == layer->tensor.tag && b->tensor.tag == layer->tensor.tag) {
        layer->kernels->add(at(a->dst, &a->tensor, row, 0), at(b->dst, &b->tensor, row, 0),
                            layer->tensor.row, layer->node->scale,
                            at(layer->dst, &layer->tensor, row, 0));
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
    struct pass pass = {.net = net, .layer = layer};
    if (!layer->fused_add)
        net_parallel(&pass, net->micro * layer->tensor.row, net->micro, add_row);
}

static void add_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *src = pass->src;
    (void)thread;
    if (src->tensor.tag == layer->tensor.tag) {
        layer->kernels->accumulate(at(layer->diff, &layer->tensor, row, 0), layer->tensor.row,
                                   pass->factor, pass->assign, at(src->diff, &src->tensor, row, 0));
        return;
    }
    struct copy copy = {layer,       src, layer->diff,           src->diff,
                        0,           0,   layer->node->channels, pass->factor,
                        pass->assign};
    copy_row(&copy, row);
}

void add_backward(struct repro_net *net, struct layer *layer)
{
    for (int k = 0; k < 2; k++) {
        struct pass pass = {.net = net,
                            .layer = layer,
                            .src = &net->layers[layer->node->src[k]],
                            .factor = k == 0 ? 1.0f : layer->node->scale,
                            .assign = layer->use->diff_first[k]};
        if (pass.src->diff != NULL && !layer->diff_alias[k])
            net_parallel(&pass, net->micro * layer->tensor.row, net->micro, add_gradient_row);
    }
}

static void spare_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *src = pass->src;
    (void)thread;
    src->kernels->accumulate(at(pass->net->spare, &src->tensor, row, 0), src->tensor.row, 1.0f, 0,
                             at(src->diff, &src->tensor, row, 0));
}

void spare_add(struct repro_net *net, struct layer *src)
{
    struct pass pass = {.net = net, .src = src};
    net_parallel(&pass, net->micro * src->tensor.row, net->micro, spare_row);
}

/* ---- concat ---- */

static void concat_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *src = pass->src;
    struct copy copy = {src,  layer, src->dst, layer->dst, 0, pass->first, src->node->channels,
                        1.0f, 1};
    (void)thread;
    copy_row(&copy, row);
}

static void concat_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *src = pass->src;
    struct copy copy = {layer,       src, layer->diff,         src->diff,
                        pass->first, 0,   src->node->channels, 1.0f,
                        pass->assign};
    (void)thread;
    copy_row(&copy, row);
}

static void concat(struct repro_net *net, struct layer *layer, int backward)
{
    int64_t first = 0;
    for (int k = 0; k < layer->node->src_count; k++) {
        struct layer *src = &net->layers[layer->node->src[k]];
        struct pass pass = {.net = net,
                            .layer = layer,
                            .src = src,
                            .first = first,
                            .assign = layer->use->diff_first[k]};
        if (!backward)
            net_parallel(&pass, net->micro * src->tensor.row, net->micro, concat_row);
        else if (src->diff != NULL)
            net_parallel(&pass, net->micro * src->tensor.row, net->micro, concat_gradient_row);
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

/* ---- Mean over the plane: dst is [rows, channels] f32 ---- */

static void mean_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *src = pass->src;
    int64_t plane = src->use->plane;
    float *to = (float *)layer->dst + row * layer->node->channels;
    (void)thread;
    for (int64_t c = 0; c < layer->node->channels; c += src->width) {
        double sum[8] = {0}, squares[8] = {0};
        src->kernels->sums(at(src->dst, &src->tensor, row, channel_at(&src->tensor, plane, c)),
                           src->tensor.block, plane, sum, squares);
        for (int64_t i = 0; i < src->width && c + i < layer->node->channels; i++)
            to[c + i] = (float)(sum[i] / (double)plane);
    }
}

void mean_forward(struct repro_net *net, struct layer *layer)
{
    struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    net_parallel(&pass, net->micro * pass.src->tensor.row, net->micro, mean_row);
}

static void mean_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *src = pass->src;
    int64_t plane = src->use->plane;
    const float *from = (const float *)layer->diff + row * layer->node->channels;
    (void)thread;
    for (int64_t c = 0; c < src->tensor.padded; c += src->width) {
        float value[8] = {0};
        for (int64_t i = 0; i < src->width && c + i < layer->node->channels; i++)
            value[i] = from[c + i] / (float)plane;
        src->kernels->fill(value, src->tensor.block, plane, pass->assign,
                           at(src->diff, &src->tensor, row, channel_at(&src->tensor, plane, c)));
    }
}

void mean_backward(struct repro_net *net, struct layer *layer)
{
    struct pass pass = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .assign = layer->use->diff_first[0]};
    if (pass.src->diff != NULL)
        net_parallel(&pass, net->micro * pass.src->tensor.row, net->micro, mean_gradient_row);
}

/* ---- dropout ---- */

static void drop(const struct pass *pass, int64_t row, void *from, void *to)
{
    const struct layer *layer = pass->layer;
    int64_t plane = layer->use->plane;
    const uint8_t *kept = layer->kept + row * layer->use->size;
    if (pass->assign && to != from)
        clear_padding(layer, to, row);
    for (int64_t c = 0; c < layer->node->channels; c++) {
        int64_t first = channel_at(&layer->tensor, plane, c);
        layer->kernels->drop(at(from, &layer->tensor, row, first), kept + c * plane,
                             layer->tensor.block, plane, pass->factor, pass->assign,
                             at(to, &layer->tensor, row, first));
    }
}

static void dropout_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    struct layer *layer = pass->layer;
    uint8_t *kept = layer->kept + row * layer->use->size;
    (void)thread;
    if (pass->given->mode != REPRO_MODE_TRAIN) {
        memcpy(at(layer->dst, &layer->tensor, row, 0), at(pass->src->dst, &layer->tensor, row, 0),
               (size_t)layer->tensor.row * element_size(&layer->tensor));
        return;
    }
    if (row < pass->given->count)
        dropout_draw(pass->given, row, (int32_t)(layer - pass->net->layers), layer->node->scale,
                     layer->use->size, kept);
    else
        memset(kept, 0, (size_t)layer->use->size);
    drop(pass, row, pass->src->dst, layer->dst);
}

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct pass pass = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .given = rows,
                        .factor = 1.0f / (1.0f - layer->node->scale),
                        .assign = 1};
    net_parallel(&pass, net->micro * layer->use->size * 8, net->micro, dropout_row);
}

static void dropout_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    (void)thread;
    drop(pass, row, pass->layer->diff, pass->src->diff);
}

void dropout_backward(struct repro_net *net, struct layer *layer)
{
    struct pass pass = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .factor = 1.0f / (1.0f - layer->node->scale),
                        .assign = layer->use->diff_first[0]};
    if (pass.src->diff != NULL)
        net_parallel(&pass, net->micro * layer->use->size, net->micro, dropout_gradient_row);
}
