/* Elementwise layers.  A layer that is the first to write its source's diff assigns, later ones
 * add. */
#include "loop.h"

#include "cpu/loss.h"

#include <string.h>

static void input_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct repro_graph *graph = &loop->net->graph.graph;
    int64_t channels = loop->layer->node->channels, plane = loop->layer->use->plane;
    const uint8_t *from = loop->given->pixels + row * loop->layer->use->size;
    float *to = loop->layer->dst + row * loop->layer->use->size;
    (void)thread;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < plane; i++)
            to[c * plane + i] = ((float)from[i * channels + c] - graph->mean[c]) /
                                graph->deviation[c];
}

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct loop loop = {.net = net, .layer = layer, .given = rows};
    loop_run(&loop, rows->count * layer->use->size, rows->count, input_row);
}

/* to (+)= factor * from. */
CPU_VECTOR
static void accumulate(const float *restrict from, int64_t count, float factor, int assign,
                       float *restrict to)
{
    if (assign)
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            to[i] = factor * from[i];
    else
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            to[i] += factor * from[i];
}

CPU_VECTOR
static void relu(const float *restrict x, int64_t count, float *restrict y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

CPU_VECTOR
static void relu_gradient(const float *restrict y, const float *restrict diff, int64_t count,
                          int assign, float *restrict to)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float d = y[i] > 0.0f ? diff[i] : 0.0f;
        to[i] = assign ? d : to[i] + d;
    }
}

CPU_VECTOR
static void sum_scaled(const float *restrict a, const float *restrict b, int64_t count, float scale,
                       float *restrict y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] + scale * b[i];
}

static void relu_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    int64_t at = row * loop->layer->use->size;
    (void)thread;
    relu(loop->src->dst + at, loop->layer->use->size, loop->layer->dst + at);
}

void relu_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (!layer->fused_relu)
        loop_run(&loop, rows * layer->use->size, rows, relu_row);
}

static void relu_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    int64_t at = row * loop->layer->use->size;
    (void)thread;
    relu_gradient(loop->layer->dst + at, loop->layer->diff + at, loop->layer->use->size,
                  loop->layer->use->diff_first[0], loop->src->diff + at);
}

void relu_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {.net = net, .layer = layer, .src = &net->layers[layer->node->src[0]]};
    if (!layer->fused_relu && loop.src->diff != NULL)
        loop_run(&loop, rows * layer->use->size, rows, relu_gradient_row);
}

static void add_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer, *layers = loop->net->layers;
    int64_t at = row * layer->use->size;
    (void)thread;
    sum_scaled(layers[layer->node->src[0]].dst + at, layers[layer->node->src[1]].dst + at,
               layer->use->size, layer->node->scale, layer->dst + at);
}

void add_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {.net = net, .layer = layer};
    loop_run(&loop, rows * layer->use->size, rows, add_row);
}

static void add_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    int64_t at = row * layer->use->size;
    (void)thread;
    accumulate(layer->diff + at, layer->use->size, loop->factor, layer->use->diff_first[loop->k],
               loop->src->diff + at);
}

void add_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int k = 0; k < 2; k++) {
        struct loop loop = {.net = net,
                            .layer = layer,
                            .src = &net->layers[layer->node->src[k]],
                            .k = k,
                            .factor = k == 0 ? 1.0f : layer->node->scale};
        if (loop.src->diff != NULL && !layer->diff_alias[k])
            loop_run(&loop, rows * layer->use->size, rows, add_gradient_row);
    }
}

void concat_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        float *to = layer->dst + row * layer->use->size;
        for (int k = 0; k < layer->node->src_count; k++) {
            const struct layer *src = &net->layers[layer->node->src[k]];
            memcpy(to, src->dst + row * src->use->size, (size_t)src->use->size * sizeof *to);
            to += src->use->size;
        }
    }
}

void concat_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        const float *from = layer->diff + row * layer->use->size;
        for (int k = 0; k < layer->node->src_count; k++) {
            struct layer *src = &net->layers[layer->node->src[k]];
            if (src->diff != NULL)
                accumulate(from, src->use->size, 1.0f, layer->use->diff_first[k],
                           src->diff + row * src->use->size);
            from += src->use->size;
        }
    }
}

static void dropout_row(void *context, int64_t row, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    const float *from = loop->src->dst + row * layer->use->size;
    const uint8_t *kept = layer->kept + row * layer->use->size;
    float *to = layer->dst + row * layer->use->size, factor = 1.0f / (1.0f - layer->node->scale);
    (void)thread;
    if (loop->given->mode == REPRO_MODE_EVAL) {
        memcpy(to, from, (size_t)layer->use->size * sizeof *to);
        return;
    }
    dropout_draw(loop->given, row, (int32_t)(layer - loop->net->layers), layer->node->scale,
                 layer->use->size, layer->kept + row * layer->use->size);
    for (int64_t i = 0; i < layer->use->size; i++)
        to[i] = kept[i] ? factor * from[i] : 0.0f;
}

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct loop loop = {
        .net = net, .layer = layer, .src = &net->layers[layer->node->src[0]], .given = rows};
    loop_run(&loop, rows->count * layer->use->size * 8, rows->count, dropout_row);
}

void dropout_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct layer *src = &net->layers[layer->node->src[0]];
    float factor = 1.0f / (1.0f - layer->node->scale);
    if (src->diff == NULL)
        return;
    for (int64_t i = 0; i < rows * layer->use->size; i++) {
        float d = layer->kept[i] ? factor * layer->diff[i] : 0.0f;
        src->diff[i] = layer->use->diff_first[0] ? d : src->diff[i] + d;
    }
}
