/* The interpreter: arenas, the order of the nodes, and the ops that are a line or two. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double *doubles(int64_t count, int *bad)
{
    double *values = calloc((size_t)count + 1, sizeof *values);
    *bad |= values == NULL;
    return values;
}

int reference_init(struct reference *ref, const struct repro_graph *graph, int64_t micro,
                   int64_t ghost)
{
    int bad = 0;
    *ref = (struct reference){.graph = *graph, .micro = micro, .ghost = ghost};
    ref->graph.nodes = NULL;
    ref->layers = calloc((size_t)graph->node_count, sizeof *ref->layers);
    if (ref->layers == NULL)
        return -1;
    for (int i = 0; i < graph->node_count; i++) {
        struct reference_layer *layer = &ref->layers[i];
        layer->node = graph->nodes[i];
        layer->size = (int64_t)layer->node.channels * layer->node.height * layer->node.width;
        layer->dst = doubles(micro * layer->size, &bad);
        layer->diff = doubles(micro * layer->size, &bad);
        layer->mean = doubles(micro / ghost * layer->node.channels, &bad);
        layer->variance = doubles(micro / ghost * layer->node.channels, &bad);
    }
    ref->param = doubles(graph->param_count, &bad);
    ref->running = doubles(graph->running_count, &bad);
    ref->partial = doubles(graph->param_count + graph->running_count, &bad);
    return bad ? -1 : 0;
}

void reference_release(struct reference *ref)
{
    for (int i = 0; ref->layers != NULL && i < ref->graph.node_count; i++) {
        free(ref->layers[i].dst);
        free(ref->layers[i].diff);
        free(ref->layers[i].mean);
        free(ref->layers[i].variance);
    }
    free(ref->layers);
    free(ref->param);
    free(ref->running);
    free(ref->partial);
    *ref = (struct reference){0};
}

void reference_zero(struct reference *ref)
{
    memset(ref->partial, 0,
           (size_t)(ref->graph.param_count + ref->graph.running_count) * sizeof *ref->partial);
    ref->loss = 0.0;
    ref->correct = ref->seen = 0;
}

double reference_rms(const double *values, int64_t count)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i] * values[i];
    return sqrt(sum / (double)count);
}

void reference_near(struct reference *ref, double distance, double rms)
{
    if (distance != 0.0 && fabs(distance) < ref->margin * rms)
        ref->margin = fabs(distance) / rms;
}

const double *reference_logits(const struct reference *ref)
{
    return ref->layers[ref->layers[ref->graph.node_count - 1].node.src[0]].dst;
}

/* dst[n,c,y,x] = (pixel[n,y,x,c] - mean[c]) / deviation[c] */
static void input(struct reference *ref, struct reference_layer *layer)
{
    int64_t channels = layer->node.channels, plane = layer->size / channels;
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t c = 0; c < channels; c++)
            for (int64_t i = 0; i < plane; i++)
                layer->dst[(n * channels + c) * plane + i] =
                    ((double)ref->rows.pixels[(n * plane + i) * channels + c] -
                     (double)ref->graph.mean[c]) /
                    (double)ref->graph.deviation[c];
}

static void relu(struct reference *ref, struct reference_layer *layer)
{
    const struct reference_layer *src = &ref->layers[layer->node.src[0]];
    int64_t count = ref->rows.count * layer->size;
    double rms = reference_rms(src->dst, count);
    for (int64_t i = 0; i < count; i++) {
        layer->dst[i] = src->dst[i] > 0.0 ? src->dst[i] : 0.0;
        reference_near(ref, src->dst[i], rms);
    }
}

static void relu_backward(struct reference *ref, struct reference_layer *layer)
{
    struct reference_layer *src = &ref->layers[layer->node.src[0]];
    for (int64_t i = 0; i < ref->rows.count * layer->size; i++)
        if (src->dst[i] > 0.0)
            src->diff[i] += layer->diff[i];
}

static void add(struct reference *ref, struct reference_layer *layer)
{
    const struct reference_layer *a = &ref->layers[layer->node.src[0]],
                                 *b = &ref->layers[layer->node.src[1]];
    for (int64_t i = 0; i < ref->rows.count * layer->size; i++)
        layer->dst[i] = a->dst[i] + (double)layer->node.scale * b->dst[i];
}

static void add_backward(struct reference *ref, struct reference_layer *layer)
{
    struct reference_layer *a = &ref->layers[layer->node.src[0]],
                           *b = &ref->layers[layer->node.src[1]];
    for (int64_t i = 0; i < ref->rows.count * layer->size; i++) {
        a->diff[i] += layer->diff[i];
        b->diff[i] += (double)layer->node.scale * layer->diff[i];
    }
}

static void concat(struct reference *ref, struct reference_layer *layer, int backward)
{
    int64_t first = 0;
    for (int k = 0; k < layer->node.src_count; k++) {
        struct reference_layer *src = &ref->layers[layer->node.src[k]];
        for (int64_t n = 0; n < ref->rows.count; n++)
            for (int64_t i = 0; i < src->size; i++) {
                if (backward)
                    src->diff[n * src->size + i] += layer->diff[n * layer->size + first + i];
                else
                    layer->dst[n * layer->size + first + i] = src->dst[n * src->size + i];
            }
        first += src->size;
    }
}

/* dst[n,o] = bias[o] + sum over i of weights[o,i] * src[n,i] */
static void dense(struct reference *ref, struct reference_layer *layer)
{
    const struct reference_layer *src = &ref->layers[layer->node.src[0]];
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t o = 0; o < layer->size; o++) {
            double sum = ref->param[layer->node.bias + o];
            for (int64_t i = 0; i < src->size; i++)
                sum += ref->param[layer->node.weights + o * src->size + i] *
                       src->dst[n * src->size + i];
            layer->dst[n * layer->size + o] = sum;
        }
}

static void dense_backward(struct reference *ref, struct reference_layer *layer)
{
    struct reference_layer *src = &ref->layers[layer->node.src[0]];
    for (int64_t n = 0; n < ref->rows.count; n++)
        for (int64_t o = 0; o < layer->size; o++) {
            double diff = layer->diff[n * layer->size + o];
            ref->partial[layer->node.bias + o] += diff;
            for (int64_t i = 0; i < src->size; i++) {
                int64_t w = layer->node.weights + o * src->size + i;
                ref->partial[w] += diff * src->dst[n * src->size + i];
                src->diff[n * src->size + i] += diff * ref->param[w];
            }
        }
}

/* log(sum over j of exp(logits[j])), written so that no exp overflows. */
static double log_sum_exp(const double *logits, int64_t classes)
{
    double top = logits[0], sum = 0.0;
    for (int64_t j = 1; j < classes; j++)
        top = logits[j] > top ? logits[j] : top;
    for (int64_t j = 0; j < classes; j++)
        sum += exp(logits[j] - top);
    return top + log(sum);
}

/* What the label of row n gives to class j: 1 or 0; smoothed, in TRAIN, 1 - s + s / classes or
 * s / classes. */
static double label_share(const struct reference *ref, const struct reference_layer *layer,
                          int64_t n, int64_t j)
{
    double own = j == ref->rows.labels[n] ? 1.0 : 0.0, s = (double)layer->node.scale;
    if (ref->rows.mode != REPRO_MODE_TRAIN || (layer->node.flags & REPRO_NODE_SMOOTHED) == 0)
        return own;
    return (1.0 - s) * own + s / (double)ref->graph.classes;
}

static void loss(struct reference *ref, struct reference_layer *layer)
{
    const struct reference_layer *src = &ref->layers[layer->node.src[0]];
    double rms = reference_rms(src->dst, ref->rows.count * src->size);
    for (int64_t n = 0; n < ref->rows.count; n++) {
        const double *logits = src->dst + n * src->size;
        int64_t best = 0;
        for (int64_t j = 1; j < src->size; j++)
            if (logits[j] > logits[best])
                best = j;
        for (int64_t j = 0; j < src->size; j++)
            reference_near(ref, logits[best] - logits[j], rms);
        layer->dst[n] = log_sum_exp(logits, src->size);
        for (int64_t j = 0; j < src->size; j++)
            layer->dst[n] -= label_share(ref, layer, n, j) * logits[j];
        ref->loss += layer->dst[n];
        ref->correct += best == ref->rows.labels[n];
    }
    ref->seen += ref->rows.count;
}

/* d(loss)/d(logit j) = softmax(j) - what the label gives to j, since a label gives 1 in all */
static void loss_backward(struct reference *ref, struct reference_layer *layer, double scale)
{
    struct reference_layer *src = &ref->layers[layer->node.src[0]];
    for (int64_t n = 0; n < ref->rows.count; n++) {
        const double *logits = src->dst + n * src->size;
        double all = log_sum_exp(logits, src->size);
        for (int64_t j = 0; j < src->size; j++)
            src->diff[n * src->size + j] += scale *
                                            (exp(logits[j] - all) - label_share(ref, layer, n, j));
    }
}

static void forward_one(struct reference *ref, struct reference_layer *layer)
{
    switch (layer->node.op) {
    case REPRO_OP_INPUT:
        input(ref, layer);
        break;
    case REPRO_OP_CONV:
        reference_conv(ref, layer);
        break;
    case REPRO_OP_BATCH_NORM:
        reference_norm(ref, layer);
        break;
    case REPRO_OP_RELU:
        relu(ref, layer);
        break;
    case REPRO_OP_ADD:
        add(ref, layer);
        break;
    case REPRO_OP_CONCAT:
        concat(ref, layer, 0);
        break;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
        reference_pool(ref, layer);
        break;
    case REPRO_OP_DROPOUT:
        reference_dropout(ref, layer, 0);
        break;
    case REPRO_OP_DENSE:
        dense(ref, layer);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss(ref, layer);
        break;
    default:
        abort();
    }
}

static void backward_one(struct reference *ref, struct reference_layer *layer, double scale)
{
    switch (layer->node.op) {
    case REPRO_OP_INPUT:
        break;
    case REPRO_OP_CONV:
        reference_conv_backward(ref, layer);
        break;
    case REPRO_OP_BATCH_NORM:
        reference_norm_backward(ref, layer);
        break;
    case REPRO_OP_RELU:
        relu_backward(ref, layer);
        break;
    case REPRO_OP_ADD:
        add_backward(ref, layer);
        break;
    case REPRO_OP_CONCAT:
        concat(ref, layer, 1);
        break;
    case REPRO_OP_MAX_POOL:
    case REPRO_OP_AVG_POOL:
    case REPRO_OP_GLOBAL_AVG_POOL:
        reference_pool_backward(ref, layer);
        break;
    case REPRO_OP_DROPOUT:
        reference_dropout(ref, layer, 1);
        break;
    case REPRO_OP_DENSE:
        dense_backward(ref, layer);
        break;
    case REPRO_OP_SOFTMAX_CROSS_ENTROPY:
        loss_backward(ref, layer, scale);
        break;
    default:
        abort();
    }
}

void reference_forward(struct reference *ref, const struct repro_rows *rows)
{
    ref->rows = *rows;
    ref->margin = INFINITY;
    for (int i = 0; i < ref->graph.node_count; i++)
        forward_one(ref, &ref->layers[i]);
}

void reference_backward(struct reference *ref, double scale)
{
    for (int i = 0; i < ref->graph.node_count; i++)
        memset(ref->layers[i].diff, 0,
               (size_t)(ref->rows.count * ref->layers[i].size) * sizeof(double));
    for (int i = ref->graph.node_count - 1; i >= 0; i--)
        backward_one(ref, &ref->layers[i], scale);
}
