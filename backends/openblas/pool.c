/* Pooling.  One (row, channel) plane is one unit of work. */
#include "loop.h"

#include <string.h>

/* The part of the window of output (y, x) that lies within src. */
struct window {
    int64_t top, bottom, left, right; /* half-open */
};

static struct window window_at(const struct repro_node *node, const struct layer *src, int64_t y,
                               int64_t x)
{
    int64_t top = y * node->stride_h - node->pad_top, left = x * node->stride_w - node->pad_left;
    int64_t bottom = top + node->kernel_h, right = left + node->kernel_w;
    return (struct window){
        top < 0 ? 0 : top, bottom > src->node->height ? src->node->height : bottom,
        left < 0 ? 0 : left, right > src->node->width ? src->node->width : right};
}

static int64_t window_size(const struct window *w)
{
    int64_t height = w->bottom - w->top, width = w->right - w->left;
    return height > 0 && width > 0 ? height * width : 0;
}

static void max_plane(const struct layer *layer, const struct layer *src, const float *from,
                      float *to, int32_t *winner)
{
    for (int64_t i = 0; i < layer->use->plane; i++) {
        struct window w = window_at(layer->node, src, i / layer->node->width,
                                    i % layer->node->width);
        int64_t best = -1;
        for (int64_t y = w.top; y < w.bottom; y++)
            for (int64_t x = w.left; x < w.right; x++)
                if (best < 0 || from[y * src->node->width + x] > from[best])
                    best = y * src->node->width + x;
        winner[i] = (int32_t)best;
        to[i] = best < 0 ? 0.0f : from[best];
    }
}

static void average_plane(const struct layer *layer, const struct layer *src, const float *from,
                          float *to)
{
    for (int64_t i = 0; i < layer->use->plane; i++) {
        struct window w = window_at(layer->node, src, i / layer->node->width,
                                    i % layer->node->width);
        int64_t count = window_size(&w);
        double sum = 0.0;
        for (int64_t y = w.top; y < w.bottom; y++)
            for (int64_t x = w.left; x < w.right; x++)
                sum += (double)from[y * src->node->width + x];
        to[i] = count == 0 ? 0.0f : (float)(sum / (double)count);
    }
}

static float global_average(const float *from, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += (double)from[i];
    return (float)(sum / (double)count);
}

static void pool_plane(void *context, int64_t unit, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    const float *from = src->dst + unit * src->use->plane;
    float *to = layer->dst + unit * layer->use->plane;
    (void)thread;
    if (layer->node->op == REPRO_OP_MAX_POOL)
        max_plane(layer, src, from, to, layer->winner + unit * layer->use->plane);
    else if (layer->node->op == REPRO_OP_AVG_POOL)
        average_plane(layer, src, from, to);
    else
        to[0] = global_average(from, src->use->plane);
}

void pool_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    loop_run(&loop, rows * loop.src->use->size, rows * layer->node->channels, pool_plane);
}

static void spread(const struct layer *layer, const struct layer *src, const float *diff, float *to)
{
    for (int64_t i = 0; i < layer->use->plane; i++) {
        struct window w = window_at(layer->node, src, i / layer->node->width,
                                    i % layer->node->width);
        int64_t count = window_size(&w);
        for (int64_t y = w.top; y < w.bottom; y++)
            for (int64_t x = w.left; x < w.right; x++)
                to[y * src->node->width + x] += diff[i] / (float)count;
    }
}

static void pool_gradient_plane(void *context, int64_t unit, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *src = loop->src;
    const float *diff = layer->diff + unit * layer->use->plane;
    float *to = src->diff + unit * src->use->plane;
    (void)thread;
    if (layer->use->diff_first[0])
        memset(to, 0, (size_t)src->use->plane * sizeof *to);
    if (layer->node->op == REPRO_OP_AVG_POOL) {
        spread(layer, src, diff, to);
    } else if (layer->node->op == REPRO_OP_GLOBAL_AVG_POOL) {
        float share = diff[0] / (float)src->use->plane;
        for (int64_t i = 0; i < src->use->plane; i++)
            to[i] += share;
    } else {
        const int32_t *winner = layer->winner + unit * layer->use->plane;
        for (int64_t i = 0; i < layer->use->plane; i++)
            if (winner[i] >= 0)
                to[winner[i]] += diff[i];
    }
}

void pool_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (loop.src->diff != NULL)
        loop_run(&loop, rows * loop.src->use->size, rows * layer->node->channels,
                 pool_gradient_plane);
}
