/* The noise estimates against problems whose answer is known: gradients drawn around a known G with
 * a known covariance.  What is random comes from the fixed generator, so that a count is a fact. */
#include "base/random.h"
#include "schedule/noise.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define DIMENSIONS 64
#define REPEATS 500
#define TIMES_MAX 12

static void near(double got, double want, double error)
{
    if (!(fabs(got - want) <= error))
        fail_msg("%.15g, wanted %.15g within %g", got, want, error);
}

/* ---- Drawn gradients ---- */

enum spectrum {
    FLAT,    /* all variances the same */
    FALLING, /* variance of dimension i as 1/(i+1), as networks have it */
    HEAVY    /* flat, and each ghost's noise times the root of an exponential number */
};

struct problem {
    enum spectrum spectrum;
    double simple; /* B_simple in ghosts: tr S, |G|^2 being 1 */
    int64_t ghosts, times;
};

static double deviation(const struct problem *problem, int i)
{
    double sum = 0.0;
    for (int k = 0; k < DIMENSIONS; k++)
        sum += problem->spectrum == FALLING ? 1.0 / (k + 1.0) : 1.0;
    return sqrt(problem->simple / sum / (problem->spectrum == FALLING ? i + 1.0 : 1.0));
}

/* Gradients[ghosts][DIMENSIONS] of measurement `number`. */
static void draw(const struct problem *problem, uint64_t number, double *gradients)
{
    for (int64_t g = 0; g < problem->ghosts; g++) {
        uint64_t index = number * NOISE_GHOSTS_MAX + (uint64_t)g;
        struct random_words size = random_at(11, RANDOM_SYNTHETIC, 1, index, 0);
        double scale = problem->spectrum == HEAVY ? sqrt(-log((size.word[0] + 1.0) * 0x1p-32)) : 1;
        for (int i = 0; i < DIMENSIONS; i += 2) {
            double normal[2];
            struct random_words words = random_at(11, RANDOM_SYNTHETIC, 0, index, (uint32_t)i);
            random_normal(words.word[0], words.word[1], normal);
            for (int k = 0; k < 2; k++)
                gradients[g * DIMENSIONS + i + k] = sqrt(1.0 / DIMENSIONS) +
                                                    scale * deviation(problem, i + k) * normal[k];
        }
    }
}

static void multiply(const double *gradients, int64_t ghosts, double *products)
{
    for (int64_t i = 0; i < ghosts; i++)
        for (int64_t j = 0; j < ghosts; j++) {
            double sum = 0.0;
            for (int p = 0; p < DIMENSIONS; p++)
                sum += gradients[i * DIMENSIONS + p] * gradients[j * DIMENSIONS + p];
            products[i * ghosts + j] = sum;
        }
}

static struct noise_estimate measure(const struct problem *problem, uint64_t number)
{
    static double gradients[NOISE_GHOSTS_MAX * DIMENSIONS],
        products[NOISE_GHOSTS_MAX * NOISE_GHOSTS_MAX];
    struct noise_estimate measured[TIMES_MAX];
    for (int64_t t = 0; t < problem->times; t++) {
        draw(problem, number * TIMES_MAX + (uint64_t)t, gradients);
        multiply(gradients, problem->ghosts, products);
        measured[t] = noise_estimate(products, problem->ghosts, 1);
    }
    return noise_pool(measured, (size_t)problem->times);
}

/* ---- Tests ---- */

/* What the names say, by their definitions: means over samples and over pairs. */
static void by_definition(void **state)
{
    (void)state;
    enum { N = 5, ROWS = 16 };
    const struct problem problem = {FALLING, 3.0, N, 1};
    double g[N * DIMENSIONS], products[N * N], mean[DIMENSIONS] = {0}, spread = 0.0, square = 0.0;
    draw(&problem, 0, g);
    multiply(g, N, products);
    struct noise_estimate noise = noise_estimate(products, N, ROWS);
    for (int p = 0; p < DIMENSIONS; p++) {
        for (int i = 0; i < N; i++)
            mean[p] += g[i * DIMENSIONS + p] / N;
        for (int i = 0; i < N; i++)
            spread += pow(g[i * DIMENSIONS + p] - mean[p], 2) / (N - 1);
        square += mean[p] * mean[p];
    }
    near(noise.trace, ROWS * spread, 1e-12 * ROWS * spread);
    near(noise.gradient, square - spread / N, 1e-12 * square);
    near(noise_simple(&noise), noise.trace / noise.gradient, 0.0);
    assert_int_equal(noise.rows, ROWS);
    assert_int_equal(noise.ghosts, N);
    assert_int_equal(noise.times, 1);

    double along = 0.0, apart = 0.0, u_apart = 0.0, triples = 0.0, quadruples = 0.0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N && j != i; k++) {
                if (k == i || k == j)
                    continue;
                along += products[i * N + j] * products[i * N + k];
                triples++;
                for (int l = 0; l < N; l++)
                    if (l != i && l != j && l != k) {
                        double u = products[i * N + i] + products[j * N + j] -
                                   2.0 * products[i * N + j];
                        double v = products[k * N + k] + products[l * N + l] -
                                   2.0 * products[k * N + l];
                        u_apart += 0.25 * u * v;
                        apart += products[i * N + j] * products[k * N + l];
                        quadruples++;
                    }
            }
    near(noise.along, along / triples - apart / quadruples, 1e-12);
    near(noise.trace_variance, ROWS * ROWS * (spread * spread - u_apart / quadruples),
         1e-10 * ROWS * ROWS * spread * spread);
}

/* Over many measurements the means are what was drawn from. */
static void unbiased(void **state)
{
    (void)state;
    const struct problem problem = {FALLING, 4.0, 7, 1};
    double trace = 0.0, gradient = 0.0, along = 0.0, square = 0.0, variance = 0.0, seen = 0.0;
    double s = 0.0, gsg = 0.0;
    for (int i = 0; i < DIMENSIONS; i++) {
        s += pow(deviation(&problem, i), 4);
        gsg += pow(deviation(&problem, i), 2) / DIMENSIONS;
    }
    const int many = 4000;
    for (int k = 0; k < many; k++) {
        struct noise_estimate noise = measure(&problem, (uint64_t)k);
        trace += noise.trace / many;
        gradient += noise.gradient / many;
        along += noise.along / many;
        square += noise.square / many;
        variance += noise.trace_variance / many;
        seen += pow(noise.trace - problem.simple, 2) / many;
    }
    near(trace, 4.0, 0.05);
    near(gradient, 1.0, 0.03);
    near(along, gsg, 0.1 * gsg + 0.03);
    near(square, s, 0.05 * s);
    near(variance, 2.0 * s / 6.0, 0.1 * s / 3.0); /* 2 tr S^2 / (n - 1) */
    near(seen, variance, 0.1 * variance);
}

/* How often the 95 % interval holds the answer: with normal noise in 93 to 97 %, of a phase of 12
 * measurements or of 32 ghosts; with 7 ghosts, which say little of how uncertain they are, in 90 %
 * or more; with heavy tails in no less than 93 %. */
static void covers(void **state)
{
    (void)state;
    static const struct {
        struct problem problem;
        int least, most; /* in a hundred */
    } rows[] = {
        {{FLAT, 0.5, 7, 12}, 93, 97},  {{FLAT, 4, 7, 12}, 93, 97},
        {{FLAT, 40, 7, 12}, 93, 97},   {{FALLING, 0.5, 7, 12}, 93, 97},
        {{FALLING, 4, 7, 12}, 93, 97}, {{FLAT, 0.5, 32, 1}, 93, 97},
        {{FLAT, 4, 32, 1}, 93, 97},    {{FALLING, 0.5, 32, 1}, 93, 97},
        {{FALLING, 4, 32, 1}, 93, 97}, {{FLAT, 0.5, 7, 1}, 90, 98},
        {{FLAT, 40, 7, 1}, 90, 98},    {{FALLING, 0.5, 7, 1}, 90, 98},
        {{FALLING, 4, 7, 1}, 90, 98},  {{HEAVY, 0.5, 7, 12}, 93, 100},
        {{HEAVY, 4, 7, 12}, 93, 100},
    };
    for (size_t p = 0; p < sizeof rows / sizeof rows[0]; p++) {
        const struct problem *problem = &rows[p].problem;
        int held = 0;
        for (int k = 0; k < REPEATS; k++) {
            struct noise_estimate noise = measure(problem, (uint64_t)k);
            struct noise_interval interval = noise_interval(&noise, 0.95);
            held += interval.low <= problem->simple && problem->simple <= interval.high;
        }
        print_message("# problem %zu: %d of %d\n", p, held, REPEATS);
        if (held * 100 < REPEATS * rows[p].least || held * 100 > REPEATS * rows[p].most)
            fail_msg("problem %zu: the interval holds the answer in %d of %d", p, held, REPEATS);
    }
}

/* Without a gradient the interval has no upper end, but for about one in forty. */
static void no_gradient(void **state)
{
    (void)state;
    const struct problem problem = {FLAT, 1e6, 7, 1};
    int open = 0;
    for (int k = 0; k < REPEATS; k++) {
        struct noise_estimate noise = measure(&problem, (uint64_t)k);
        open += isinf(noise_interval(&noise, 0.95).high);
    }
    assert_in_range(open, REPEATS * 95 / 100, REPEATS);
}

/* Ghosts that are all the same have no noise; as many rows a ghost, as much more trace. */
static void bounds(void **state)
{
    (void)state;
    double products[16];
    for (int i = 0; i < 16; i++)
        products[i] = 4.0;
    struct noise_estimate noise = noise_estimate(products, 4, 8);
    near(noise.gradient, 4.0, 0.0);
    near(noise.trace, 0.0, 0.0);
    near(noise_simple(&noise), 0.0, 0.0);
    struct noise_interval interval = noise_interval(&noise, 0.95);
    assert_true(interval.low == 0.0 && isinf(interval.high));
    noise.trace = 3.0;
    noise.gradient = -1.0;
    assert_true(isinf(noise_simple(&noise)));
}

/* A narrower level, a narrower interval; the estimate lies within. */
static void levels(void **state)
{
    (void)state;
    const struct problem problem = {FALLING, 2.0, 32, 1};
    struct noise_estimate noise = measure(&problem, 3);
    struct noise_interval wide = noise_interval(&noise, 0.95), narrow = noise_interval(&noise, 0.5);
    double simple = noise_simple(&noise);
    assert_true(wide.low < narrow.low && narrow.low < simple);
    assert_true(simple < narrow.high && narrow.high < wide.high);
}

/* A schedule that multiplies B and one that divides lr fluctuate alike; numbers by hand. */
static void fluctuation(void **state)
{
    (void)state;
    /* g = 0.1/(1-0.9) (50000/128 - 1) = 389.625 */
    near(noise_fluctuation(2.0, 0.1, 0.9, 50000, 128), 389.625 * 2.0 / 50000.0, 1e-12);
    double grown = noise_fluctuation(2.0, 0.1, 0.9, 50000, 640),
           decayed = noise_fluctuation(2.0, 0.02, 0.9, 50000, 128);
    near(grown / decayed, 1.0, 0.011); /* as far as B is small beside N */
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_definition), cmocka_unit_test(unbiased), cmocka_unit_test(covers),
        cmocka_unit_test(no_gradient),   cmocka_unit_test(bounds),   cmocka_unit_test(levels),
        cmocka_unit_test(fluctuation),
    };
    return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}
