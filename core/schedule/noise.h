/* noise.h -- the noise of gradients: how large it is, from inner products of sampled gradients, and
 * what a learning rate, a batch size and a momentum make of it.  Pure functions.
 *
 * A sample is the mean gradient g_i of one ghost of `rows` rows, drawn by itself: batch norm takes
 * its statistics from the ghost, so that the gradient of a single row is not defined without one.
 * With G = E g_i and S = Cov g_i,
 *     gradient  |G|^2
 *     trace     tr Sigma = rows * tr S: that of one row, as if the ghost's rows were independent
 *     simple    B_simple = tr Sigma / |G|^2, in rows
 * (McCandlish et al., "An Empirical Model of Large-Batch Training", 2018, appendix A.1, whose two
 * batch sizes are here one ghost and all of them.)  Weight decay is not in them. */
#ifndef SCHEDULE_NOISE_H
#define SCHEDULE_NOISE_H

#include <stddef.h>
#include <stdint.h>

#define NOISE_GHOSTS_MIN 4 /* fewer do not say how uncertain they are */
#define NOISE_GHOSTS_MAX 64

/* Unbiased, all of them; what is estimated to be positive may come out negative by chance. */
struct noise_estimate {
    int64_t rows;   /* of one ghost */
    int64_t ghosts; /* sampled in all */
    int64_t times;  /* measurements that are pooled, 1 at first; each has its weights held */
    double gradient, trace;
    /* how uncertain they are: Var trace; and of one ghost's gradient G' S G and tr S^2 */
    double trace_variance, along, square;
};

/* From products[ghosts][ghosts], g_i . g_j.  Needs rows >= 1 and NOISE_GHOSTS_MIN to
 * NOISE_GHOSTS_MAX ghosts.  Means over pairs i != j (U-statistics of degree 2)
 *     gradient = mean g_i . g_j,    trace = rows * mean |g_i - g_j|^2 / 2
 * and, without an assumption on the distribution of g,
 *     trace_variance  trace^2 less the mean of products of two pairs without a common ghost
 *     along           the mean of g_i . g_j g_i . g_k less that of g_i . g_j g_k . g_l
 * (Hoeffding, 1948).  square is Srivastava's estimate (2005), unbiased for normal g and never
 * negative. */
struct noise_estimate noise_estimate(const double *products, int64_t ghosts, int64_t rows);

/* The mean of measurements made one by one, each with the same weight; count >= 1, all of the same
 * rows. */
struct noise_estimate noise_pool(const struct noise_estimate *measured, size_t count);

/* tr Sigma / |G|^2 in rows; INFINITY where |G|^2 is estimated to be 0 or less, 0 where tr Sigma
 * is. */
double noise_simple(const struct noise_estimate *estimate);

/* Where B_simple lies with that confidence, 0 < level < 1.  The mean gradient's |g|^2 and tr S are
 * all but independent, and each is close to a multiple of chi^2 with the degrees of freedom that
 * its variance says (Satterthwaite, 1946); so their ratio, divided by what it is to be at B_simple
 * = b, follows F, and the interval holds every b at which it is not in one of F's two tails.  high
 * is INFINITY where the gradient cannot be told from 0, and low too where even the noise alone is
 * expected to give a longer mean gradient. */
struct noise_interval {
    double low, high;
};
struct noise_interval noise_interval(const struct noise_estimate *estimate, double level);

/* What the noise does to the weights, per unit of training time, of which an update is lr / (1-m):
 *     lr / (1-m) * (1/B - 1/N) * trace = g * trace / N,
 * the trace of what the paper's section 2 calls g F: the expected squared distance, with g of
 * eq. (4).  Of momentum only what it adds up to over many more than 1/(1-m) updates. */
double noise_fluctuation(double trace, double lr, double momentum, int64_t train_n, int64_t batch);

#endif
