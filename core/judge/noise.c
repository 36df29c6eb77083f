#include "judge/noise.h"

#include "judge/judge_parts.h"

#include <math.h>

#define COUNTING_ERRORS 2.0
#define OF_A_LOSS 0.05
#define LEAST_DF 2.0

void sample_add(struct sample *sample, double value)
{
    double apart = value - sample->mean;
    sample->count++;
    sample->mean += apart / (double)sample->count;
    sample->squares += apart * (value - sample->mean);
}

/* Welch: the variance that makes the error of a difference what the samples' own make it, and
 * Satterthwaite's degrees of freedom; of one sample its own. */
static struct noise noise_shown(const struct sample *samples, size_t count, double df)
{
    double error = 0.0, error_df = 0.0, share = 0.0;
    for (size_t i = 0; i < count; i++) {
        double n = (double)samples[i].count, own = samples[i].squares / (n - 1.0) / n;
        error += own;
        error_df += own * own / (n - 1.0);
        share += 1.0 / n;
    }
    return (struct noise){.variance = error / share,
                          .df = error_df > 0.0 ? error * error / error_df : df};
}

struct noise noise_of(const struct sample *samples, size_t count, struct sample others,
                      double supposed)
{
    double squares = 0.0, df = 0.0;
    int repeated = 1;
    for (size_t i = 0; i < count; i++) {
        squares += samples[i].squares;
        df += (double)samples[i].count - 1.0;
        repeated &= samples[i].count > 1;
    }
    if (repeated && df >= LEAST_DF)
        return noise_shown(samples, count, df);
    double variance = supposed;
    if (df > 0.0)
        variance = fmax(variance, squares / df);
    if (others.count > 0)
        variance = fmax(variance, others.squares / (double)others.count);
    return (struct noise){.variance = variance, .df = INFINITY, .supposed = 1};
}

double noise_supposed(enum claim_quantity quantity, double level, int64_t test_n)
{
    if (quantity == CLAIM_TRAIN_LOSS)
        return pow(OF_A_LOSS * level, 2.0);
    return COUNTING_ERRORS * COUNTING_ERRORS * level * (1.0 - level) / (double)test_n;
}

double noise_epochs(const struct runlog *log, enum claim_quantity quantity, int first, int end)
{
    double squares = 0.0;
    if (end - first < 2)
        return 0.0;
    for (int epoch = first; epoch + 1 < end; epoch++)
        squares += pow(claims_mean(log, quantity, epoch + 1, epoch + 2) -
                           claims_mean(log, quantity, epoch, epoch + 1),
                       2.0);
    return 0.5 * squares / (double)(end - first - 1);
}
