/* Numbers above their bounds, and the noise between seeds, against hand-made sums and printed
 * quantiles of t. */
#include "judge/bounds.h"
#include "judge/noise.h"

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

static struct sample sample(size_t count, const double *values)
{
    struct sample sample = {0};
    for (size_t i = 0; i < count; i++)
        sample_add(&sample, values[i]);
    return sample;
}

static void samples(void **state)
{
    (void)state;
    struct sample four = sample(4, (const double[]){1, 2, 3, 6});
    near(four.mean, 3.0, 1e-15);
    near(four.squares, 14.0, 1e-14);
    assert_int_equal(four.count, 4);
}

static void noise_that_seeds_show(void **state)
{
    (void)state;
    struct sample none = {0}, pair[2] = {sample(3, (const double[]){1, 2, 3}),
                                         sample(3, (const double[]){4, 8, 12})};
    struct noise noise = noise_of(pair, 1, none, 99.0);
    near(noise.variance, 1.0, 1e-15);
    near(noise.df, 2.0, 0.0);
    assert_int_equal(noise.supposed, 0);
    /* Variances 1 and 16: errors 1/3 and 16/3 of a mean; df = (17/3)^2 / ((1 + 256) / 9 / 2) */
    noise = noise_of(pair, 2, none, 99.0);
    near(noise.variance * (2.0 / 3.0), 17.0 / 3.0, 1e-14);
    near(noise.df, 578.0 / 257.0, 1e-14);
    /* as many seeds that spread alike: Student's */
    pair[1] = pair[0];
    near(noise_of(pair, 2, none, 99.0).df, 4.0, 1e-14);
    /* no spread at all */
    pair[0] = pair[1] = sample(3, (const double[]){2, 2, 2});
    near(noise_of(pair, 2, none, 99.0).variance, 0.0, 0.0);
    near(noise_of(pair, 2, none, 99.0).df, 4.0, 0.0);
}

static void noise_that_is_supposed(void **state)
{
    (void)state;
    struct sample none = {0}, two = sample(2, (const double[]){1, 3});
    struct sample lone[2] = {sample(1, (const double[]){1}), sample(3, (const double[]){1, 2, 3})};
    struct noise noise = noise_of(&two, 1, none, 1.5);
    near(noise.variance, 2.0, 1e-15); /* what two seeds show is more */
    assert_true(isinf(noise.df));
    assert_int_equal(noise.supposed, 1);
    near(noise_of(&two, 1, none, 5.0).variance, 5.0, 0.0);
    near(noise_of(&two, 1, (struct sample){0.0, 21.0, 3}, 5.0).variance, 7.0, 1e-15);
    /* a lone seed beside three: their spread is no measure of its own, unless it is more */
    assert_int_equal(noise_of(lone, 2, none, 0.5).supposed, 1);
    near(noise_of(lone, 2, none, 0.5).variance, 1.0, 1e-15);
    near(noise_of(lone, 2, none, 4.0).variance, 4.0, 0.0);
    near(noise_supposed(CLAIM_TEST_ACCURACY, 0.9, 10000), 4.0 * 0.09 / 10000, 1e-18);
    near(noise_supposed(CLAIM_TRAIN_LOSS, 0.4, 10000), 0.0004, 1e-18);
}

static void scatter_of_epochs(void **state)
{
    (void)state;
    struct runlog_row rows[4] = {{.test_accuracy = 0.5},
                                 {.test_accuracy = 0.7},
                                 {.test_accuracy = 0.6},
                                 {.test_accuracy = 0.8}};
    const struct runlog log = {.rows = rows, .count = 4};
    near(noise_epochs(&log, CLAIM_TEST_ACCURACY, 0, 4), (0.04 + 0.01 + 0.04) / 6.0, 1e-16);
    near(noise_epochs(&log, CLAIM_TEST_ACCURACY, 1, 3), 0.005, 1e-16);
    near(noise_epochs(&log, CLAIM_TEST_ACCURACY, 2, 3), 0.0, 0.0);
}

/* t(0.95, 4) = 2.132, t(0.975, 4) = 2.776. */
static struct bounds two_bounds(double first, double second)
{
    struct bounds bounds = bounds_begin(0.95, 0.05, 2);
    bounds_add(&bounds, (struct bound){first, 1.0, 0.1, 4.0, 0, 0});
    bounds_add(&bounds, (struct bound){second, 2.0, 0.1, 4.0, 1, 1});
    return bounds;
}

static void outcomes(void **state)
{
    (void)state;
    struct bounds bounds = two_bounds(1.2133, 2.2133);
    assert_true(bounds.all_above && !bounds.any_below);
    bounds = two_bounds(1.2133, 2.2131);
    assert_true(!bounds.all_above && !bounds.any_below);
    assert_int_equal(bounds.least.a, 1);
    near(bounds_reach(&bounds, &bounds.least), 0.2132, 1e-4);
    bounds = two_bounds(0.7225, 9.0); /* between the levels of one test and of two */
    assert_true(!bounds.all_above && !bounds.any_below);
    bounds = two_bounds(0.7223, 9.0);
    assert_true(bounds.any_below);
    /* without error the bound itself is not above */
    bounds = bounds_begin(0.95, 0.05, 1);
    bounds_add(&bounds, (struct bound){1.0, 1.0, 0.0, 4.0, 0, 0});
    assert_true(!bounds.all_above && !bounds.any_below);
}

static void powers(void **state)
{
    (void)state;
    struct bounds bounds = two_bounds(1.5, 2.5);
    near(bounds_seen_above(&bounds), 0.1 * (2.132 + 0.941), 1e-4); /* t(0.8, 4) = 0.941 */
    near(bounds_seen_below(&bounds), 0.1 * (2.776 + 0.941), 1e-4);
    /* room 0.4904 / 0.1 - 2.132 = t(0.975, 4): 5 % lie outside, of each of two pairs */
    near(bounds_equal_hold(&bounds, 0.4908, 1), 0.95, 1e-3);
    near(bounds_equal_hold(&bounds, 0.4908, 2), 0.90, 2e-3);
    near(bounds_equal_hold(&bounds, 0.2, 1), 0.0, 0.0);
}

static void seeds(void **state)
{
    (void)state;
    /* one seed, its spread supposed: 1.645 + 0.842 */
    assert_int_equal(bounds_seeds(1.0, 2.49, 1, 0, 0.95), 1);
    assert_int_equal(bounds_seeds(1.0, 2.48, 1, 0, 0.95), 2);
    /* differences of many: 2 (1.645 + 0.842)^2 / 0.5^2 = 49.5, and a little for t */
    size_t many = bounds_seeds(1.0, 0.5, 2, 0, 0.95);
    assert_true(many >= 50 && many <= 51);
    /* equality takes more than one seed, and of more pairs more */
    assert_int_equal(bounds_seeds(0.0, 0.5, 2, 1, 0.95), 2);
    assert_true(bounds_seeds(1.0, 0.5, 2, 3, 0.95) > bounds_seeds(1.0, 0.5, 2, 1, 0.95));
    assert_int_equal(bounds_seeds(1.0, 0.01, 2, 0, 0.95), BOUNDS_SEEDS + 1);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples),
        cmocka_unit_test(noise_that_seeds_show),
        cmocka_unit_test(noise_that_is_supposed),
        cmocka_unit_test(scatter_of_epochs),
        cmocka_unit_test(outcomes),
        cmocka_unit_test(powers),
        cmocka_unit_test(seeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
