/* noise.h -- by how much a number of one seed differs from that of another: from the seeds
 * themselves where they can show it, else supposed.
 *
 * Two degrees of freedom are the fewest that are taken at their word: 3 seeds of a run, or 2 of
 * each of two.  Below that the variance is the largest of what was supposed, of what these seeds
 * show and of what other curves of the figure show, and counts as known.  What is supposed:
 *     of an accuracy   twice the error of counting right answers, sqrt(p (1-p) / test_n).  Were the
 *                      errors of two seeds independent from image to image, one such error would
 *                      be the most, and nearly so they are (Jordan, "On the Variance of Neural
 *                      Network Training with respect to Test Sets and Distributions", 2023);
 *                      figure 5's runs computed in four ways, under doc/results/small, end 0.16 to
 *                      0.68 of it apart.
 *     of a loss        5 % of it; there it is 0.9 to 2.9 %.
 * The scatter of a run's own epochs comes on top. */
#ifndef JUDGE_NOISE_H
#define JUDGE_NOISE_H

#include "judge/judge.h"

#include <stddef.h>
#include <stdint.h>

/* One number a seed, of one run. */
struct sample {
    double mean, squares; /* squares: sum of (x - mean)^2 */
    size_t count;
};

void sample_add(struct sample *sample, double value);

struct noise {
    double variance; /* of one seed's number */
    double df;       /* degrees of freedom behind it; INFINITY: counts as known */
    int supposed;    /* 1: not from these seeds alone */
};

/* Of `count` samples, 1 or the 2 of a difference; these need not spread alike (Welch).  `others`:
 * the pooled sum of squares of other curves, with their degrees of freedom as its count; zeroed
 * where there are none. */
struct noise noise_of(const struct sample *samples, size_t count, struct sample others,
                      double supposed);

/* What is supposed of one epoch's number, as a variance: of an accuracy on test_n images, 0 to 1,
 * or of a loss. */
double noise_supposed(enum claim_quantity quantity, double level, int64_t test_n);

/* Variance from epoch to epoch over epochs first .. end - 1 of a log, from differences of
 * neighbours, so that a slow trend leaves it nearly alone; 0 for a single epoch. */
double noise_epochs(const struct runlog *log, enum claim_quantity quantity, int first, int end);

#endif
