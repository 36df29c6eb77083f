/* Convolutions.  An image's columns are made a few output rows at a time, so that they are still in
 * the second-level cache when sgemm reads them.  Shapes in comments: O, I channels of dst and src;
 * K = I * kernel_h * kernel_w. */
#include "net.h"

#include <cblas.h>
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
static inline void tap_row(const float *restrict src, int64_t width, int64_t stride, int64_t shift,
                           int64_t count, float *restrict dst)
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

/* One row of one tap, zero where it lies outside the plane. */
static inline void plane_row(const struct view *view, const float *plane, int64_t at, int64_t shift,
                             float *dst)
{
    if (at < 0 || at >= view->height)
        memset(dst, 0, (size_t)view->out_width * sizeof *dst);
    else
        tap_row(plane + at * view->width, view->width, view->stride_w, shift, view->out_width, dst);
}

/* columns [K, rows * out_width] for output rows first..first+rows-1.  With stride 1 the taps of one
 * column of the kernel read the same rows, each one further down: they are shifted once, into
 * `shifted`, and copied from there in one piece. */
static void im2col(const struct view *view, int64_t first, int64_t rows, float *columns,
                   float *shifted)
{
    int64_t count = view->out_width, size = rows * count;
    for (int64_t c = 0; c < view->channels; c++) {
        const float *plane = view->planes + c * view->height * view->width;
        for (int64_t v = 0; v < view->kernel_w; v++) {
            float *to = columns + (c * view->kernel_h * view->kernel_w + v) * size;
            for (int64_t i = 0; view->stride_h == 1 && i < rows + view->kernel_h - 1; i++)
                plane_row(view, plane, first + i - view->top, v - view->left, shifted + i * count);
            for (int64_t u = 0; u < view->kernel_h; u++, to += view->kernel_w * size) {
                if (view->stride_h == 1)
                    memcpy(to, shifted + u * count, (size_t)size * sizeof *to);
                for (int64_t y = 0; view->stride_h != 1 && y < rows; y++)
                    plane_row(view, plane, (first + y) * view->stride_h + u - view->top,
                              v - view->left, to + y * count);
            }
        }
    }
}

/* The reverse: adds columns into the planes. */
static void col2im(const struct view *view, int64_t first, int64_t rows, const float *columns,
                   float *planes)
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
    return clamp(COLUMN_FLOATS / (k * width), 1, height);
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

static struct view src_view(const struct layer *layer, const struct layer *src, const float *planes)
{
    const struct repro_node *node = layer->node;
    return (struct view){planes,         src->node->channels, src->node->height, src->node->width,
                         node->kernel_h, node->kernel_w,      node->stride_h,    node->stride_w,
                         node->pad_top,  node->pad_left,      node->width};
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
    struct view view = src_view(layer, src, from);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        im2col(&view, y, rows, scratch.columns, scratch.shifted);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, node->channels, (int)count, (int)k,
                    1.0f, weights, (int)k, scratch.columns, (int)count, beta, to + y * node->width,
                    (int)layer->use->plane);
    }
}

/* Floats of simple work that a convolution's pass is worth. */
static int64_t work(const struct pass *pass)
{
    const struct repro_node *node = pass->layer->node;
    int64_t k = (int64_t)pass->src->node->channels * node->kernel_h * node->kernel_w;
    return pass->rows * pass->layer->use->size * k / MACS_PER_FLOAT;
}

static void forward_lane(void *context, int64_t l, int32_t thread)
{
    const struct pass *pass = context;
    for (int64_t row = lane_first(pass->rows, l); row < lane_first(pass->rows, l + 1); row++)
        forward_row(pass->net, pass->layer, pass->src, row, scratch_of(pass->net, thread));
}

void conv_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct pass pass = {
        .net = net, .layer = layer, .src = &net->layers[layer->node->src[0]], .rows = rows};
    net_parallel(&pass, work(&pass), NET_LANES, forward_lane);
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
    struct view view = src_view(layer, src, from);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        const float *right = from;
        if (!is_pointwise(node)) {
            im2col(&view, y, rows, scratch.columns, scratch.shifted);
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
    struct view view = {diff,
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
        im2col(&view, y, rows, scratch.columns, scratch.shifted);
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
    struct view view = src_view(layer, src, NULL);
    int64_t step = rows_at_once(k, node->width, node->height);
    for (int64_t y = 0; y < node->height; y += step) {
        int64_t rows = node->height - y < step ? node->height - y : step,
                count = rows * node->width;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)k, (int)count, node->channels,
                    1.0f, weights, (int)k, diff + y * node->width, (int)layer->use->plane, 0.0f,
                    scratch.columns, (int)count);
        col2im(&view, y, rows, scratch.columns, to);
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
    const struct pass *pass = context;
    const struct repro_node *node = pass->layer->node;
    int64_t k = (int64_t)pass->src->node->channels * node->kernel_h * node->kernel_w;
    float *partial = pass->net->arenas.partial + node->weights;
    (void)thread;
    for (int64_t i = o * k; i < (o + 1) * k; i++) {
        float sum = 0.0f;
        for (int64_t l = 0; l < NET_LANES; l++)
            if (lane_first(pass->rows, l) < lane_first(pass->rows, l + 1))
                sum += pass->net->lanes[l * pass->net->lane_floats + i];
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
    const struct pass *pass = context;
    struct scratch scratch = scratch_of(pass->net, thread);
    float *lane = pass->net->lanes + l * pass->net->lane_floats,
          beta = pass->layer->use->diff_first[0] ? 0.0f : 1.0f;
    int64_t first = lane_first(pass->rows, l);
    for (int64_t row = first; row < lane_first(pass->rows, l + 1); row++) {
        weights_row(pass->layer, pass->src, row, row == first, lane, scratch);
        if (pass->reversed)
            reversed_row(pass->layer, pass->src, row, beta, scratch);
        else if (pass->src->diff != NULL)
            scattered_row(pass->net, pass->layer, pass->src, row, beta, scratch);
    }
}

void conv_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct repro_node *node = layer->node;
    struct pass pass = {
        .net = net, .layer = layer, .src = &net->layers[node->src[0]], .rows = rows};
    pass.reversed = pass.src->diff != NULL && is_reversible(node) && !is_pointwise(node);
    if (pass.reversed)
        flip_weights(net, layer, pass.src->node->channels);
    net_parallel(&pass, work(&pass), NET_LANES, backward_lane);
    net_parallel(&pass, work(&pass) / layer->use->plane, node->channels, reduce_channel);
    if (node->flags & REPRO_NODE_BIAS)
        bias_gradient(net, layer, rows);
}
