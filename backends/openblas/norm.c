/* Batch norm over ghosts, with the ReLU behind it where that is its only consumer.  Each (ghost,
 * channel) is one unit of work, summed in a fixed order: 16 lanes of f32 within a plane, double
 * across planes. */
#include "loop.h"

#include <math.h>
#include <string.h>

#define SUM_LANES 16
#define VECTOR 8

/* moments() spells its vectors out: gcc unrolls the loop into scalars instead. */
typedef float vector __attribute__((vector_size(VECTOR * sizeof(float))));
typedef int32_t mask __attribute__((vector_size(VECTOR * sizeof(int32_t))));

static inline double fold(const float lanes[SUM_LANES])
{
    double sum = 0.0;
    for (int i = 0; i < SUM_LANES; i++)
        sum += (double)lanes[i];
    return sum;
}

CPU_VECTOR
static double plane_sum(const float *restrict x, int64_t count)
{
    float lanes[SUM_LANES] = {0};
    int64_t i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
#pragma omp simd
        for (int j = 0; j < SUM_LANES; j++)
            lanes[j] += x[i + j];
    for (; i < count; i++)
        lanes[i % SUM_LANES] += x[i];
    return fold(lanes);
}

CPU_VECTOR
static double plane_squares(const float *restrict x, int64_t count, float mean)
{
    float lanes[SUM_LANES] = {0};
    int64_t i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
#pragma omp simd
        for (int j = 0; j < SUM_LANES; j++) {
            float d = x[i + j] - mean;
            lanes[j] += d * d;
        }
    for (; i < count; i++) {
        float d = x[i] - mean;
        lanes[i % SUM_LANES] += d * d;
    }
    return fold(lanes);
}

/* y = gain * (x - mean) + shift, then max(y, 0) if relu. */
CPU_VECTOR
static void plane_scale(const float *restrict x, int64_t count, float mean, float gain, float shift,
                        int relu, float *restrict y)
{
    if (relu) {
#pragma omp simd
        for (int64_t i = 0; i < count; i++) {
            float value = gain * (x[i] - mean) + shift;
            y[i] = value > 0.0f ? value : 0.0f;
        }
    } else {
#pragma omp simd
        for (int64_t i = 0; i < count; i++)
            y[i] = gain * (x[i] - mean) + shift;
    }
}

/* Sums of d and of d * (x - mean), d = diff masked by y > 0 if relu.  `relu` and `assign` are
 * constants where these are inlined, so that no loop asks. */
static inline __attribute__((always_inline)) void moments(const float *restrict x,
                                                          const float *restrict y,
                                                          const float *restrict diff, int64_t count,
                                                          float mean, int relu, double sums[2])
{
    float first[SUM_LANES], second[SUM_LANES];
    vector sums1[SUM_LANES / VECTOR] = {{0}}, sums2[SUM_LANES / VECTOR] = {{0}};
    int64_t i = 0;
    for (; i + SUM_LANES <= count; i += SUM_LANES)
        for (int j = 0; j < SUM_LANES; j += VECTOR) {
            vector values, at, d;
            memcpy(&values, x + i + j, sizeof values);
            memcpy(&d, diff + i + j, sizeof d);
            if (relu) {
                memcpy(&at, y + i + j, sizeof at);
                d = (vector)((mask)d & (at > 0.0f));
            }
            sums1[j / VECTOR] += d;
            sums2[j / VECTOR] += d * (values - mean);
        }
    memcpy(first, sums1, sizeof first);
    memcpy(second, sums2, sizeof second);
    for (; i < count; i++) {
        float d = !relu || y[i] > 0.0f ? diff[i] : 0.0f;
        first[i % SUM_LANES] += d;
        second[i % SUM_LANES] += d * (x[i] - mean);
    }
    sums[0] += fold(first);
    sums[1] += fold(second);
}

CPU_VECTOR
static void plane_moments(const float *restrict x, const float *restrict y,
                          const float *restrict diff, int64_t count, float mean, int relu,
                          double sums[2])
{
    if (relu)
        moments(x, y, diff, count, mean, 1, sums);
    else
        moments(x, y, diff, count, mean, 0, sums);
}

/* to (+)= gain * (d - a - b * (x - mean)). */
static inline __attribute__((always_inline)) void
gradient(const float *restrict x, const float *restrict y, const float *restrict diff,
         int64_t count, float mean, float gain, float a, float b, int relu, int assign,
         float *restrict to)
{
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float d = !relu || y[i] > 0.0f ? diff[i] : 0.0f;
        float value = gain * (d - a - b * (x[i] - mean));
        to[i] = assign ? value : to[i] + value;
    }
}

CPU_VECTOR
static void plane_backward(const float *restrict x, const float *restrict y,
                           const float *restrict diff, int64_t count, float mean, float gain,
                           float a, float b, int relu, int assign, float *restrict to)
{
    if (relu && assign)
        gradient(x, y, diff, count, mean, gain, a, b, 1, 1, to);
    else if (relu)
        gradient(x, y, diff, count, mean, gain, a, b, 1, 0, to);
    else if (assign)
        gradient(x, y, diff, count, mean, gain, a, b, 0, 1, to);
    else
        gradient(x, y, diff, count, mean, gain, a, b, 0, 0, to);
}

/* Mean and biased variance of one channel over rows first..first+count-1. */
static void statistics(const struct layer *src, int64_t channel, int64_t first, int64_t count,
                       double *mean, double *variance)
{
    double sum = 0.0, squares = 0.0, n = (double)(count * src->use->plane);
    for (int64_t row = first; row < first + count; row++)
        sum += plane_sum(src->dst + row * src->use->size + channel * src->use->plane,
                         src->use->plane);
    *mean = sum / n;
    for (int64_t row = first; row < first + count; row++)
        squares += plane_squares(src->dst + row * src->use->size + channel * src->use->plane,
                                 src->use->plane, (float)*mean);
    *variance = squares / n;
}

/* 1 where the norm has none. */
static double gamma_of(const struct repro_net *net, const struct repro_node *node, int64_t c)
{
    return node->weights < 0 ? 1.0 : (double)net->arenas.param[node->weights + c];
}

/* One ghost's channel. */
static void norm_unit(void *context, int64_t unit, int32_t thread)
{
    const struct loop *loop = context;
    const struct repro_net *net = loop->net;
    const struct layer *layer = loop->layer, *src = loop->src;
    const struct repro_node *node = layer->node;
    const float *running = net->arenas.running + node->running;
    int64_t channels = node->channels, c = unit % channels, first = unit / channels * loop->ghost;
    double mean = (double)running[c], variance = (double)running[channels + c];
    (void)thread;
    if (loop->mode == REPRO_MODE_TRAIN)
        statistics(src, c, first, loop->ghost, &mean, &variance);
    double inverse = 1.0 / sqrt(variance + (double)node->epsilon);
    if (loop->mode == REPRO_MODE_TRAIN) {
        layer->mean[unit] = (float)mean;
        layer->inverse[unit] = (float)inverse;
        layer->variance[unit] = (float)variance;
    }
    float gain = (float)(gamma_of(net, node, c) * inverse),
          shift = net->arenas.param[node->bias + c];
    for (int64_t row = first; row < first + loop->ghost; row++)
        plane_scale(src->dst + row * src->use->size + c * src->use->plane, src->use->plane,
                    (float)mean, gain, shift, layer->fused_relu,
                    layer->dst + row * layer->use->size + c * layer->use->plane);
}

void norm_forward(struct repro_net *net, struct layer *layer, int64_t rows, int32_t mode)
{
    struct loop loop = {.net = net,
                        .layer = layer,
                        .src = &net->layers[layer->node->src[0]],
                        .mode = mode,
                        .ghost = mode == REPRO_MODE_TRAIN ? net->graph.options.ghost : rows};
    loop_run(&loop, rows * layer->use->size, rows / loop.ghost * layer->node->channels, norm_unit);
}

/* One ghost's channel; returns the gradients of gamma and beta in sums. */
static void unit_backward(const struct repro_net *net, const struct layer *layer, struct layer *src,
                          int64_t unit, double sums[2])
{
    const struct repro_node *node = layer->node;
    int64_t channels = node->channels, ghost = net->graph.options.ghost, c = unit % channels,
            first = unit / channels * ghost;
    float mean = layer->mean[unit];
    double inverse = (double)layer->inverse[unit], n = (double)(ghost * layer->use->plane);
    sums[0] = sums[1] = 0.0;
    for (int64_t row = first; row < first + ghost; row++) {
        int64_t at = row * layer->use->size + c * layer->use->plane;
        plane_moments(src->dst + at, layer->dst + at, layer->diff + at, layer->use->plane, mean,
                      layer->fused_relu, sums);
    }
    float gain = (float)(gamma_of(net, node, c) * inverse), a = (float)(sums[0] / n);
    float b = (float)(sums[1] * inverse * inverse / n);
    sums[1] *= inverse;
    for (int64_t row = first; src->diff != NULL && row < first + ghost; row++) {
        int64_t at = row * layer->use->size + c * layer->use->plane;
        plane_backward(src->dst + at, layer->dst + at, layer->diff + at, layer->use->plane, mean,
                       gain, a, b, layer->fused_relu, layer->use->diff_first[0], src->diff + at);
    }
}

static void norm_gradient_channel(void *context, int64_t c, int32_t thread)
{
    const struct loop *loop = context;
    const struct layer *layer = loop->layer;
    const struct repro_node *node = layer->node;
    struct repro_net *net = loop->net;
    int64_t channels = node->channels;
    float *sums = net->arenas.partial + net->arenas.param_count + node->running;
    double gamma = 0.0, beta = 0.0;
    (void)thread;
    for (int64_t g = 0; g < loop->rows / net->graph.options.ghost; g++) {
        double unit[2];
        unit_backward(net, layer, loop->src, g * channels + c, unit);
        beta += unit[0];
        gamma += unit[1];
        sums[c] += layer->mean[g * channels + c];
        sums[channels + c] += layer->variance[g * channels + c];
    }
    if (node->weights >= 0)
        net->arenas.partial[node->weights + c] += (float)gamma;
    net->arenas.partial[node->bias + c] += (float)beta;
}

void norm_backward(struct repro_net *net, struct layer *layer, int64_t rows)
{
    struct loop loop = {
        .net = net, .layer = layer, .src = &net->layers[layer->node->src[0]], .rows = rows};
    loop_run(&loop, rows * layer->use->size, layer->node->channels, norm_gradient_channel);
}
