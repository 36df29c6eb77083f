/* Three functions of one page: a library (GSL) would be a dependency larger than the program for
 * them. */
#include "base/statistics.h"

#include <float.h>
#include <math.h>

#define NORMAL_ABOVE 1e5
#define FRACTION_TERMS 10000

double statistics_mean(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

double statistics_variance(const double *values, size_t count)
{
    if (count < 2)
        return 0.0;
    double mean = statistics_mean(values, count), sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (values[i] - mean) * (values[i] - mean);
    return sum / (double)(count - 1);
}

/* Away from 0, so that it can be divided by. */
static double apart(double value)
{
    return fabs(value) < 1e-300 ? 1e-300 : value;
}

/* The continued fraction of I_x(a, b), Abramowitz & Stegun 26.5.8, by Lentz's method; converges
 * fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 / apart(1.0 - (a + b) * x / (a + 1.0)), value = d;
    for (int term = 1; term <= FRACTION_TERMS; term++) {
        double m = term, even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / apart(1.0 + even * d);
        c = apart(1.0 + even / c);
        value *= d * c;
        d = 1.0 / apart(1.0 + odd * d);
        c = apart(1.0 + odd / c);
        value *= d * c;
        if (fabs(d * c - 1.0) < 4.0 * DBL_EPSILON)
            break;
    }
    return value;
}

double statistics_beta(double a, double b, double x)
{
    if (x <= 0.0 || x >= 1.0)
        return x <= 0.0 ? 0.0 : 1.0;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1.0) / (a + b + 2.0))
        return front * beta_fraction(a, b, x) / a;
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

double statistics_t_cdf(double t, double df)
{
    if (df > NORMAL_ABOVE)
        return 0.5 * erfc(-t / sqrt(2.0));
    double tail = 0.5 * statistics_beta(0.5 * df, 0.5, df / (df + t * t));
    return t > 0.0 ? 1.0 - tail : tail;
}

static double t_density(double t, double df)
{
    if (df > NORMAL_ABOVE)
        return exp(-0.5 * t * t) / sqrt(2.0 * M_PI);
    return exp(lgamma(0.5 * (df + 1.0)) - lgamma(0.5 * df) - 0.5 * (df + 1.0) * log1p(t * t / df)) /
           sqrt(df * M_PI);
}

/* By Newton's steps, halving where one leaves the bracket. */
double statistics_t_quantile(double p, double df)
{
    if (p < 0.5)
        return -statistics_t_quantile(1.0 - p, df);
    double low = 0.0, high = 1.0;
    for (; statistics_t_cdf(high, df) < p && high < 1e100; high *= 2.0)
        low = high;
    double t = 0.5 * (low + high);
    for (int i = 0; i < 200 && high - low > 2.0 * DBL_EPSILON * high; i++) {
        double over = statistics_t_cdf(t, df) - p, next = t - over / t_density(t, df);
        if (over < 0.0)
            low = t;
        else
            high = t;
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (fabs(next - t) <= 2.0 * DBL_EPSILON * t)
            return next;
        t = next;
    }
    return 0.5 * (low + high);
}
