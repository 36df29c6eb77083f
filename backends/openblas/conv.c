/* Convolutions.  An image's columns are made a few output rows at a time, so that they are still in
 * the second-level cache when sgemm reads them.  Shapes in comments: O, I channels of dst and src;
 * K = I * kernel_h * kernel_w. */
#include "columns.h"
#include "loop.h"

#include <cblas.h>
#include <string.h>

#define MACS_PER_FLOAT 4 /* multiply-adds that take as long as one float of elementwise work */

/* One thread's. */
struct scratch {
    float *columns, *shifted;
};

static struct scratch scratch_of(const struct repro_net *net, int32_t thread)
{
    float *shifted = net->columns + net->device->threads * net->column_floats;
    return (struct scratch){net->columns + thread * net->column_floats,
                            shifted + thread * net->shifted_floats};
}

static int64_t rows_at_once(int64_t k, int64_t width, int64_t height)
{
    int64_t rows = COLUMN_FLOATS / (k * width);
    return rows < 1 ? 1 : rows > height ? height : rows;
}

static int is_pointwise(const struct repro_node *node)
{
    return node->kernel_h == 1 && node->kernel_w == 1 && node->stride_h == 1 &&
           node->stride_w == 1 && node->pad_top == 0 && node->pad_left == 0 &&
           node->pad_bottom == 0 && node->pad_right == 0;
}

/* The gradient to src of a stride-1 convolution is a convolution of diff with reversed taps. */
static int is_reversible(const struct repro_node *node)
{
    return node->stride_h == 1 && node->stride_w == 1 && node->pad_top < node->kernel_h &&
           node->pad_left < node->kernel_w;
}

int64_t conv_shifted_floats(const struct repro_node *node, const struct repro_node *src)
{
    int64_t height = node->height > src->height ? node->height : src->height;
    int64_t width = node->width > src->width ? node->width : src->width;
    return (height + node->kernel_h) * width;
}

int64_t conv_column_floats(const struct repro_node *node, const struct repro_node *src)
{
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    int64_t forward = src->channels * taps * node->width,
            backward = node->channels * taps * src->width;
    int64_t larger = forward > backward ? forward : backward;
    return larger > COLUMN_FLOATS ? larger : COLUMN_FLOATS;
}

static struct columns_view src_view(const struct layer *layer, const struct layer *src,
                                    const float *planes)
{
    const struct repro_node *node = layer->node;
    return (struct columns_view){planes,           src->node->channels, src->node->height,
                                 src->node->width, node->kernel_h,      node->kernel_w,
                                 node->stride_h,   node->stride_w,      node->pad_top,
                                 node->pad_left,   node->width};
}

static void forward_row(const struct repro_net *net, const struct layer *layer,
                        const struct layer *src, int64_t row, struct scratch scratch)
{
    const struct repro_node *node = layer->node;
    const float *weights = net->arenas.param + node->weights,
                *from = src->dst + row * src->use->size;
    float *to = layer->dst + row * layer->use->size, beta = 0.0f;
    int64_t k = (int64_t)src->node->channels * node->kernel_h * node->kernel_w;
    if (node->flags & REPRO_NODE_BIAS) {
        beta = 1.0f;
        for (int64_t o = 0; o < node->channels; o++)
            for (int64_t i = 0; i < layer->use->plane; i++)
                to[o * layer->use->plane + i] = net->arenas.param[node->bias + o];
    }
    if (is_pointwise(node)) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, node->channels,
                    (int)layer->use->plane, (int)k, 1.0f, weights, (int)k, from,
                    (int)layer->use->plane, beta, to, (int)layer->use->plane);
        return;
    }
    struct columns_view view = src_view(layer, src, from);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        columns_gather(&view, y, rows, scratch.columns, scratch.shifted);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, node->channels, (int)count, (int)k,
                    1.0f, weights, (int)k, scratch.columns, (int)count, beta, to + y * node->width,
                    (int)layer->use->plane);
    }
}

/* Floats of simple work that a convolution's pass is worth. */
static int64_t work(const struct loop *loop)
{
    const struct repro_node *node = loop->layer->node;
    int64_t k = (int64_t)loop->src->node->channels * node->kernel_h * node->kernel_w;
    return loop->rows * loop->layer->use->size * k / MACS_PER_FLOAT;
}

static void forward_lane(void *context, int64_t l, int32_t thread)
{
    const struct loop *loop = context;
    for (int64_t row = lane_first(loop->rows, l); row < lane_first(loop->rows, l + 1); row++)
        forward_row(loop->net, loop->layer, loop->src, row, scratch_of(loop->net, thread));
}

void conv_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {
        .net = net, .layer = layer, .src = &net->layers[layer->node->src[0]], .rows = rows};
    loop_run(&loop, work(&loop), NET_LANES, forward_lane);
}

/* lane [O, K] (+)= diff [O, plane] x columns^T. */
static void weights_row(const struct layer *layer, const struct layer *src, int64_t row, int fresh,
                        float *lane, struct scratch scratch)
{
    const struct repro_node *node = layer->node;
    const float *from = src->dst + row * src->use->size,
                *diff = layer->diff + row * layer->use->size;
    int64_t k = (int64_t)src->node->channels * node->kernel_h * node->kernel_w;
    int64_t step = is_pointwise(node) ? node->height : rows_at_once(k, node->width, node->height);
    struct columns_view view = src_view(layer, src, from);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        const float *right = from;
        if (!is_pointwise(node)) {
            columns_gather(&view, y, rows, scratch.columns, scratch.shifted);
            right = scratch.columns;
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, node->channels, (int)k, (int)count,
                    1.0f, diff + y * node->width, (int)layer->use->plane, right, (int)count,
                    fresh && y == 0 ? 0.0f : 1.0f, lane, (int)k);
    }
}

/* diff of src, stride 1: columns of diff times the flipped weights [I, O * taps]. */
static void reversed_row(const struct layer *layer, struct layer *src, int64_t row, float beta,
                         struct scratch scratch)
{
    const struct repro_node *node = layer->node;
    const float *diff = layer->diff + row * layer->use->size;
    float *to = src->diff + row * src->use->size;
    int64_t k = (int64_t)node->channels * node->kernel_h * node->kernel_w, width = src->node->width;
    struct columns_view view = {diff,
                                node->channels,
                                node->height,
                                node->width,
                                node->kernel_h,
                                node->kernel_w,
                                1,
                                1,
                                node->kernel_h - 1 - node->pad_top,
                                node->kernel_w - 1 - node->pad_left,
                                width};
    int64_t step = rows_at_once(k, width, src->node->height);
    for (int64_t y = 0; y < src->node->height; y += step) {
        int64_t rows = src->node->height - y < step ? src->node->height - y : step,
                count = rows * width;
        columns_gather(&view, y, rows, scratch.columns, scratch.shifted);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, src->node->channels, (int)count,
                    (int)k, 1.0f, layer->flipped, (int)k, scratch.columns, (int)count, beta,
                    to + y * width, (int)src->use->plane);
    }
}

/* diff of src, any stride: columns = weights^T x diff, scattered. */
static void scattered_row(const struct repro_net *net, const struct layer *layer, struct layer *src,
                          int64_t row, float beta, struct scratch scratch)
{
    const struct repro_node *node = layer->node;
    const float *weights = net->arenas.param + node->weights,
                *diff = layer->diff + row * layer->use->size;
    float *to = src->diff + row * src->use->size;
    int64_t k = (int64_t)src->node->channels * node->kernel_h * node->kernel_w;
    if (is_pointwise(node)) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)layer->use->plane,
                    node->channels, 1.0f, weights, (int)k, diff, (int)layer->use->plane, beta, to,
                    (int)layer->use->plane);
        return;
    }
    if (beta == 0.0f)
        memset(to, 0, (size_t)src->use->size * sizeof *to);
    struct columns_view view = src_view(layer, src, NULL);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)count, node->channels,
                    1.0f, weights, (int)k, diff + y * node->width, (int)layer->use->plane, 0.0f,
                    scratch.columns, (int)count);
        columns_scatter(&view, y, rows, scratch.columns, to);
    }
}

/* weights [O, I, kh, kw] -> flipped [I, O, kh, kw] with both tap axes reversed. */
static void flip_weights(const struct repro_net *net, struct layer *layer, int64_t src_channels)
{
    const struct repro_node *node = layer->node;
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    for (int64_t o = 0; o < node->channels; o++)
        for (int64_t i = 0; i < src_channels; i++) {
            const float *from = net->arenas.param + node->weights + (o * src_channels + i) * taps;
            float *to = layer->flipped + (i * node->channels + o) * taps;
            for (int64_t t = 0; t < taps; t++)
                to[t] = from[taps - 1 - t];
        }
}

/* PARTIAL += the lanes that have rows, in lane order, for output channel o. */
static void reduce_channel(void *context, int64_t o, int32_t thread)
{
    const struct loop *loop = context;
    const struct repro_node *node = loop->layer->node;
    int64_t k = (int64_t)loop->src->node->channels * node->kernel_h * node->kernel_w;
    float *partial = loop->net->arenas.partial + node->weights;
    (void)thread;
    for (int64_t i = o * k; i < (o + 1) * k; i++) {
        float sum = 0.0f;
        for (int64_t l = 0; l < NET_LANES; l++)
            if (lane_first(loop->rows, l) < lane_first(loop->rows, l + 1))
                sum += loop->net->lanes[l * loop->net->lane_floats + i];
        partial[i] += sum;
    }
}

static void bias_gradient(struct repro_net *net, const struct layer *layer, int64_t rows)
{
    for (int64_t o = 0; o < layer->node->channels; o++) {
        double sum = 0.0;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t i = 0; i < layer->use->plane; i++)
                sum += (double)layer->diff[row * layer->use->size + o * layer->use->plane + i];
        net->arenas.partial[layer->node->bias + o] += (float)sum;
    }
}

static void backward_lane(void *context, int64_t l, int32_t thread)
{
    const struct loop *loop = context;
    struct scratch scratch = scratch_of(loop->net, thread);
    float *lane = loop->net->lanes + l * loop->net->lane_floats,
          beta = loop->layer->use->diff_first[0] ? 0.0f : 1.0f;
    int64_t first = lane_first(loop->rows, l);
    for (int64_t row = first; row < lane_first(loop->rows, l + 1); row++) {
        weights_row(loop->layer, loop->src, row, row == first, lane, scratch);
        if (loop->reversed)
            reversed_row(loop->layer, loop->src, row, beta, scratch);
        else if (loop->src->diff != NULL)
            scattered_row(loop->net, loop->layer, loop->src, row, beta, scratch);
    }
}

void conv_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = layer->node;
    struct loop loop = {
        .net = net, .layer = layer, .src = &net->layers[node->src[0]], .rows = rows};
    loop.reversed = loop.src->diff != NULL && is_reversible(node) && !is_pointwise(node);
    if (loop.reversed)
        flip_weights(net, layer, loop.src->node->channels);
    loop_run(&loop, work(&loop), NET_LANES, backward_lane);
    loop_run(&loop, work(&loop) / layer->use->plane, node->channels, reduce_channel);
    if (node->flags & REPRO_NODE_BIAS)
        bias_gradient(net, layer, rows);
}
