/* Plain loops, sums in double. */
#include "convolution.h"

#include "cudnn.h"

#include <stdlib.h>
#include <string.h>

static float get(const struct tensor *tensor, int64_t at)
{
    if (tensor->type == CUDNN_DATA_FLOAT)
        return ((const float *)tensor->data)[at];
    uint32_t bits = (uint32_t)((const uint16_t *)tensor->data)[at] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void put_float(const struct tensor *tensor, int64_t at, float value)
{
    uint32_t bits;
    if (tensor->type == CUDNN_DATA_FLOAT) {
        ((float *)tensor->data)[at] = value;
        return;
    }
    memcpy(&bits, &value, sizeof bits);
    ((uint16_t *)tensor->data)[at] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* The tensor's values as the engine multiplies them: tf32 keeps 10 bits of mantissa. */
static float *factors(const struct convolution *conv, const struct tensor *tensor)
{
    int64_t count = tensor->size[0] * tensor->size[1] * tensor->size[2] * tensor->size[3];
    float *values = calloc((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits;
        values[i] = get(tensor, i);
        memcpy(&bits, &values[i], sizeof bits);
        if (conv->cores && tensor->type == CUDNN_DATA_FLOAT)
            bits = (bits + 0x0fffu + (bits >> 13 & 1u)) & 0xffffe000u;
        memcpy(&values[i], &bits, sizeof bits);
    }
    return values;
}

/* Adds one tap of one pixel, for all pairs of channels: which of the three is the result says
 * `which`, 0 src, 1 weights, 2 dst. */
static void add_tap(const struct convolution *conv, int which, const float *src,
                    const float *weights, const float *dst, double *sums, int64_t s, int64_t w,
                    int64_t d)
{
    int64_t in = conv->src.size[1], step = conv->weights.stride[0];
    for (int64_t o = 0; o < conv->dst.size[1]; o++, w += step) {
        if (which == 2) {
            double sum = 0.0;
            for (int64_t i = 0; i < in; i++)
                sum += (double)src[s + i] * (double)weights[w + i];
            sums[d + o] += sum;
        } else if (which == 1) {
            for (int64_t i = 0; i < in; i++)
                sums[w + i] += (double)src[s + i] * (double)dst[d + o];
        } else {
            for (int64_t i = 0; i < in; i++)
                sums[s + i] += (double)weights[w + i] * (double)dst[d + o];
        }
    }
}

void convolution_compute(const struct convolution *conv)
{
    int which = conv->which;
    const struct tensor *src = &conv->src, *weights = &conv->weights, *dst = &conv->dst;
    const struct tensor *out = which == 0 ? src : which == 1 ? weights : dst;
    int64_t elements = out->size[0] * out->size[1] * out->size[2] * out->size[3];
    double *sums = calloc((size_t)elements, sizeof *sums);
    float *given[3] = {which == 0 ? NULL : factors(conv, src),
                       which == 1 ? NULL : factors(conv, weights),
                       which == 2 ? NULL : factors(conv, dst)};
    for (int64_t n = 0; n < dst->size[0]; n++)
        for (int64_t y = 0; y < dst->size[2]; y++)
            for (int64_t x = 0; x < dst->size[3]; x++)
                for (int64_t u = 0; u < weights->size[2]; u++)
                    for (int64_t v = 0; v < weights->size[3]; v++) {
                        int64_t row = y * conv->stride[0] + u - conv->before[0],
                                column = x * conv->stride[1] + v - conv->before[1];
                        if (row >= 0 && row < src->size[2] && column >= 0 && column < src->size[3])
                            add_tap(conv, which, given[0], given[1], given[2], sums,
                                    n * src->stride[0] + row * src->stride[2] +
                                        column * src->stride[3],
                                    u * weights->stride[2] + v * weights->stride[3],
                                    n * dst->stride[0] + y * dst->stride[2] + x * dst->stride[3]);
                    }
    for (int64_t i = 0; i < elements; i++)
        put_float(out, i,
                  (float)(conv->beta == 0.0f ? sums[i]
                                             : sums[i] + (double)conv->beta * (double)get(out, i)));
    free(sums);
    for (int k = 0; k < 3; k++)
        free(given[k]);
}
