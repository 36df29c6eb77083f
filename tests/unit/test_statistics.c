/* Student's t against printed tables (Abramowitz & Stegun 26.10) and against forms that are
 * exact. */
#include "base/statistics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void near(double got, double want, double error)
{
    if (!(fabs(got - want) <= error))
        fail_msg("%.15g, wanted %.15g within %g", got, want, error);
}

static void moments(void **state)
{
    (void)state;
    const double values[] = {2, 4, 4, 4, 5, 5, 7, 9};
    near(statistics_mean(values, 8), 5.0, 0.0);
    near(statistics_variance(values, 8), 32.0 / 7.0, 1e-15);
    near(statistics_variance(values, 1), 0.0, 0.0);
    /* sum of squares less square of the sum would lose it */
    const double shifted[] = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    near(statistics_variance(shifted, 3), 1.0, 1e-9);
}

static void beta(void **state)
{
    (void)state;
    near(statistics_beta(1, 1, 0.3), 0.3, 1e-15);
    near(statistics_beta(2, 3, 0.4), 0.5248, 1e-14); /* binomial sum: P(at least 2 of 4 at 0.4) */
    near(statistics_beta(5, 2, 0.9), 0.885735, 1e-13);
    near(statistics_beta(0.5, 0.5, 0.25), 2.0 / M_PI * asin(0.5), 1e-14);
    near(statistics_beta(3, 7, 0.2) + statistics_beta(7, 3, 0.8), 1.0, 1e-14);
    near(statistics_beta(2, 2, 0.0), 0.0, 0.0);
    near(statistics_beta(2, 2, 1.0), 1.0, 0.0);
}

/* Cauchy for 1 degree of freedom; t / sqrt(2 + t^2) for 2. */
static void exact_forms(void **state)
{
    (void)state;
    for (double t = -40.0; t <= 40.0; t += 0.7) {
        near(statistics_t_cdf(t, 1), 0.5 + atan(t) / M_PI, 1e-13);
        near(statistics_t_cdf(t, 2), 0.5 + 0.5 * t / sqrt(2.0 + t * t), 1e-13);
    }
    near(statistics_t_cdf(0.0, 7), 0.5, 1e-15);
}

static void table(void **state)
{
    (void)state;
    static const struct {
        double p, df, t;
    } rows[] = {
        {0.90, 1, 3.078},         {0.95, 1, 6.314},   {0.975, 1, 12.706},  {0.995, 1, 63.657},
        {0.95, 2, 2.920},         {0.95, 4, 2.132},   {0.975, 4, 2.776},   {0.995, 4, 4.604},
        {0.95, 8, 1.860},         {0.95, 10, 1.812},  {0.975, 10, 2.228},  {0.95, 30, 1.697},
        {0.975, 30, 2.042},       {0.95, 120, 1.658}, {0.995, 120, 2.617}, {0.95, INFINITY, 1.645},
        {0.995, INFINITY, 2.576},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        near(statistics_t_quantile(rows[i].p, rows[i].df), rows[i].t, 0.0006);
        near(statistics_t_quantile(1.0 - rows[i].p, rows[i].df), -rows[i].t, 0.0006);
    }
}

static void quantile_undoes_cdf(void **state)
{
    (void)state;
    static const double dfs[] = {1, 2, 3, 5.5, 17, 300, 99999, 100001};
    for (size_t i = 0; i < sizeof dfs / sizeof dfs[0]; i++)
        for (double p = 0.01; p < 1.0; p += 0.03)
            near(statistics_t_cdf(statistics_t_quantile(p, dfs[i]), dfs[i]), p, 1e-10);
    /* the two meet */
    near(statistics_t_quantile(0.95, 99999), statistics_t_quantile(0.95, 100001), 2e-5);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments),
        cmocka_unit_test(beta),
        cmocka_unit_test(exact_forms),
        cmocka_unit_test(table),
        cmocka_unit_test(quantile_undoes_cdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
