#include "cpu/loss.h"

#include <Random123/philox.h>
#include <math.h>

#define DROPOUT_PURPOSE 5u /* the contract's */

static double largest(const float *logits, int64_t classes, int64_t *index)
{
    *index = 0;
    for (int64_t j = 1; j < classes; j++)
        if (logits[j] > logits[*index])
            *index = j;
    return (double)logits[*index];
}

static double log_sum(const float *logits, int64_t classes, double top)
{
    double sum = 0.0;
    for (int64_t j = 0; j < classes; j++)
        sum += exp((double)logits[j] - top);
    return top + log(sum);
}

/* The mean of the logits by the labels' weights: (1 - s) logits[label] + s / classes * sum. */
static double target(const float *logits, int64_t classes, int32_t label, double smoothing)
{
    double sum = 0.0;
    if (smoothing == 0.0) /* an infinite logit elsewhere has no part in it */
        return (double)logits[label];
    for (int64_t j = 0; j < classes; j++)
        sum += (double)logits[j];
    return (1.0 - smoothing) * (double)logits[label] + smoothing / (double)classes * sum;
}

void loss_forward(struct cpu_arenas *arenas, const float *logits, const int32_t *labels,
                  int64_t rows, float smoothing, float *loss)
{
    int64_t classes = arenas->classes;
    for (int64_t row = 0; row < rows; row++) {
        const float *at = logits + row * classes;
        int64_t best;
        double top = largest(at, classes, &best);
        double value = log_sum(at, classes, top) -
                       target(at, classes, labels[row], (double)smoothing);
        loss[row] = (float)value;
        arenas->loss += value;
        arenas->correct += best == labels[row] && isfinite(top);
    }
    arenas->rows += rows;
}

void loss_backward(const float *logits, const int32_t *labels, int64_t rows, int64_t classes,
                   float smoothing, double scale, float *diff)
{
    double off = (double)smoothing / (double)classes, on = 1.0 - (double)smoothing + off;
    for (int64_t row = 0; row < rows; row++) {
        const float *at = logits + row * classes;
        int64_t best;
        double all = log_sum(at, classes, largest(at, classes, &best));
        for (int64_t j = 0; j < classes; j++)
            diff[row * classes + j] = (float)(scale * (exp((double)at[j] - all) -
                                                       (j == labels[row] ? on : off)));
    }
}

void dropout_draw(const struct repro_rows *rows, int64_t row, int32_t node, float rate,
                  int64_t size, uint8_t *kept)
{
    philox4x32_key_t key = {{(uint32_t)rows->seed, (uint32_t)(rows->seed >> 32)}};
    for (int64_t e = 0; e < size; e += 4) {
        philox4x32_ctr_t counter = {{(uint32_t)(e / 4), (uint32_t)rows->image[row], rows->epoch,
                                     (uint32_t)node << 8 | DROPOUT_PURPOSE}};
        philox4x32_ctr_t words = philox4x32_R(10, counter, key);
        for (int64_t i = e; i < size && i < e + 4; i++)
            kept[i] = words.v[i - e] * 0x1p-32 >= (double)rate;
    }
}
