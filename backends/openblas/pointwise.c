/* Elementwise layers.  A layer that is the first to write its source's diff assigns, later ones add. */
#include "net.h"

#include <Random123/philox.h>
#include <string.h>

#define DROPOUT_PURPOSE 5u /* the contract's */

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    int64_t channels = layer->node.channels, plane = layer->plane;
#pragma omp parallel for num_threads(net_threads(net, rows->count * layer->size)) schedule(static)
    for (int64_t row = 0; row < rows->count; row++) {
        const uint8_t *from = rows->pixels + row * layer->size;
        float *to = layer->dst + row * layer->size;
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < plane; i++)
                to[c * plane + i] = ((float)from[i * channels + c] - net->graph.mean[c]) / net->graph.deviation[c];
    }
}

/* to (+)= factor * from. */
NET_VECTOR
static void accumulate(const float *restrict from, int64_t count, float factor, int assign, float *restrict to)
{
    if (assign)
        for (int64_t i = 0; i < count; i++)
            to[i] = factor * from[i];
    else
        for (int64_t i = 0; i < count; i++)
            to[i] += factor * from[i];
}

NET_VECTOR
static void relu(const float *restrict x, int64_t count, float *restrict y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

NET_VECTOR
static void relu_gradient(const float *restrict y, const float *restrict diff, int64_t count, int assign,
                          float *restrict to)
{
    for (int64_t i = 0; i < count; i++) {
        float d = y[i] > 0.0f ? diff[i] : 0.0f;
        to[i] = assign ? d : to[i] + d;
    }
}

NET_VECTOR
static void sum_scaled(const float *restrict a, const float *restrict b, int64_t count, float scale, float *restrict y)
{
    for (int64_t i = 0; i < count; i++)
        y[i] = a[i] + scale * b[i];
}

void relu_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct layer *src = &net->layers[layer->node.src[0]];
    if (layer->fused_relu)
        return;
#pragma omp parallel for num_threads(net_threads(net, rows * layer->size)) schedule(static)
    for (int64_t row = 0; row < rows; row++)
        relu(src->dst + row * layer->size, layer->size, layer->dst + row * layer->size);
}

void relu_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct layer *src = &net->layers[layer->node.src[0]];
    if (layer->fused_relu || src->diff == NULL)
        return;
#pragma omp parallel for num_threads(net_threads(net, rows * layer->size)) schedule(static)
    for (int64_t row = 0; row < rows; row++)
        relu_gradient(layer->dst + row * layer->size, layer->diff + row * layer->size, layer->size, layer->diff_first[0],
                      src->diff + row * layer->size);
}

void add_forward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    const struct layer *a = &net->layers[layer->node.src[0]], *b = &net->layers[layer->node.src[1]];
#pragma omp parallel for num_threads(net_threads(net, rows * layer->size)) schedule(static)
    for (int64_t row = 0; row < rows; row++)
        sum_scaled(a->dst + row * layer->size, b->dst + row * layer->size, layer->size, layer->node.scale,
                   layer->dst + row * layer->size);
}

void add_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    for (int k = 0; k < 2; k++) {
        struct layer *src = &net->layers[layer->node.src[k]];
        float factor = k == 0 ? 1.0f : layer->node.scale;
        if (src->diff == NULL || layer->diff_alias[k])
            continue;
#pragma omp parallel for num_threads(net_threads(net, rows * layer->size)) schedule(static)
        for (int64_t row = 0; row < rows; row++)
            accumulate(layer->diff + row * layer->size, layer->size, factor, layer->diff_first[k],
                       src->diff + row * layer->size);
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
static void draw_kept(const struct repro_net *net, const struct layer *layer, const struct repro_rows *rows, int64_t row)
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

void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows)
{
    const struct layer *src = &net->layers[layer->node.src[0]];
    float factor = 1.0f / (1.0f - layer->node.scale);
#pragma omp parallel for num_threads(net_threads(net, rows->count * layer->size * 8)) schedule(static)
    for (int64_t row = 0; row < rows->count; row++) {
        const float *from = src->dst + row * layer->size;
        float *to = layer->dst + row * layer->size;
        if (rows->mode == REPRO_MODE_EVAL) {
            memcpy(to, from, (size_t)layer->size * sizeof *to);
            continue;
        }
        draw_kept(net, layer, rows, row);
        const uint8_t *kept = layer->kept + row * layer->size;
        for (int64_t i = 0; i < layer->size; i++)
            to[i] = kept[i] ? factor * from[i] : 0.0f;
    }
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
