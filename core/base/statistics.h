/* statistics.h -- the little that claims need: mean, standard deviation, Student's t.  Pure
 * functions. */
#ifndef BASE_STATISTICS_H
#define BASE_STATISTICS_H

#include <stddef.h>

/* Of count >= 1 values. */
double statistics_mean(const double *values, size_t count);
/* Sample variance, sum (x - mean)^2 / (count - 1); 0 for a single value. */
double statistics_variance(const double *values, size_t count);

/* Regularised incomplete beta function I_x(a, b), a, b > 0, 0 <= x <= 1; to about 1e-13, 1e-10 at a
 * or b = 1e5. */
double statistics_beta(double a, double b, double x);

/* P(T <= t) of Student's t with df > 0 degrees of freedom; df above 1e5, INFINITY too, is the
 * normal distribution, which differs by less than 1e-5. */
double statistics_t_cdf(double t, double df);
/* The t with P(T <= t) = p, for 0 < p < 1. */
double statistics_t_quantile(double p, double df);

#endif
