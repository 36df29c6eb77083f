/* The loops of the larger ops, in the order of the formulas in backend.h. */
#include "reference.h"

#include "base/random.h"

#include <math.h>

/* Offset of [n,c,y,x] in a tensor of the node's shape. */
static int64_t at(const struct repro_node *node, int64_t n, int64_t c, int64_t y, int64_t x)
{
    return ((n * node->channels + c) * node->height + y) * node->width + x;
}

static int inside(const struct repro_node *src, int64_t y, int64_t x)
{
    return y >= 0 && y < src->height && x >= 0 && x < src->width;
}

/* ---- CONV ---- */

/* Offset of weights[o,i,u,v] in PARAM. */
static int64_t weight_at(const struct repro_node *node, const struct repro_node *src, int64_t o,
                         int64_t i, int64_t u, int64_t v)
{
    return node->weights + ((o * src->channels + i) * node->kernel_h + u) * node->kernel_w + v;
}

/* dst[n,o,y,x] without the bias, or, backward, what that element gives to weights and src. */
static double conv_element(struct reference *ref, struct reference_layer *layer, int64_t n,
                           int64_t o, int64_t y, int64_t x, int backward)
{
    const struct repro_node *node = &layer->node;
    struct reference_layer *src = &ref->layers[node->src[0]];
    double sum = 0.0, diff = backward ? layer->diff[at(node, n, o, y, x)] : 0.0;
    for (int64_t i = 0; i < src->node.channels; i++)
        for (int64_t u = 0; u < node->kernel_h; u++)
            for (int64_t v = 0; v < node->kernel_w; v++) {
                int64_t sy = y * node->stride_h + u - node->pad_top,
                        sx = x * node->stride_w + v - node->pad_left;
                if (!inside(&src->node, sy, sx))
                    continue;
                int64_t s = at(&src->node, n, i, sy, sx),
                        w = weight_at(node, &src->node, o, i, u, v);
                if (backward) {
                    ref->partial[w] += diff * src->dst[s];
                    src->diff[s] += diff * ref->param[w];
                } else {
                    sum += ref->param[w] * src->dst[s];
                }
            }
    return sum;
}

void reference_conv(struct reference *ref, struct reference_layer *layer)
{
    const struct repro_node *node = &layer->node;
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t o = 0; o < node->channels; o++)
            for (int64_t y = 0; y < node->height; y++)
                for (int64_t x = 0; x < node->width; x++)
                    layer->dst[at(node, n, o, y, x)] = conv_element(ref, layer, n, o, y, x, 0) +
                                                       (node->flags & REPRO_NODE_BIAS
                                                            ? ref->param[node->bias + o]
                                                            : 0.0);
}

void reference_conv_backward(struct reference *ref, struct reference_layer *layer)
{
    const struct repro_node *node = &layer->node;
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t o = 0; o < node->channels; o++)
            for (int64_t y = 0; y < node->height; y++)
                for (int64_t x = 0; x < node->width; x++) {
                    conv_element(ref, layer, n, o, y, x, 1);
                    if (node->flags & REPRO_NODE_BIAS)
                        ref->partial[node->bias + o] += layer->diff[at(node, n, o, y, x)];
                }
}

/* ---- BATCH_NORM ---- */

/* Mean and biased variance of channel c over the rows of ghost g. */
static void statistics(const struct reference *ref, struct reference_layer *layer, int64_t g,
                       int64_t c)
{
    const struct reference_layer *src = &ref->layers[layer->node.src[0]];
    int64_t plane = (int64_t)layer->node.height * layer->node.width,
            unit = g * layer->node.channels + c;
    double count = (double)(ref->ghost * plane), sum = 0.0, squares = 0.0;
    for (int64_t n = g * ref->ghost; n < (g + 1) * ref->ghost; n++)
        for (int64_t i = 0; i < plane; i++)
            sum += src->dst[at(&layer->node, n, c, 0, 0) + i];
    layer->mean[unit] = sum / count;
    for (int64_t n = g * ref->ghost; n < (g + 1) * ref->ghost; n++)
        for (int64_t i = 0; i < plane; i++) {
            double d = src->dst[at(&layer->node, n, c, 0, 0) + i] - layer->mean[unit];
            squares += d * d;
        }
    layer->variance[unit] = squares / count;
}

static double gamma_of(const struct reference *ref, const struct repro_node *node, int64_t c)
{
    return node->flags & REPRO_NODE_NO_GAMMA ? 1.0 : ref->param[node->weights + c];
}

void reference_norm(struct reference *ref, struct reference_layer *layer)
{
    const struct repro_node *node = &layer->node;
    const struct reference_layer *src = &ref->layers[node->src[0]];
    int64_t plane = (int64_t)node->height * node->width;
    int train = ref->rows.mode == REPRO_MODE_TRAIN;
    for (int64_t g = 0; train && g < ref->rows.count / ref->ghost; g++)
        for (int64_t c = 0; c < node->channels; c++)
            statistics(ref, layer, g, c);
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t c = 0; c < node->channels; c++) {
            int64_t unit = n / ref->ghost * node->channels + c;
            double mean = train ? layer->mean[unit] : ref->running[node->running + c];
            double variance = train ? layer->variance[unit]
                                    : ref->running[node->running + node->channels + c];
            for (int64_t i = at(node, n, c, 0, 0); i < at(node, n, c, 0, 0) + plane; i++)
                layer->dst[i] = gamma_of(ref, node, c) * (src->dst[i] - mean) /
                                    sqrt(variance + (double)node->epsilon) +
                                ref->param[node->bias + c];
        }
}

/* With h = (src - mean) / deviation and e = gamma * diff over a ghost's channel: d(src) = (e -
 * mean(e) - h * mean(e h)) / deviation, since mean and deviation depend on src too. */
static void norm_unit_backward(struct reference *ref, struct reference_layer *layer, int64_t g,
                               int64_t c)
{
    const struct repro_node *node = &layer->node;
    struct reference_layer *src = &ref->layers[node->src[0]];
    int64_t plane = (int64_t)node->height * node->width, unit = g * node->channels + c;
    double mean = layer->mean[unit],
           deviation = sqrt(layer->variance[unit] + (double)node->epsilon);
    double gamma = gamma_of(ref, node, c), count = (double)(ref->ghost * plane), sum = 0.0,
           product = 0.0;
    for (int64_t n = g * ref->ghost; n < (g + 1) * ref->ghost; n++)
        for (int64_t i = at(node, n, c, 0, 0); i < at(node, n, c, 0, 0) + plane; i++) {
            double h = (src->dst[i] - mean) / deviation;
            if ((node->flags & REPRO_NODE_NO_GAMMA) == 0)
                ref->partial[node->weights + c] += layer->diff[i] * h;
            ref->partial[node->bias + c] += layer->diff[i];
            sum += gamma * layer->diff[i];
            product += gamma * layer->diff[i] * h;
        }
    for (int64_t n = g * ref->ghost; n < (g + 1) * ref->ghost; n++)
        for (int64_t i = at(node, n, c, 0, 0); i < at(node, n, c, 0, 0) + plane; i++) {
            double h = (src->dst[i] - mean) / deviation;
            src->diff[i] += (gamma * layer->diff[i] - sum / count - h * product / count) /
                            deviation;
        }
    ref->partial[ref->graph.param_count + node->running + c] += mean;
    ref->partial[ref->graph.param_count + node->running + node->channels + c] +=
        layer->variance[unit];
}

void reference_norm_backward(struct reference *ref, struct reference_layer *layer)
{
    for (int64_t g = 0; g < ref->rows.count / ref->ghost; g++)
        for (int64_t c = 0; c < layer->node.channels; c++)
            norm_unit_backward(ref, layer, g, c);
}

/* ---- Pools ---- */

#define WINDOW_MAX 4096 /* elements of one window */

/* Offsets in src of the window of dst[n,c,y,x], padding left out; returns their number. */
static int64_t window(const struct reference_layer *layer, const struct repro_node *src, int64_t n,
                      int64_t c, int64_t y, int64_t x, int64_t *offsets)
{
    const struct repro_node *node = &layer->node;
    int global = node->op == REPRO_OP_GLOBAL_AVG_POOL;
    int64_t kernel_h = global ? src->height : node->kernel_h,
            kernel_w = global ? src->width : node->kernel_w;
    int64_t count = 0;
    for (int64_t u = 0; u < kernel_h; u++)
        for (int64_t v = 0; v < kernel_w; v++) {
            int64_t sy = y * node->stride_h + u - node->pad_top,
                    sx = x * node->stride_w + v - node->pad_left;
            if (inside(src, sy, sx))
                offsets[count++] = at(src, n, c, sy, sx);
        }
    return count;
}

/* The first of a window's largest. */
static int64_t largest(const double *src, const int64_t *offsets, int64_t count)
{
    int64_t best = offsets[0];
    for (int64_t k = 1; k < count; k++)
        if (src[offsets[k]] > src[best])
            best = offsets[k];
    return best;
}

static void pool_element(struct reference *ref, struct reference_layer *layer,
                         const int64_t *offsets, int64_t count, int64_t to, double rms,
                         int backward)
{
    struct reference_layer *src = &ref->layers[layer->node.src[0]];
    if (count == 0)
        return;
    if (layer->node.op == REPRO_OP_MAX_POOL) {
        int64_t best = largest(src->dst, offsets, count);
        if (backward)
            src->diff[best] += layer->diff[to];
        else
            layer->dst[to] = src->dst[best];
        for (int64_t k = 0; k < count; k++)
            reference_near(ref, src->dst[best] - src->dst[offsets[k]], rms);
        return;
    }
    double sum = 0.0;
    for (int64_t k = 0; k < count; k++) {
        sum += src->dst[offsets[k]];
        if (backward)
            src->diff[offsets[k]] += layer->diff[to] / (double)count;
    }
    if (!backward)
        layer->dst[to] = sum / (double)count;
}

static void pool(struct reference *ref, struct reference_layer *layer, int backward)
{
    int64_t offsets[WINDOW_MAX];
    const struct repro_node *node = &layer->node, *src = &ref->layers[node->src[0]].node;
    double rms = reference_rms(ref->layers[node->src[0]].dst,
                               ref->rows.count * ref->layers[node->src[0]].size);
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t c = 0; c < node->channels; c++)
            for (int64_t y = 0; y < node->height; y++)
                for (int64_t x = 0; x < node->width; x++) {
                    int64_t count = window(layer, src, n, c, y, x, offsets);
                    pool_element(ref, layer, offsets, count, at(node, n, c, y, x), rms, backward);
                }
}

void reference_pool(struct reference *ref, struct reference_layer *layer)
{
    pool(ref, layer, 0);
}

void reference_pool_backward(struct reference *ref, struct reference_layer *layer)
{
    pool(ref, layer, 1);
}

/* ---- DROPOUT ---- */

/* Whether element e of row n is kept: the rule at struct repro_rows.  random_at()'s counter is
 * (block, index low, epoch, index high << 8 | purpose). */
static int kept(const struct reference *ref, const struct reference_layer *layer, int64_t n,
                int64_t e)
{
    uint64_t node = (uint64_t)(layer - ref->layers),
             index = node << 32 | (uint32_t)ref->rows.image[n];
    struct random_words words = random_at(ref->rows.seed, RANDOM_DROPOUT, ref->rows.epoch, index,
                                          (uint32_t)(e / 4));
    return !(words.word[e % 4] * 0x1p-32 < (double)layer->node.scale);
}

void reference_dropout(struct reference *ref, struct reference_layer *layer, int backward)
{
    struct reference_layer *src = &ref->layers[layer->node.src[0]];
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t e = 0; e < layer->size; e++) {
            int64_t i = n * layer->size + e;
            double factor = 1.0;
            if (ref->rows.mode == REPRO_MODE_TRAIN)
                factor = kept(ref, layer, n, e) ? 1.0 / (1.0 - (double)layer->node.scale) : 0.0;
            if (backward)
                src->diff[i] += factor * layer->diff[i];
            else
                layer->dst[i] = factor * src->dst[i];
        }
}
