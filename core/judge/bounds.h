/* bounds.h -- the one test that every claim on finished runs comes down to: numbers that must all
 * lie above their bounds, each with an error of its own.
 *
 * HOLDS where every number does by a one-sided t test at the confidence: as all must pass, no level
 * needs a correction.  FAILS where one lies below by a test at a level that is shared among all of
 * them (Bonferroni).  So either verdict is wrong in at most 1 - confidence of cases, at the bound
 * too, however many numbers there are; what is neither is undecided.  An equality within a margin
 * is two numbers, the difference and its negative, above -margin. */
#ifndef JUDGE_BOUNDS_H
#define JUDGE_BOUNDS_H

#include <stddef.h>

#define BOUNDS_POWER 0.8 /* the probability with which something is "seen" */

/* One number: its bound, its standard error, the degrees of freedom behind that. */
struct bound {
    double value, above, error, df;
    size_t a, b; /* the caller's: whose it is */
};

struct bounds {
    double confidence;
    double
        level; /* of FAILS, shared by `count` numbers; 1 - confidence where FAILS is this alone */
    size_t count; /* numbers that will come */
    /* Filled by bounds_add(). */
    int any_below, all_above;
    struct bound least;          /* the one furthest from lying above */
    double lowest;               /* its value - bound - reach */
    double widest, widest_df;    /* the largest error */
    double df, to_hold, to_fail; /* quantiles at the last one's degrees of freedom */
};

struct bounds bounds_begin(double confidence, double level, size_t count);
void bounds_add(struct bounds *bounds, struct bound bound);

/* How far from a number the confidence reaches, one-sided. */
double bounds_reach(const struct bounds *bounds, const struct bound *bound);

/* How far below its bound a true number must lie for FAILS to be said of it with BOUNDS_POWER, and
 * how far above for HOLDS, at the largest error. */
double bounds_seen_below(const struct bounds *bounds);
double bounds_seen_above(const struct bounds *bounds);

/* The least probability with which HOLDS is said of `pairs` differences that are 0, each within
 * +-margin, at the largest error. */
double bounds_equal_hold(const struct bounds *bounds, double margin, size_t pairs);

/* Seeds of each run with which a number at `distance` from its bound is told from it with
 * BOUNDS_POWER, by a test at `confidence`.  spread: standard deviation of one seed's number.  runs:
 * 1, or 2 where the number is a difference of two runs.  With `pairs` above 0 it is one of so many
 * differences that are 0 and must all be told from both bounds.  At most BOUNDS_SEEDS + 1. */
#define BOUNDS_SEEDS 1000
size_t bounds_seeds(double spread, double distance, int runs, size_t pairs, double confidence);

#endif
