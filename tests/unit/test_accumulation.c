/* Appendix A's algebra on numbers alone: eqs. (11) to (13), the sum and the fit that a measurement
 * goes through. */
#include "lab/accumulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MOST 4096

static const double momenta[] = {0.5, 0.9, 0.95, 0.975, 0.98, 0.99};
#define MOMENTA (sizeof momenta / sizeof *momenta)

/* The optimizer's recurrence A <- m A + G with G = 1, as a share of 1/(1-m). */
static size_t recurrence(double m, double *share)
{
    size_t count = accumulation_updates(m);
    double a = 0;
    assert_true(count <= MOST);
    for (size_t s = 0; s < count; s++) {
        a = m * a + 1;
        share[s] = (1 - m) * a;
    }
    return count;
}

/* Eq. (10) takes the recurrence for a differential equation: what that costs is of the order of
 * 1-m, nowhere more. */
static void equation_11_is_the_recurrence(void **state)
{
    (void)state;
    static double share[MOST];
    for (size_t i = 0; i < MOMENTA; i++) {
        size_t count = recurrence(momenta[i], share);
        for (size_t s = 0; s < count; s++) {
            double apart = share[s] - accumulation_share(momenta[i], (double)s + 1);
            assert_true(apart >= 0); /* 1 - m^s lies above: ln m < -(1-m) */
            assert_true(apart < 0.5 * (1 - momenta[i]) * exp(-1) * 1.5);
        }
    }
    assert_true(accumulation_share(0.9, 0) == 0);
    assert_true(fabs(accumulation_share(0.9, 10) - (1 - exp(-1))) < 1e-12);
}

static void five_time_constants_are_measured(void **state)
{
    (void)state;
    static const size_t updates[] = {10, 50, 100, 200, 250, 500};
    for (size_t i = 0; i < MOMENTA; i++)
        assert_int_equal(accumulation_updates(momenta[i]), updates[i]);
    assert_int_equal(accumulation_updates(0), 5);
}

/* Eq. (13) by summation: what a constant gradient's shares lack adds up to m/(1-m) (1 - m^count)
 * updates. */
static void equation_13_by_summation(void **state)
{
    (void)state;
    static double share[MOST];
    for (size_t i = 0; i < MOMENTA; i++) {
        double m = momenta[i];
        size_t count = recurrence(m, share);
        double lost = accumulation_lost(share, count),
               exact = m / (1 - m) * (1 - pow(m, (double)count));
        assert_true(fabs(lost - exact) < 1e-9 * exact);
        /* and against the integral, B/(N(1-m)) with B/N an update: what the sum leaves out, and the
         * end */
        double predicted = epochs_lost(m, 50000, 128) / (128.0 / 50000);
        assert_true(fabs(lost / predicted - m) < 0.011);
    }
}

static void a_fit_finds_what_made_the_curve(void **state)
{
    (void)state;
    static double share[MOST];
    static const double timescales[] = {0.4, 3, 10, 49.5, 200}, levels[] = {0.2, 1, 1.7};
    for (size_t t = 0; t < 5; t++)
        for (size_t l = 0; l < 3; l++) {
            double timescale, level;
            for (size_t s = 0; s < 250; s++) /* with a ripple, as batches make one */
                share[s] = levels[l] * (1 - exp(-((double)s + 1) / timescales[t])) +
                           0.01 * sin((double)s);
            accumulation_fit(share, 250, &timescale, &level);
            assert_true(fabs(level - levels[l]) < 0.03);
            assert_true(fabs(timescale / timescales[t] - 1) < (levels[l] < 1 ? 0.15 : 0.05));
        }
}

/* The fit of the recurrence itself: eq. (13)'s timescale less half an update, at level 1. */
static void a_fit_of_the_recurrence(void **state)
{
    (void)state;
    static double share[MOST];
    for (size_t i = 1; i < MOMENTA; i++) {
        double timescale, level;
        size_t count = recurrence(momenta[i], share);
        accumulation_fit(share, count, &timescale, &level);
        assert_true(fabs(level - 1) < 1e-3);
        assert_true(fabs(timescale + 1 / log(momenta[i])) < 0.02 * timescale);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equation_11_is_the_recurrence),
        cmocka_unit_test(five_time_constants_are_measured),
        cmocka_unit_test(equation_13_by_summation),
        cmocka_unit_test(a_fit_finds_what_made_the_curve),
        cmocka_unit_test(a_fit_of_the_recurrence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
