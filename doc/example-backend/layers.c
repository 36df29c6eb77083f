/* The operations without parameters, and which loop is whose. */
#include "plain.h"

#include <math.h>

/* ---- INPUT ---- */

static void input(struct repro_net *net, struct layer *layer, const uint8_t *pixels)
{
    int64_t channels = layer->node.channels;
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < layer->plane; i++)
                plane_of(layer, layer->dst, n,
                         c)[i] = ((float)pixels[(n * layer->plane + i) * channels + c] -
                                  net->graph.mean[c]) /
                                 net->graph.deviation[c];
}

/* ---- RELU, ADD, CONCAT, DROPOUT ---- */

static void relu(struct repro_net *net, struct layer *layer, int backward)
{
    struct layer *src = source(net, layer, 0);
    for (int64_t i = 0; i < net->rows.count * layer->size; i++) {
        if (!backward)
            layer->dst[i] = src->dst[i] <= 0.0f ? 0.0f : src->dst[i]; /* NaN stays */
        else if (src->dst[i] > 0.0f)
            src->diff[i] += layer->diff[i];
    }
}

static void add(struct repro_net *net, struct layer *layer, int backward)
{
    struct layer *a = source(net, layer, 0), *b = source(net, layer, 1);
    float scale = layer->node.scale;
    for (int64_t i = 0; i < net->rows.count * layer->size; i++) {
        if (!backward) {
            layer->dst[i] = a->dst[i] + scale * b->dst[i];
        } else {
            a->diff[i] += layer->diff[i];
            b->diff[i] += scale * layer->diff[i];
        }
    }
}

static void concat(struct repro_net *net, struct layer *layer, int backward)
{
    int64_t first = 0;
    for (int k = 0; k < layer->node.src_count; k++) {
        struct layer *src = source(net, layer, k);
        for (int64_t n = 0; n < net->rows.count; n++)
            for (int64_t i = 0; i < src->size; i++) {
                int64_t s = n * src->size + i, d = n * layer->size + first + i;
                if (backward)
                    src->diff[s] += layer->diff[d];
                else
                    layer->dst[d] = src->dst[s];
            }
        first += src->size;
    }
}

/* Philox4x32-10 (Salmon et al. 2011): word `which` of the block that counter and key name. */
static uint32_t philox(const uint32_t counter[4], uint64_t key, int64_t which)
{
    uint32_t x[4] = {counter[0], counter[1], counter[2], counter[3]};
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = UINT64_C(0xD2511F53) * x[0], b = UINT64_C(0xCD9E8D57) * x[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ x[1] ^ k0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ x[3] ^ k1, (uint32_t)a};
        for (int i = 0; i < 4; i++)
            x[i] = next[i];
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x[which];
}

/* The rule at struct repro_rows. */
static int kept(const struct repro_net *net, const struct layer *layer, int64_t n, int64_t e)
{
    uint32_t node = (uint32_t)(layer - net->layers);
    uint32_t counter[4] = {(uint32_t)(e / 4), (uint32_t)net->image[n], net->rows.epoch,
                           node << 8 | 5u};
    return philox(counter, net->rows.seed, e % 4) * 0x1p-32 >= (double)layer->node.scale;
}

static void dropout(struct repro_net *net, struct layer *layer, int backward)
{
    struct layer *src = source(net, layer, 0);
    int train = net->rows.mode == REPRO_MODE_TRAIN;
    float whole = 1.0f / (1.0f - layer->node.scale);
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t e = 0; e < layer->size; e++) {
            int64_t i = n * layer->size + e;
            float factor = !train ? 1.0f : kept(net, layer, n, e) ? whole : 0.0f;
            if (backward)
                src->diff[i] += factor * layer->diff[i];
            else
                layer->dst[i] = factor * src->dst[i];
        }
}

/* ---- Pools ---- */

/* dst[y, x] of one plane and its window; the first of equals is the largest. */
static void pool_one(const struct layer *layer, const struct layer *src, int64_t y, int64_t x,
                     const float *from, float *from_diff, float *to, int backward)
{
    const struct repro_node *node = &layer->node, *s = &src->node;
    int global = node->op == REPRO_OP_GLOBAL_AVG_POOL, largest = node->op == REPRO_OP_MAX_POOL;
    int64_t top = global ? 0 : y * node->stride_h - node->pad_top, best = -1, count = 0;
    int64_t left = global ? 0 : x * node->stride_w - node->pad_left;
    int64_t height = global ? s->height : node->kernel_h;
    int64_t width = global ? s->width : node->kernel_w;
    double sum = 0.0;
    for (int pass = 0; pass < 1 + (backward && !largest); pass++)
        for (int64_t v = top < 0 ? 0 : top; v < top + height && v < s->height; v++)
            for (int64_t h = left < 0 ? 0 : left; h < left + width && h < s->width; h++) {
                int64_t at = v * s->width + h;
                if (pass == 1) {
                    from_diff[at] += *to / (float)count;
                    continue;
                }
                best = best < 0 || from[at] > from[best] ? at : best;
                sum += (double)from[at];
                count++;
            }
    if (backward && largest && best >= 0)
        from_diff[best] += *to;
    if (!backward)
        *to = largest ? (best < 0 ? 0.0f : from[best])
                      : (float)(sum / (double)(count > 0 ? count : 1));
}

static void pool(struct repro_net *net, struct layer *layer, int backward)
{
    struct layer *src = source(net, layer, 0);
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t c = 0; c < layer->node.channels; c++)
            for (int64_t i = 0; i < layer->plane; i++)
                pool_one(layer, src, i / layer->node.width, i % layer->node.width,
                         plane_of(src, src->dst, n, c), plane_of(src, src->diff, n, c),
                         plane_of(layer, backward ? layer->diff : layer->dst, n, c) + i, backward);
}

/* ---- SOFTMAX_CROSS_ENTROPY ---- */

/* What a label gives to class j: 1 or 0, smoothed in TRAIN. */
static double share(const struct repro_net *net, const struct layer *layer, int64_t n, int64_t j)
{
    double own = net->labels[n] == j ? 1.0 : 0.0, s = (double)layer->node.scale;
    if (net->rows.mode != REPRO_MODE_TRAIN || (layer->node.flags & REPRO_NODE_SMOOTHED) == 0)
        return own;
    return (1.0 - s) * own + s / (double)net->graph.classes;
}

static void loss(struct repro_net *net, struct layer *layer, double scale, int backward)
{
    struct layer *src = source(net, layer, 0);
    for (int64_t n = 0; n < net->rows.count; n++) {
        const float *logits = src->dst + n * src->size;
        int64_t best = 0;
        double sum = 0.0, target = 0.0;
        for (int64_t j = 1; j < src->size; j++)
            best = logits[j] > logits[best] ? j : best;
        for (int64_t j = 0; j < src->size; j++)
            sum += exp((double)logits[j] - (double)logits[best]);
        double all = (double)logits[best] + log(sum);
        for (int64_t j = 0; j < src->size; j++) {
            double part = share(net, layer, n, j);
            target += part == 0.0 ? 0.0 : part * (double)logits[j];
            if (backward)
                src->diff[n * src->size + j] += (float)(scale *
                                                        (exp((double)logits[j] - all) - part));
        }
        if (backward)
            continue;
        layer->dst[n] = (float)(all - target);
        net->metrics.loss += all - target;
        net->metrics.correct += best == net->labels[n];
        net->metrics.rows++;
    }
}

/* ---- All of them ---- */

void layer_forward(struct repro_net *net, struct layer *layer, const uint8_t *pixels)
{
    switch (layer->node.op) {
    case REPRO_OP_INPUT:
        input(net, layer, pixels);
        break;
    case REPRO_OP_BATCH_NORM:
        norm(net, layer);
        break;
    case REPRO_OP_CONV:
        conv(net, layer);
        break;
    case REPRO_OP_RELU:
        relu(net, layer, 0);
        break;
    case REPRO_OP_ADD:
        add(net, layer, 0);
        break;
    case REPRO_OP_CONCAT:
        concat(net, layer, 0);
        break;
    case REPRO_OP_DROPOUT:
        dropout(net, layer, 0);
        break;
    case REPRO_OP_DENSE:
        dense(net, layer, 0);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss(net, layer, 0.0, 0);
        break;
    default: /* the three pools: check_node() knows no other */
        pool(net, layer, 0);
        break;
    }
}

void layer_backward(struct repro_net *net, struct layer *layer, double scale)
{
    switch (layer->node.op) {
    case REPRO_OP_BATCH_NORM:
        norm_backward(net, layer);
        break;
    case REPRO_OP_CONV:
        conv_backward(net, layer);
        break;
    case REPRO_OP_RELU:
        relu(net, layer, 1);
        break;
    case REPRO_OP_ADD:
        add(net, layer, 1);
        break;
    case REPRO_OP_CONCAT:
        concat(net, layer, 1);
        break;
    case REPRO_OP_DROPOUT:
        dropout(net, layer, 1);
        break;
    case REPRO_OP_DENSE:
        dense(net, layer, 1);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss(net, layer, scale, 1);
        break;
    default:
        pool(net, layer, 1);
        break;
    }
}
