/* Ghost batch norm, with the ReLU behind it where that is its only consumer: the library's takes
 * the whole batch, reads x three times where twice will do, and needs a mask that follows from x.
 * Work is dealt in (ghost, lane of rows, unit of channels), each summed in order; lanes are added
 * in order, so the bits depend on no thread count.  A thread has neighbouring rows, as in the
 * library's convolutions, and finds them in its own cache. */
#include "norm.h"

#include "kernels.h"
#include "loop.h"

#include <math.h>

static int64_t unit_count(const struct layer *layer)
{
    return (layer->tensor.padded + layer->width - 1) / layer->width;
}

int32_t norm_compile(struct repro_net *net, struct layer *layer, struct repro_error *err)
{
    int64_t ghosts = net->micro / net->ghost, numbers = ghosts * layer->tensor.padded;
    float **arrays[] = {&layer->mean,  &layer->variance, &layer->inverse, &layer->gain,
                        &layer->shift, &layer->slope,    &layer->offset};
    for (int i = 0; i < 7; i++)
        if ((*arrays[i] = library_buffer(&net->library, numbers, sizeof(float), err)) == NULL)
            return REPRO_MEMORY;
    layer->sums = library_buffer(&net->library,
                                 ghosts * unit_count(layer) * net->lanes * 2 * layer->width,
                                 sizeof(double), err);
    return layer->sums == NULL ? REPRO_MEMORY : 0;
}

/* Where a piece of work begins. */
struct piece {
    int64_t ghost, channel, first, last; /* channel: the unit's first; rows first..last-1 */
    int64_t at;                          /* of the channel within a row */
    struct affine by;
    double *sums; /* [2, width] */
};

static struct piece piece_at(const struct repro_net *net, const struct layer *layer, int64_t i)
{
    int64_t units = unit_count(layer), unit = i % units, lane = i / units % net->lanes,
            ghost = i / units / net->lanes;
    int64_t channel = unit * layer->width, number = ghost * layer->tensor.padded + channel;
    return (struct piece){
        .ghost = ghost,
        .channel = channel,
        .first = ghost * net->ghost + lane_first(net, lane),
        .last = ghost * net->ghost + lane_first(net, lane + 1),
        .at = channel_at(&layer->tensor, layer->use->plane, channel),
        .by = {layer->mean + number, layer->gain + number, layer->shift + number},
        .sums = layer->sums + i * 2 * layer->width,
    };
}

static void clear(double *sums, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        sums[i] = 0.0;
}

static void sums_piece(void *context, int64_t i, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct piece p = piece_at(loop->net, layer, i);
    (void)thread;
    clear(p.sums, 2 * layer->width);
    for (int64_t row = p.first; row < p.last; row++)
        layer->kernels->sums(tensor_at(src->dst, &src->tensor, row, p.at), layer->tensor.block,
                             layer->use->plane, p.sums, p.sums + layer->width);
}

static void apply_piece(void *context, int64_t i, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct piece p = piece_at(loop->net, layer, i);
    (void)thread;
    for (int64_t row = p.first; row < p.last; row++)
        layer->kernels->apply(tensor_at(src->dst, &src->tensor, row, p.at), layer->tensor.block,
                              layer->use->plane, &p.by, layer->fused_relu,
                              tensor_at(layer->dst, &layer->tensor, row, p.at));
}

/* The lanes' sums of channel c of a ghost, added in order. */
static void add_lanes(const struct repro_net *net, const struct layer *layer, int64_t ghost,
                      int64_t c, double *first, double *second)
{
    int64_t width = layer->width, units = unit_count(layer);
    *first = *second = 0.0;
    for (int64_t l = 0; l < net->lanes; l++) {
        const double *sums = layer->sums +
                             ((ghost * net->lanes + l) * units + c / width) * 2 * width + c % width;
        *first += sums[0];
        *second += sums[width];
    }
}

static void set_affine(struct repro_net *net, struct layer *layer, int64_t ghost, int64_t c,
                       double mean, double variance)
{
    int64_t number = ghost * layer->tensor.padded + c;
    double inverse = 1.0 / sqrt(variance + (double)layer->node->epsilon);
    layer->mean[number] = (float)mean;
    layer->variance[number] = (float)variance;
    layer->inverse[number] = (float)inverse;
    double gamma = layer->node->weights < 0 ? 1.0
                                            : (double)net->arenas.param[layer->node->weights + c];
    layer->gain[number] = (float)(gamma * inverse);
    layer->shift[number] = net->arenas.param[layer->node->bias + c];
}

void norm_forward(struct repro_net *net, struct layer *layer, int32_t mode)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    int64_t ghosts = net->micro / net->ghost, pieces = ghosts * unit_count(layer) * net->lanes,
            channels = layer->node->channels;
    const float *running = net->arenas.running + layer->node->running;
    double n = (double)net->ghost * (double)layer->use->plane;
    if (mode == REPRO_MODE_TRAIN)
        loop_run(&loop, net->micro * layer->tensor.row, pieces, sums_piece);
    for (int64_t g = 0; g < ghosts; g++)
        for (int64_t c = 0; c < channels; c++) {
            double mean = (double)running[c], variance = (double)running[channels + c], sum,
                   squares;
            if (mode == REPRO_MODE_TRAIN) {
                add_lanes(net, layer, g, c, &sum, &squares);
                mean = sum / n;
                variance = fmax(squares / n - mean * mean, 0.0);
            }
            set_affine(net, layer, g, c, mean, variance);
        }
    loop_run(&loop, net->micro * layer->tensor.row, pieces, apply_piece);
}

static void moments_piece(void *context, int64_t i, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct piece p = piece_at(loop->net, layer, i);
    (void)thread;
    clear(p.sums, 2 * layer->width);
    for (int64_t row = p.first; row < p.last; row++)
        layer->kernels->moments(tensor_at(src->dst, &src->tensor, row, p.at),
                                tensor_at(layer->diff, &layer->tensor, row, p.at),
                                layer->tensor.block, layer->use->plane, &p.by, layer->fused_relu,
                                p.sums, p.sums + layer->width);
}

static void gradient_piece(void *context, int64_t i, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    struct piece p = piece_at(loop->net, layer, i);
    int64_t number = p.ghost * layer->tensor.padded + p.channel;
    (void)thread;
    for (int64_t row = p.first; row < p.last; row++)
        layer->kernels->gradient(tensor_at(src->dst, &src->tensor, row, p.at),
                                 tensor_at(layer->diff, &layer->tensor, row, p.at),
                                 layer->tensor.block, layer->use->plane, &p.by,
                                 layer->offset + number, layer->slope + number, layer->fused_relu,
                                 loop->assign, tensor_at(src->diff, &src->tensor, row, p.at));
}

void norm_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct layer *src = &net->layers[layer->node->src[0]];
    struct loop loop = {
        .net = net, .layer = layer, .src = src, .assign = layer->use->diff_first[0]};
    int64_t ghosts = net->micro / net->ghost, pieces = ghosts * unit_count(layer) * net->lanes,
            channels = layer->node->channels;
    float *sums = net->arenas.partial + net->arenas.param_count + layer->node->running;
    double n = (double)net->ghost * (double)layer->use->plane;
    loop_run(&loop, net->micro * layer->tensor.row, pieces, moments_piece);
    for (int64_t c = 0; c < channels; c++) {
        double gamma = 0.0, beta = 0.0;
        for (int64_t g = 0; g < ghosts; g++) {
            int64_t number = g * layer->tensor.padded + c;
            double first, second, inverse = (double)layer->inverse[number];
            add_lanes(net, layer, g, c, &first, &second);
            layer->offset[number] = (float)(first / n);
            layer->slope[number] = (float)(second * inverse * inverse / n);
            beta += first;
            gamma += second * inverse;
            if (g * net->ghost < rows) {
                sums[c] += layer->mean[number];
                sums[channels + c] += layer->variance[number];
            }
        }
        if (layer->node->weights >= 0)
            net->arenas.partial[layer->node->weights + c] += (float)gamma;
        net->arenas.partial[layer->node->bias + c] += (float)beta;
    }
    if (src->diff != NULL)
        loop_run(&loop, net->micro * layer->tensor.row, pieces, gradient_piece);
}
