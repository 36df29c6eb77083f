/* The three operations with parameters.  Sums are added in double and in a fixed order; tensors are
 * f32. */
#include "plain.h"

#include <math.h>

/* ---- CONV ---- */

/* Columns x whose x * stride + shift lies in 0..width-1: *first up to, not with, the result. */
static int64_t columns(int64_t count, int64_t width, int64_t stride, int64_t shift, int64_t *first)
{
    int64_t x = 0, end = count;
    while (x < end && x * stride + shift < 0)
        x++;
    while (end > x && (end - 1) * stride + shift >= width)
        end--;
    *first = x;
    return end;
}

/* One tap of one pair of channels, over a row's plane: to += weight * from, or, backward, from_diff
 * += weight * to_diff; returns the weight's gradient then. */
static double tap(const struct repro_node *node, const struct repro_node *src, int64_t u, int64_t v,
                  float weight, float *to, const float *from, float *from_diff)
{
    int64_t first,
        end = columns(node->width, src->width, node->stride_w, v - node->pad_left, &first);
    double sum = 0.0;
    for (int64_t y = 0; y < node->height; y++) {
        int64_t row = y * node->stride_h + u - node->pad_top;
        if (row < 0 || row >= src->height)
            continue;
        int64_t at = row * src->width + v - node->pad_left;
        for (int64_t x = first; x < end; x++) {
            float *t = &to[y * node->width + x];
            int64_t s = at + x * node->stride_w;
            if (from_diff == NULL) {
                *t += weight * from[s];
            } else {
                sum += (double)*t * (double)from[s];
                from_diff[s] += weight * *t;
            }
        }
    }
    return sum;
}

/* Output channel o of row n: every tap of every source channel. */
static void conv_channel(struct repro_net *net, struct layer *layer, int64_t n, int64_t o,
                         int backward)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = source(net, layer, 0);
    float *to = plane_of(layer, backward ? layer->diff : layer->dst, n, o);
    int64_t w = node->weights + o * src->node.channels * node->kernel_h * node->kernel_w;
    for (int64_t c = 0; c < src->node.channels; c++)
        for (int64_t u = 0; u < node->kernel_h; u++)
            for (int64_t v = 0; v < node->kernel_w; v++, w++) {
                double sum = tap(node, &src->node, u, v, net->param[w], to,
                                 plane_of(src, src->dst, n, c),
                                 backward ? plane_of(src, src->diff, n, c) : NULL);
                if (backward)
                    net->partial[w] += (float)sum;
            }
}

void conv(struct repro_net *net, struct layer *layer)
{
    const struct repro_node *node = &layer->node;
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t o = 0; o < node->channels; o++) {
            float bias = (node->flags & REPRO_NODE_BIAS) != 0 ? net->param[node->bias + o] : 0.0f;
            for (int64_t i = 0; i < layer->plane; i++)
                plane_of(layer, layer->dst, n, o)[i] = bias;
            conv_channel(net, layer, n, o, 0);
        }
}

void conv_backward(struct repro_net *net, struct layer *layer)
{
    const struct repro_node *node = &layer->node;
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t o = 0; o < node->channels; o++) {
            double bias = 0.0;
            for (int64_t i = 0; i < layer->plane; i++)
                bias += (double)plane_of(layer, layer->diff, n, o)[i];
            if ((node->flags & REPRO_NODE_BIAS) != 0)
                net->partial[node->bias + o] += (float)bias;
            conv_channel(net, layer, n, o, 1);
        }
}

/* ---- BATCH_NORM ---- */

static float gamma_of(const struct repro_net *net, const struct repro_node *node, int64_t c)
{
    return (node->flags & REPRO_NODE_NO_GAMMA) != 0 ? 1.0f : net->param[node->weights + c];
}

/* Mean and biased variance of channel c over the rows of ghost g. */
static void statistics(struct repro_net *net, struct layer *layer, int64_t g, int64_t c)
{
    struct layer *src = source(net, layer, 0);
    int64_t ghost = net->options.ghost, unit = g * layer->node.channels + c;
    double count = (double)(ghost * layer->plane), sum = 0.0, squares = 0.0;
    for (int64_t n = g * ghost; n < (g + 1) * ghost; n++)
        for (int64_t i = 0; i < layer->plane; i++)
            sum += (double)plane_of(src, src->dst, n, c)[i];
    layer->mean[unit] = sum / count;
    for (int64_t n = g * ghost; n < (g + 1) * ghost; n++)
        for (int64_t i = 0; i < layer->plane; i++) {
            double d = (double)plane_of(src, src->dst, n, c)[i] - layer->mean[unit];
            squares += d * d;
        }
    layer->variance[unit] = squares / count;
}

void norm(struct repro_net *net, struct layer *layer)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = source(net, layer, 0);
    int train = net->rows.mode == REPRO_MODE_TRAIN;
    for (int64_t g = 0; train && g < net->rows.count / net->options.ghost; g++)
        for (int64_t c = 0; c < node->channels; c++)
            statistics(net, layer, g, c);
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t c = 0; c < node->channels; c++) {
            int64_t unit = n / net->options.ghost * node->channels + c;
            const float *running = net->running + node->running;
            double mean = train ? layer->mean[unit] : (double)running[c],
                   variance = train ? layer->variance[unit] : (double)running[node->channels + c];
            double factor = (double)gamma_of(net, node, c) / sqrt(variance + (double)node->epsilon);
            const float *from = plane_of(src, src->dst, n, c);
            float *to = plane_of(layer, layer->dst, n, c), beta = net->param[node->bias + c];
            for (int64_t i = 0; i < layer->plane; i++)
                to[i] = (float)(factor * ((double)from[i] - mean)) + beta;
        }
}

/* With h = (src - mean) / deviation and e = gamma * diff over a ghost's channel: d(src) = (e -
 * mean(e) - h * mean(e h)) / deviation, since mean and deviation depend on src too. */
static void norm_unit_backward(struct repro_net *net, struct layer *layer, int64_t g, int64_t c)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = source(net, layer, 0);
    int64_t ghost = net->options.ghost, unit = g * node->channels + c;
    double mean = layer->mean[unit], gamma = (double)gamma_of(net, node, c);
    double deviation = sqrt(layer->variance[unit] + (double)node->epsilon);
    double count = (double)(ghost * layer->plane), sum = 0.0, product = 0.0;
    for (int64_t n = g * ghost; n < (g + 1) * ghost; n++)
        for (int64_t i = 0; i < layer->plane; i++) {
            double d = (double)plane_of(layer, layer->diff, n, c)[i];
            sum += d;
            product += d * ((double)plane_of(src, src->dst, n, c)[i] - mean) / deviation;
        }
    if ((node->flags & REPRO_NODE_NO_GAMMA) == 0)
        net->partial[node->weights + c] += (float)product;
    net->partial[node->bias + c] += (float)sum;
    for (int64_t n = g * ghost; n < (g + 1) * ghost; n++)
        for (int64_t i = 0; i < layer->plane; i++) {
            double h = ((double)plane_of(src, src->dst, n, c)[i] - mean) / deviation;
            double d = (double)plane_of(layer, layer->diff, n, c)[i];
            plane_of(src, src->diff, n,
                     c)[i] += (float)(gamma * (d - sum / count - h * product / count) / deviation);
        }
    float *sums = net->partial + net->graph.param_count + node->running;
    sums[c] += (float)mean;
    sums[node->channels + c] += (float)layer->variance[unit];
}

void norm_backward(struct repro_net *net, struct layer *layer)
{
    for (int64_t g = 0; g < net->rows.count / net->options.ghost; g++)
        for (int64_t c = 0; c < layer->node.channels; c++)
            norm_unit_backward(net, layer, g, c);
}

/* ---- DENSE ---- */

void dense(struct repro_net *net, struct layer *layer, int backward)
{
    const struct repro_node *node = &layer->node;
    struct layer *src = source(net, layer, 0);
    for (int64_t n = 0; n < net->rows.count; n++)
        for (int64_t o = 0; o < layer->size; o++) {
            int64_t w = node->weights + o * src->size, d = n * layer->size + o;
            const float *from = src->dst + n * src->size;
            double sum = (double)net->param[node->bias + o];
            for (int64_t i = 0; i < src->size; i++) {
                sum += (double)net->param[w + i] * (double)from[i];
                if (backward) {
                    net->partial[w + i] += layer->diff[d] * from[i];
                    src->diff[n * src->size + i] += layer->diff[d] * net->param[w + i];
                }
            }
            if (backward)
                net->partial[node->bias + o] += layer->diff[d];
            else
                layer->dst[d] = (float)sum;
        }
}
