/* Everything follows from the matrix of inner products: no gradient is looked at here. */
#include "schedule/noise.h"

#include "base/statistics.h"
#include "schedule/schedule.h"

#include <assert.h>
#include <math.h>

/* Where B_simple is looked for, in ghosts; beyond, the gradient is as good as 0. */
#define B_LOW 1e-6
#define B_HIGH 1e9
#define DF_MAX 1e4

/* Sums over ordered pairs i != j of u_ij = |g_i - g_j|^2 / 2 and v_ij = g_i . g_j. */
struct sums {
    double u, v, uu, vv;
    double row_uu, row_vv; /* of squares of the sums over j */
};

static struct sums sum_up(const double *products, int64_t ghosts)
{
    struct sums sums = {0};
    for (int64_t i = 0; i < ghosts; i++) {
        double row_u = 0.0, row_v = 0.0;
        for (int64_t j = 0; j < ghosts; j++) {
            if (j == i)
                continue;
            double v = products[i * ghosts + j];
            double u = 0.5 * (products[i * ghosts + i] + products[j * ghosts + j]) - v;
            row_u += u;
            row_v += v;
            sums.uu += u * u;
            sums.vv += v * v;
        }
        sums.u += row_u;
        sums.v += row_v;
        sums.row_uu += row_u * row_u;
        sums.row_vv += row_v * row_v;
    }
    return sums;
}

/* The mean of w_ij w_kl over distinct i, j, k, l: of all products of pairs those are taken off that
 * share one ghost or both. */
static double apart(double sum, double rows, double both, double n)
{
    return (sum * sum - 4.0 * rows + 2.0 * both) / (n * (n - 1.0) * (n - 2.0) * (n - 3.0));
}

/* tr S^2 from products of the gradients less their mean: tr of the sample covariance's square, and
 * what is too much of it for so few samples. */
static double square(const double *products, int64_t ghosts)
{
    double mean[NOISE_GHOSTS_MAX], all = 0.0, squares = 0.0, trace = 0.0, n = (double)ghosts;
    for (int64_t i = 0; i < ghosts; i++) {
        mean[i] = 0.0;
        for (int64_t j = 0; j < ghosts; j++)
            mean[i] += products[i * ghosts + j] / n;
        all += mean[i] / n;
    }
    for (int64_t i = 0; i < ghosts; i++)
        for (int64_t j = 0; j < ghosts; j++) {
            double centred = products[i * ghosts + j] - mean[i] - mean[j] + all;
            squares += centred * centred;
            trace += i == j ? centred : 0.0;
        }
    return fmax(squares - trace * trace / (n - 1.0), 0.0) / ((n - 2.0) * (n + 1.0));
}

struct noise_estimate noise_estimate(const double *products, int64_t ghosts, int64_t rows)
{
    assert(ghosts >= NOISE_GHOSTS_MIN && ghosts <= NOISE_GHOSTS_MAX && rows >= 1);
    struct sums sums = sum_up(products, ghosts);
    double n = (double)ghosts, r = (double)rows, pairs = n * (n - 1.0), mean = sums.u / pairs;
    return (struct noise_estimate){
        .rows = rows,
        .ghosts = ghosts,
        .times = 1,
        .gradient = sums.v / pairs,
        .trace = r * mean,
        .trace_variance = r * r * (mean * mean - apart(sums.u, sums.row_uu, sums.uu, n)),
        .along = (sums.row_vv - sums.vv) / (pairs * (n - 2.0)) -
                 apart(sums.v, sums.row_vv, sums.vv, n),
        .square = square(products, ghosts),
    };
}

struct noise_estimate noise_pool(const struct noise_estimate *measured, size_t count)
{
    struct noise_estimate pool = {.rows = measured[0].rows};
    double n = (double)count;
    for (size_t i = 0; i < count; i++) {
        pool.ghosts += measured[i].ghosts;
        pool.times += measured[i].times;
        pool.gradient += measured[i].gradient / n;
        pool.trace += measured[i].trace / n;
        pool.trace_variance += measured[i].trace_variance / (n * n);
        pool.along += measured[i].along / n;
        pool.square += measured[i].square / n;
    }
    return pool;
}

double noise_simple(const struct noise_estimate *estimate)
{
    if (estimate->trace <= 0.0)
        return 0.0;
    return estimate->gradient > 0.0 ? estimate->trace / estimate->gradient : INFINITY;
}

/* P(F <= value) of Fisher's F. */
static double f_cdf(double value, double df1, double df2)
{
    return statistics_beta(0.5 * df1, 0.5 * df2, df1 * value / (df1 * value + df2));
}

/* P of a smaller |mean gradient|^2 / tr S than was measured if B_simple were `b` ghosts. */
static double share_below(const struct noise_estimate *estimate, double b)
{
    double times = (double)estimate->times, n = (double)estimate->ghosts / times,
           trace = estimate->trace / (double)estimate->rows,
           mean = estimate->gradient + trace / n, /* |mean gradient|^2 as it was measured */
        wanted = trace * (1.0 / b + 1.0 / n),
           variance = (4.0 * fmax(estimate->along, 0.0) / n + 2.0 * estimate->square / (n * n)) /
                      times,
           normal = 2.0 * estimate->square / ((n - 1.0) * times),
           other = estimate->trace_variance / ((double)estimate->rows * (double)estimate->rows);
    return f_cdf(mean / wanted, fmin(2.0 * wanted * wanted / variance, DF_MAX),
                 fmin(2.0 * trace * trace / fmax(normal, other), DF_MAX));
}

/* The b at which the share below is p, by halving on a scale of logarithms. */
static double limit(const struct noise_estimate *estimate, double p)
{
    double low = log(B_LOW), high = log(B_HIGH);
    if (share_below(estimate, B_HIGH) < p)
        return INFINITY;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);
        if (share_below(estimate, exp(middle)) < p)
            low = middle;
        else
            high = middle;
    }
    return exp(0.5 * (low + high)) * (double)estimate->rows;
}

struct noise_interval noise_interval(const struct noise_estimate *estimate, double level)
{
    if (estimate->trace <= 0.0)
        return (struct noise_interval){0.0, INFINITY};
    return (struct noise_interval){limit(estimate, 0.5 - 0.5 * level),
                                   limit(estimate, 0.5 + 0.5 * level)};
}

double noise_fluctuation(double trace, double lr, double momentum, int64_t train_n, int64_t batch)
{
    return noise_scale(lr, momentum, train_n, batch) * trace / (double)train_n;
}
