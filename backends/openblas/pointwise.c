/* Elementwise layers.  A layer that is the first to write its source's diff assigns, later ones add. */
#include "net.h"

#include <Random123/philox.h>
#include <string.h>

#define DROPOUT_PURPOSE 5u /* the contract's */

static void input_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct repro_graph *graph = &pass->net->graph;
    int64_t channels = pass->layer->node.channels, plane = pass->layer->plane;
    const uint8_t *from = pass->given->pixels + row * pass->layer->size;
    float *to = pass->layer->dst + row * pass->layer->size;
    (void)thread;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t i = 0; i < plane; i++)
            to[c * plane + i] = ((float)from[i * channels + c] - graph->mean[c]) / graph->deviation[c];
}

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct pass pass = {.net = net, .layer = layer, .given = rows};
    net_parallel(&pass, rows->count * layer->size, rows->count, input_row);
}

/* to (+)= factor * from. */
NET_VECTOR
static void accumulate(const float *restrict from, int64_t count, float factor, int assign, float *restrict to)
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

NET_VECTOR
static void relu(const float *restrict x, int64_t count, float *restrict y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

NET_VECTOR
static void relu_gradient(const float *restrict y, const float *restrict diff, int64_t count, int assign,
                          float *restrict to)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float d = y[i] > 0.0f ? diff[i] : 0.0f;
        to[i] = assign ? d : to[i] + d;
    }
}

NET_VECTOR
static void sum_scaled(const float *restrict a, const float *restrict b, int64_t count, float scale, float *restrict y)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] + scale * b[i];
}

static void relu_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    int64_t at = row * pass->layer->size;
    (void)thread;
    relu(pass->src->dst + at, pass->layer->size, pass->layer->dst + at);
}

void relu_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node.src[0]]};
    if (!layer->fused_relu)
        net_parallel(&pass, rows * layer->size, rows, relu_row);
}

static void relu_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    int64_t at = row * pass->layer->size;
    (void)thread;
    relu_gradient(pass->layer->dst + at, pass->layer->diff + at, pass->layer->size, pass->layer->diff_first[0],
                  pass->src->diff + at);
}

void relu_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node.src[0]]};
    if (!layer->fused_relu && pass.src->diff != NULL)
        net_parallel(&pass, rows * layer->size, rows, relu_gradient_row);
}

static void add_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer, *layers = pass->net->layers;
    int64_t at = row * layer->size;
    (void)thread;
    sum_scaled(layers[layer->node.src[0]].dst + at, layers[layer->node.src[1]].dst + at, layer->size, layer->node.scale,
               layer->dst + at);
}

void add_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct pass pass = {.net = net, .layer = layer};
    net_parallel(&pass, rows * layer->size, rows, add_row);
}

static void add_gradient_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer;
    int64_t at = row * layer->size;
    (void)thread;
    accumulate(layer->diff + at, layer->size, pass->factor, layer->diff_first[pass->k], pass->src->diff + at);
}

void add_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int k = 0; k < 2; k++) {
        struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node.src[k]], .k = k,
                            .factor = k == 0 ? 1.0f : layer->node.scale};
        if (pass.src->diff != NULL && !layer->diff_alias[k])
            net_parallel(&pass, rows * layer->size, rows, add_gradient_row);
    }
}

void concat_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        float *to = layer->dst + row * layer->size;
        for (int k = 0; k < layer->node.src_count; k++) {
            const struct layer *src = &net->layers[layer->node.src[k]];
            memcpy(to, src->dst + row * src->size, (size_t)src->size * sizeof *to);
            to += src->size;
        }
    }
}

void concat_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int64_t row = 0; row < rows; row++) {
        const float *from = layer->diff + row * layer->size;
        for (int k = 0; k < layer->node.src_count; k++) {
            struct layer *src = &net->layers[layer->node.src[k]];
            if (src->diff != NULL)
                accumulate(from, src->size, 1.0f, layer->diff_first[k], src->diff + row * src->size);
            from += src->size;
        }
    }
}

/* Which elements a row keeps; the rule stands at struct repro_rows. */
static void draw_kept(const struct repro_net *net, const struct layer *layer, const struct repro_rows *rows,
                      int64_t row)
{
    uint32_t node = (uint32_t)(layer - net->layers);
    philox4x32_key_t key = {{(uint32_t)rows->seed, (uint32_t)(rows->seed >> 32)}};
    uint8_t *kept = layer->kept + row * layer->size;
    for (int64_t e = 0; e < layer->size; e += 4) {
        philox4x32_ctr_t counter = {{(uint32_t)(e / 4), (uint32_t)rows->image[row], rows->epoch,
                                     node << 8 | DROPOUT_PURPOSE}};
        philox4x32_ctr_t words = philox4x32_R(10, counter, key);
        for (int64_t i = e; i < layer->size && i < e + 4; i++)
            kept[i] = words.v[i - e] * 0x1p-32 >= (double)layer->node.scale;
    }
}

static void dropout_row(void *context, int64_t row, int32_t thread)
{
    const struct pass *pass = context;
    const struct layer *layer = pass->layer;
    const float *from = pass->src->dst + row * layer->size;
    const uint8_t *kept = layer->kept + row * layer->size;
    float *to = layer->dst + row * layer->size, factor = 1.0f / (1.0f - layer->node.scale);
    (void)thread;
    if (pass->given->mode == REPRO_MODE_EVAL) {
        memcpy(to, from, (size_t)layer->size * sizeof *to);
        return;
    }
    draw_kept(pass->net, layer, pass->given, row);
    for (int64_t i = 0; i < layer->size; i++)
        to[i] = kept[i] ? factor * from[i] : 0.0f;
}

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    struct pass pass = {.net = net, .layer = layer, .src = &net->layers[layer->node.src[0]], .given = rows};
    net_parallel(&pass, rows->count * layer->size * 8, rows->count, dropout_row);
}

void dropout_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct layer *src = &net->layers[layer->node.src[0]];
    float factor = 1.0f / (1.0f - layer->node.scale);
    if (src->diff == NULL)
        return;
    for (int64_t i = 0; i < rows * layer->size; i++) {
        float d = layer->kept[i] ? factor * layer->diff[i] : 0.0f;
        src->diff[i] = layer->diff_first[0] ? d : src->diff[i] + d;
    }
}
