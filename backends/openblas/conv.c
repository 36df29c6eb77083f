/* Convolutions.  An image's columns are made a few output rows at a time, so that they are still in the second-level cache when sgemm
 * reads them.  Shapes in comments: O, I channels of dst and src; K = I * kernel_h * kernel_w. */
#include "net.h"

#include <cblas.h>
#include <omp.h>
#include <string.h>

#define MACS_PER_FLOAT 4 /* multiply-adds that take as long as one float of elementwise work */

/* What im2col reads: planes of height x width, and where the window of output (0, 0) begins. */
struct view {
    const float *planes;
    int64_t channels, height, width;
    int64_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    int64_t out_width;
};

static inline int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One output row of one tap: dst[x] = src[x * stride + shift], zero outside. */
static inline void tap_row(const float *restrict src, int64_t width, int64_t stride, int64_t shift, int64_t count,
                           float *restrict dst)
{
    int64_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
    int64_t end = width > shift ? (width - shift + stride - 1) / stride : 0;
    begin = clamp(begin, 0, count);
    end = clamp(end, begin, count);
    for (int64_t x = 0; x < begin; x++)
        dst[x] = 0.0f;
    if (stride == 1)
        memcpy(dst + begin, src + begin + shift, (size_t)(end - begin) * sizeof *dst);
    else
        for (int64_t x = begin; x < end; x++)
            dst[x] = src[x * stride + shift];
    for (int64_t x = end; x < count; x++)
        dst[x] = 0.0f;
}

/* columns [K, rows * out_width] for output rows first..first+rows-1. */
static void im2col(const struct view *view, int64_t first, int64_t rows, float *columns)
{
    int64_t count = view->out_width;
    for (int64_t c = 0; c < view->channels; c++) {
        const float *plane = view->planes + c * view->height * view->width;
        for (int64_t u = 0; u < view->kernel_h; u++) {
            for (int64_t v = 0; v < view->kernel_w; v++) {
                for (int64_t y = first; y < first + rows; y++, columns += count) {
                    int64_t at = y * view->stride_h + u - view->top;
                    if (at < 0 || at >= view->height)
                        memset(columns, 0, (size_t)count * sizeof *columns);
                    else
                        tap_row(plane + at * view->width, view->width, view->stride_w, v - view->left, count, columns);
                }
            }
        }
    }
}

/* The reverse: adds columns into the planes. */
static void col2im(const struct view *view, int64_t first, int64_t rows, const float *columns, float *planes)
{
    for (int64_t c = 0; c < view->channels; c++) {
        float *plane = planes + c * view->height * view->width;
        for (int64_t u = 0; u < view->kernel_h; u++) {
            for (int64_t v = 0; v < view->kernel_w; v++) {
                for (int64_t y = first; y < first + rows; y++, columns += view->out_width) {
                    int64_t at = y * view->stride_h + u - view->top;
                    if (at < 0 || at >= view->height)
                        continue;
                    float *row = plane + at * view->width;
                    for (int64_t x = 0; x < view->out_width; x++) {
                        int64_t column = x * view->stride_w + v - view->left;
                        if (column >= 0 && column < view->width)
                            row[column] += columns[x];
                    }
                }
            }
        }
    }
}

static int64_t rows_at_once(int64_t k, int64_t width, int64_t height)
{
    return clamp(COLUMN_FLOATS / (k * width), 1, height);
}

static int is_pointwise(const struct repro_node *node)
{
    return node->kernel_h == 1 && node->kernel_w == 1 && node->stride_h == 1 && node->stride_w == 1 &&
           node->pad_top == 0 && node->pad_left == 0 && node->pad_bottom == 0 && node->pad_right == 0;
}

/* The gradient to src of a stride-1 convolution is a convolution of diff with reversed taps. */
static int is_reversible(const struct repro_node *node)
{
    return node->stride_h == 1 && node->stride_w == 1 && node->pad_top < node->kernel_h && node->pad_left < node->kernel_w;
}

int64_t conv_column_floats(const struct repro_node *node, const struct repro_node *src)
{
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    int64_t forward = src->channels * taps * node->width, backward = node->channels * taps * src->width;
    int64_t larger = forward > backward ? forward : backward;
    return larger > COLUMN_FLOATS ? larger : COLUMN_FLOATS;
}

static struct view src_view(const struct layer *layer, const struct layer *src, const float *planes)
{
    const struct repro_node *node = &layer->node;
    return (struct view){planes, src->node.channels, src->node.height, src->node.width, node->kernel_h, node->kernel_w,
                         node->stride_h, node->stride_w, node->pad_top, node->pad_left, node->width};
}

static void forward_row(const struct repro_net *net, const struct layer *layer, const struct layer *src, int64_t row,
                        float *columns)
{
    const struct repro_node *node = &layer->node;
    const float *weights = net->param + node->weights, *from = src->dst + row * src->size;
    float *to = layer->dst + row * layer->size, beta = 0.0f;
    int64_t k = (int64_t)src->node.channels * node->kernel_h * node->kernel_w;
    if (node->flags & REPRO_NODE_BIAS) {
        beta = 1.0f;
        for (int64_t o = 0; o < node->channels; o++)
            for (int64_t i = 0; i < layer->plane; i++)
                to[o * layer->plane + i] = net->param[node->bias + o];
    }
    if (is_pointwise(node)) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, node->channels, (int)layer->plane, (int)k, 1.0f, weights,
                    (int)k, from, (int)layer->plane, beta, to, (int)layer->plane);
        return;
    }
    struct view view = src_view(layer, src, from);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step, count = rows * node->width;
        im2col(&view, y, rows, columns);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, node->channels, (int)count, (int)k, 1.0f, weights, (int)k,
                    columns, (int)count, beta, to + y * node->width, (int)layer->plane);
    }
}

void conv_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct layer *src = &net->layers[layer->node.src[0]];
    int64_t work = rows * layer->size * src->node.channels * layer->node.kernel_h * layer->node.kernel_w / MACS_PER_FLOAT;
#pragma omp parallel for num_threads(net_threads(net, work)) schedule(static)
    for (int64_t l = 0; l < NET_LANES; l++)
        for (int64_t row = lane_first(rows, l); row < lane_first(rows, l + 1); row++)
            forward_row(net, layer, src, row, net->columns + omp_get_thread_num() * net->column_floats);
}

/* lane [O, K] (+)= diff [O, plane] x columns^T. */
static void weights_row(const struct repro_net *net, const struct layer *layer, const struct layer *src, int64_t row,
                        int fresh, float *lane, float *columns)
{
    (void)net;
    const struct repro_node *node = &layer->node;
    const float *from = src->dst + row * src->size, *diff = layer->diff + row * layer->size;
    int64_t k = (int64_t)src->node.channels * node->kernel_h * node->kernel_w;
    int64_t step = is_pointwise(node) ? node->height : rows_at_once(k, node->width, node->height);
    struct view view = src_view(layer, src, from);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step, count = rows * node->width;
        const float *right = from;
        if (!is_pointwise(node)) {
            im2col(&view, y, rows, columns);
            right = columns;
        }
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, node->channels, (int)k, (int)count, 1.0f,
                    diff + y * node->width, (int)layer->plane, right, (int)count, fresh && y == 0 ? 0.0f : 1.0f, lane,
                    (int)k);
    }
}

/* diff of src, stride 1: columns of diff times the flipped weights [I, O * taps]. */
static void reversed_row(const struct layer *layer, struct layer *src, int64_t row, float beta, float *columns)
{
    const struct repro_node *node = &layer->node;
    const float *diff = layer->diff + row * layer->size;
    float *to = src->diff + row * src->size;
    int64_t k = (int64_t)node->channels * node->kernel_h * node->kernel_w, width = src->node.width;
    struct view view = {diff, node->channels, node->height, node->width, node->kernel_h, node->kernel_w, 1, 1,
                        node->kernel_h - 1 - node->pad_top, node->kernel_w - 1 - node->pad_left, width};
    int64_t step = rows_at_once(k, width, src->node.height);
    for (int64_t y = 0; y < src->node.height; y += step) {
        int64_t rows = src->node.height - y < step ? src->node.height - y : step, count = rows * width;
        im2col(&view, y, rows, columns);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, src->node.channels, (int)count, (int)k, 1.0f,
                    layer->flipped, (int)k, columns, (int)count, beta, to + y * width, (int)src->plane);
    }
}

/* diff of src, any stride: columns = weights^T x diff, scattered. */
static void scattered_row(const struct repro_net *net, const struct layer *layer, struct layer *src, int64_t row,
                          float beta, float *columns)
{
    const struct repro_node *node = &layer->node;
    const float *weights = net->param + node->weights, *diff = layer->diff + row * layer->size;
    float *to = src->diff + row * src->size;
    int64_t k = (int64_t)src->node.channels * node->kernel_h * node->kernel_w;
    if (is_pointwise(node)) {
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)layer->plane, node->channels, 1.0f, weights,
                    (int)k, diff, (int)layer->plane, beta, to, (int)layer->plane);
        return;
    }
    if (beta == 0.0f)
        memset(to, 0, (size_t)src->size * sizeof *to);
    struct view view = src_view(layer, src, NULL);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step, count = rows * node->width;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)count, node->channels, 1.0f, weights, (int)k,
                    diff + y * node->width, (int)layer->plane, 0.0f, columns, (int)count);
        col2im(&view, y, rows, columns, to);
    }
}

/* weights [O, I, kh, kw] -> flipped [I, O, kh, kw] with both tap axes reversed. */
static void flip_weights(const struct repro_net *net, struct layer *layer, int64_t src_channels)
{
    const struct repro_node *node = &layer->node;
    int64_t taps = (int64_t)node->kernel_h * node->kernel_w;
    for (int64_t o = 0; o < node->channels; o++)
        for (int64_t i = 0; i < src_channels; i++) {
            const float *from = net->param + node->weights + (o * src_channels + i) * taps;
            float *to = layer->flipped + (i * node->channels + o) * taps;
            for (int64_t t = 0; t < taps; t++)
                to[t] = from[taps - 1 - t];
        }
}

/* PARTIAL += the lanes that have rows, in lane order. */
static void reduce_lanes(struct repro_net *net, const struct layer *layer, int64_t count, int64_t rows)
{
    float *partial = net->partial + layer->node.weights;
#pragma omp parallel for num_threads(net_threads(net, count * NET_LANES)) schedule(static)
    for (int64_t i = 0; i < count; i++) {
        float sum = 0.0f;
        for (int64_t l = 0; l < NET_LANES; l++)
            if (lane_first(rows, l) < lane_first(rows, l + 1))
                sum += net->lanes[l * net->lane_floats + i];
        partial[i] += sum;
    }
}

static void bias_gradient(struct repro_net *net, const struct layer *layer, int64_t rows)
{
    for (int64_t o = 0; o < layer->node.channels; o++) {
        double sum = 0.0;
        for (int64_t row = 0; row < rows; row++)
            for (int64_t i = 0; i < layer->plane; i++)
                sum += (double)layer->diff[row * layer->size + o * layer->plane + i];
        net->partial[layer->node.bias + o] += (float)sum;
    }
}

void conv_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = &net->layers[node->src[0]];
    int64_t k = (int64_t)src->node.channels * node->kernel_h * node->kernel_w;
    int reversed = src->diff != NULL && is_reversible(node) && !is_pointwise(node);
    float beta = layer->diff_first[0] ? 0.0f : 1.0f;
    if (reversed)
        flip_weights(net, layer, src->node.channels);
#pragma omp parallel for num_threads(net_threads(net, rows * layer->size * k / MACS_PER_FLOAT)) schedule(static)
    for (int64_t l = 0; l < NET_LANES; l++) {
        float *columns = net->columns + omp_get_thread_num() * net->column_floats;
        for (int64_t row = lane_first(rows, l); row < lane_first(rows, l + 1); row++) {
            weights_row(net, layer, src, row, row == lane_first(rows, l), net->lanes + l * net->lane_floats, columns);
            if (reversed)
                reversed_row(layer, src, row, beta, columns);
            else if (src->diff != NULL)
                scattered_row(net, layer, src, row, beta, columns);
        }
    }
    reduce_lanes(net, layer, node->channels * k, rows);
    if (node->flags & REPRO_NODE_BIAS)
        bias_gradient(net, layer, rows);
}
