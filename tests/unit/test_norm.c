/* The batch-norm kernels by themselves, on the emulated GPU: every sum against a plain double loop,
 * whatever the shape, and the same bits whoever has its turn first. */
#include "cudnn/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* of every combination of the counts below; larger shapes, of many pixels a thread, are few */
#define ELEMENTS_MAX 150000
#define GUARD 64 /* floats behind the scratch */
#define POISON 0xcb
#define ORDERS 3

static const int64_t channel_counts[] = {1, 3, 7, 8, 16, 24, 64, 100, 256, 1000},
                     pixel_counts[] = {1, 5, 511, 513, 8192}, ghost_counts[] = {1, 2, 9};

static uint64_t hashes[ORDERS];

/* One case: values as floats that the type holds exactly, and the same in the type's memory. */
struct norm_case {
    struct kernel_norm work;
    int64_t channels, pixels, ghosts, count;
    float *x, *dy, *old;
    float *gamma, *beta, *grads; /* grads: beta, gamma, mean, variance, [4, channels] */
    void *typed[7];              /* x, dy, dx, y, a, b, sum */
    uint32_t random;
};

enum { X, DY, DX, Y, A, B, SUM };

static float uniform(struct norm_case *of)
{
    of->random = of->random * 1664525u + 1013904223u;
    return (float)(of->random >> 8) / 8388608.0f - 1.0f;
}

static void *allocate(size_t bytes)
{
    void *memory = aligned_alloc(256, (bytes + 511) / 256 * 256);
    assert_non_null(memory);
    memset(memory, POISON, (bytes + 511) / 256 * 256);
    return memory;
}

static float fetch(int type, const void *from, int64_t i)
{
    uint32_t bits;
    float value;
    if (type == KERNEL_F32)
        return ((const float *)from)[i];
    bits = (uint32_t)((const uint16_t *)from)[i] << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounded to the type. */
static void put(int type, void *to, int64_t i, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (type == KERNEL_F32)
        ((float *)to)[i] = value;
    else
        ((uint16_t *)to)[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static float rounded(int type, float value)
{
    float memory;
    put(type, &memory, 0, value);
    return fetch(type, &memory, 0);
}

static void point_work(struct norm_case *to, int type)
{
    struct launch_columns shape = launch_columns(to->channels, to->pixels, to->ghosts,
                                                 kernel_bytes(type));
    size_t units = (size_t)(to->ghosts * to->channels),
           tickets = (size_t)((to->ghosts + 1) * shape.tiles);
    to->work = (struct kernel_norm){
        .type = type,
        .relu = 1,
        .shape = shape,
        .epsilon = 1e-5f,
        .x = to->typed[X],
        .y = to->typed[Y],
        .gamma = to->gamma,
        .beta = to->beta,
        .mean = allocate(units * 4),
        .inverse = allocate(units * 4),
        .variance = allocate(units * 4),
        .scratch = allocate(((size_t)launch_scratch(&shape) + GUARD) * 4),
        .sums = allocate(units * 16),
        .slopes = allocate(units * 8),
        .tickets = memset(allocate(tickets * 4), 0, tickets * 4),
        .counted = to->ghosts > 1 ? to->ghosts - 1 : 1,
        .dy = to->typed[DY],
        .dx = to->typed[DX],
        .add = 1,
        .grad_beta = to->grads,
        .grad_gamma = to->grads + to->channels,
        .sum_mean = to->grads + 2 * to->channels,
        .sum_variance = to->grads + 3 * to->channels};
}

static void case_init(struct norm_case *to, int type, int64_t channels, int64_t pixels,
                      int64_t ghosts)
{
    int64_t count = ghosts * pixels * channels;
    *to = (struct norm_case){
        .channels = channels, .pixels = pixels, .ghosts = ghosts, .count = count, .random = 7};
    float **floats[] = {&to->x, &to->dy, &to->old, &to->gamma, &to->beta};
    for (int k = 0; k < 5; k++)
        *floats[k] = allocate((size_t)(k < 3 ? count : channels) * 4);
    to->grads = allocate((size_t)channels * 16);
    for (int64_t i = 0; i < 4 * channels; i++)
        to->grads[i] = 1.0f;
    for (int64_t c = 0; c < channels; c++) {
        to->gamma[c] = 1.0f + 0.5f * uniform(to);
        to->beta[c] = 0.5f * uniform(to);
    }
    for (int k = 0; k <= SUM; k++)
        to->typed[k] = allocate((size_t)(count * kernel_bytes(type)));
    for (int64_t i = 0; i < count; i++) {
        to->x[i] = rounded(type, 3.0f * (float)(i % channels % 5) + uniform(to));
        to->dy[i] = rounded(type, uniform(to));
        to->old[i] = rounded(type, uniform(to));
        put(type, to->typed[X], i, to->x[i]);
        put(type, to->typed[DY], i, to->dy[i]);
        put(type, to->typed[DX], i, to->old[i]);
        put(type, to->typed[A], i, 2.0f * uniform(to));
        put(type, to->typed[B], i, 1.0f + uniform(to));
    }
    point_work(to, type);
}

/* Nothing behind the scratch was written, and every ticket is 0 again. */
static void case_release(struct norm_case *of)
{
    const unsigned char *guard = (const unsigned char *)(of->work.scratch +
                                                         launch_scratch(&of->work.shape));
    for (size_t i = 0; i < GUARD * sizeof(float); i++)
        assert_int_equal(guard[i], POISON);
    for (int64_t i = 0; i < (of->ghosts + 1) * of->work.shape.tiles; i++)
        assert_int_equal(of->work.tickets[i], 0);
    void *all[] = {
        of->x,         of->dy,          of->old,          of->gamma,         of->beta,
        of->grads,     of->work.mean,   of->work.inverse, of->work.variance, of->work.scratch,
        of->work.sums, of->work.slopes, of->work.tickets};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        free(all[k]);
    for (int k = 0; k <= SUM; k++)
        free(of->typed[k]);
}

static void judge_shape(void (*judge)(struct norm_case *of), int type, int64_t channels,
                        int64_t pixels, int64_t ghosts)
{
    struct norm_case one;
    case_init(&one, type, channels, pixels, ghosts);
    judge(&one);
    case_release(&one);
}

static void for_each_shape(void (*judge)(struct norm_case *of))
{
    for (int type = KERNEL_F32; type <= KERNEL_BF16; type++) {
        for (size_t c = 0; c < sizeof channel_counts / sizeof *channel_counts; c++)
            for (size_t p = 0; p < sizeof pixel_counts / sizeof *pixel_counts; p++)
                for (size_t g = 0; g < sizeof ghost_counts / sizeof *ghost_counts; g++)
                    if (channel_counts[c] * pixel_counts[p] * ghost_counts[g] <= ELEMENTS_MAX)
                        judge_shape(judge, type, channel_counts[c], pixel_counts[p],
                                    ghost_counts[g]);
        judge_shape(judge, type, 3, 262144 + 77, 1);
    }
    judge_shape(judge, KERNEL_BF16, 64, 131072 + 5, 1);
}

static void close_to(const struct norm_case *of, const char *what, double value, double expected,
                     double bound)
{
    if (!(fabs(value - expected) <= bound))
        fail_msg("%s: %.9g where %.9g is right, bound %.2g, of %" PRId64 " channels x %" PRId64
                 " pixels x %" PRId64 " ghosts, type %d",
                 what, value, expected, bound, of->channels, of->pixels, of->ghosts, of->work.type);
}

/* ---- Each kernel against loops ---- */

static void judge_statistics(struct norm_case *of)
{
    assert_int_equal(kernel_norm_statistics(&of->work, NULL), cudaSuccess);
    for (int64_t g = 0; g < of->ghosts; g++)
        for (int64_t c = 0; c < of->channels; c++) {
            const float *x = of->x + g * of->pixels * of->channels + c;
            double mean = 0.0, variance = 0.0;
            for (int64_t p = 0; p < of->pixels; p++)
                mean += (double)x[p * of->channels] / (double)of->pixels;
            for (int64_t p = 0; p < of->pixels; p++)
                variance += pow((double)x[p * of->channels] - mean, 2) / (double)of->pixels;
            int64_t at = g * of->channels + c;
            close_to(of, "mean", of->work.mean[at], mean, 1e-6 * (1.0 + fabs(mean)));
            close_to(of, "variance", of->work.variance[at], variance, 1e-6 * (1.0 + variance));
            double inverse = 1.0 / sqrt((double)of->work.variance[at] + (double)of->work.epsilon);
            close_to(of, "inverse", of->work.inverse[at], inverse, 1e-6 * inverse);
        }
}

static void judge_apply(struct norm_case *of)
{
    assert_int_equal(kernel_norm_statistics(&of->work, NULL), cudaSuccess);
    assert_int_equal(kernel_norm_apply(&of->work, NULL, NULL), cudaSuccess);
    for (int64_t i = 0; i < of->count; i++) {
        int64_t c = i % of->channels, at = i / (of->pixels * of->channels) * of->channels + c;
        float gain = of->gamma[c] * of->work.inverse[at],
              y = gain * (of->x[i] - of->work.mean[at]) + of->beta[c];
        float expected = rounded(of->work.type, y > 0.0f ? y : 0.0f);
        close_to(of, "y", fetch(of->work.type, of->typed[Y], i), expected, 0.0);
    }
}

/* dx and a ghost's two sums; magnitudes: of what was summed. */
static void judge_channel(struct norm_case *of, int64_t g, int64_t c, double sums[2],
                          double magnitudes[2])
{
    int64_t at = g * of->channels + c;
    float mean = of->work.mean[at], gain = of->gamma[c] * of->work.inverse[at];
    double inverse = of->work.inverse[at], n = (double)of->pixels;
    sums[0] = sums[1] = magnitudes[0] = magnitudes[1] = 0.0;
    for (int turn = 0; turn < 2; turn++)
        for (int64_t p = 0; p < of->pixels; p++) {
            int64_t i = (g * of->pixels + p) * of->channels + c;
            float d = of->x[i] - mean;
            double dy = gain * d + of->beta[c] > 0.0f ? (double)of->dy[i] : 0.0;
            if (turn == 0) {
                sums[0] += dy;
                sums[1] += dy * (double)d;
                magnitudes[0] += fabs(dy);
                magnitudes[1] += fabs(dy * (double)d);
                continue;
            }
            double dx = (double)gain *
                        (dy - sums[0] / n - sums[1] * inverse * inverse / n * (double)d);
            double expected = (double)of->old[i] + dx;
            double unit = of->work.type == KERNEL_BF16 ? 4e-3 : 2e-6;
            close_to(of, "dx", fetch(of->work.type, of->typed[DX], i), expected,
                     unit * (fabs(expected) + fabs((double)gain)));
        }
    sums[1] *= inverse;
    magnitudes[1] *= inverse;
}

static void judge_backward(struct norm_case *of)
{
    assert_int_equal(kernel_norm_statistics(&of->work, NULL), cudaSuccess);
    assert_int_equal(kernel_norm_backward(&of->work, NULL), cudaSuccess);
    for (int64_t c = 0; c < of->channels; c++) {
        double totals[4] = {1.0, 1.0, 1.0, 1.0}, bounds[4] = {1.0, 1.0, 1.0, 1.0};
        for (int64_t g = 0; g < of->ghosts; g++) {
            double sums[2], magnitudes[2];
            judge_channel(of, g, c, sums, magnitudes);
            if (g >= of->work.counted)
                continue;
            double mean = of->work.mean[g * of->channels + c],
                   variance = of->work.variance[g * of->channels + c];
            const double parts[4] = {sums[0], sums[1], mean, variance};
            const double sizes[4] = {magnitudes[0], magnitudes[1], fabs(mean), variance};
            for (int k = 0; k < 4; k++) {
                totals[k] += parts[k];
                bounds[k] += sizes[k];
            }
        }
        static const char *const names[4] = {"gradient of beta", "gradient of gamma",
                                             "sum of means", "sum of variances"};
        for (int k = 0; k < 4; k++)
            close_to(of, names[k], of->grads[k * of->channels + c], totals[k], 5e-7 * bounds[k]);
    }
}

static void judge_bias(struct norm_case *of)
{
    struct launch_columns whole = launch_columns(of->channels, of->pixels * of->ghosts, 1,
                                                 kernel_bytes(of->work.type));
    float *scratch = allocate((size_t)launch_scratch(&whole) * 4);
    assert_int_equal(kernel_bias_gradient(of->work.type, &whole, of->typed[DY], scratch,
                                          of->work.tickets, of->grads, NULL),
                     cudaSuccess);
    for (int64_t c = 0; c < of->channels; c++) {
        double sum = 1.0, size = 1.0;
        for (int64_t i = c; i < of->count; i += of->channels) {
            sum += (double)of->dy[i];
            size += fabs((double)of->dy[i]);
        }
        close_to(of, "gradient of a bias", of->grads[c], sum, 5e-7 * size);
    }
    free(scratch);
}

/* The add's bits and those of its statistics are the same in one sweep and in two. */
static void judge_sum(struct norm_case *of)
{
    struct kernel_norm two = of->work, one = of->work;
    size_t units = (size_t)(of->ghosts * of->channels);
    float *results = allocate(3 * units * 4);
    assert_int_equal(
        kernel_add(two.type, of->count, of->typed[A], of->typed[B], 0.7f, of->typed[X], NULL),
        cudaSuccess);
    assert_int_equal(kernel_norm_statistics(&two, NULL), cudaSuccess);
    one.x = one.sum = of->typed[SUM];
    one.a = of->typed[A];
    one.b = of->typed[B];
    one.scale = 0.7f;
    one.mean = results;
    one.variance = results + units;
    one.inverse = results + 2 * units;
    assert_int_equal(kernel_norm_statistics(&one, NULL), cudaSuccess);
    assert_memory_equal(of->typed[SUM], of->typed[X], (size_t)(of->count * kernel_bytes(two.type)));
    assert_memory_equal(one.mean, two.mean, units * 4);
    assert_memory_equal(one.variance, two.variance, units * 4);
    assert_memory_equal(one.inverse, two.inverse, units * 4);
    /* An evaluation makes the sum as it applies running statistics: here the mean and the variance
     * of the first ghost. */
    float *running = calloc(2 * (size_t)of->channels, sizeof *running);
    void *expected = malloc((size_t)(of->count * kernel_bytes(two.type)));
    assert_true(running != NULL && expected != NULL);
    memcpy(running, two.mean, (size_t)of->channels * 4);
    memcpy(running + of->channels, two.variance, (size_t)of->channels * 4);
    assert_int_equal(kernel_norm_apply(&two, running, NULL), cudaSuccess);
    memcpy(expected, of->typed[Y], (size_t)(of->count * kernel_bytes(two.type)));
    memset(of->typed[SUM], 0xcb, (size_t)(of->count * kernel_bytes(two.type)));
    memset(of->typed[Y], 0xcb, (size_t)(of->count * kernel_bytes(two.type)));
    assert_int_equal(kernel_norm_apply(&one, running, NULL), cudaSuccess);
    assert_memory_equal(of->typed[SUM], of->typed[X], (size_t)(of->count * kernel_bytes(two.type)));
    assert_memory_equal(of->typed[Y], expected, (size_t)(of->count * kernel_bytes(two.type)));
    free(expected);
    free(running);
    free(results);
}

static void statistics(void **state)
{
    (void)state;
    for_each_shape(judge_statistics);
}

static void apply(void **state)
{
    (void)state;
    for_each_shape(judge_apply);
}

static void backward(void **state)
{
    (void)state;
    for_each_shape(judge_backward);
}

static void bias(void **state)
{
    (void)state;
    for_each_shape(judge_bias);
}

static void sum_in_one_sweep(void **state)
{
    (void)state;
    for_each_shape(judge_sum);
}

/* ---- Orders ---- */

static uint64_t hash(uint64_t so_far, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        so_far = (so_far ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
    return so_far;
}

/* All that the kernels write, of one shape a type with splits, tiles and ghosts; run by a process
 * of its own, since the emulator reads its settings once. */
static uint64_t hash_of_order(int order)
{
    char setting[32];
    uint64_t all = 14695981039346656037u;
    snprintf(setting, sizeof setting, "order=%d", order);
    setenv("REPRO_EMULATED_GPU", setting, 1);
    for (int type = KERNEL_F32; type <= KERNEL_BF16; type++) {
        struct norm_case one;
        case_init(&one, type, 72, 1500, 3);
        size_t bytes = (size_t)(one.count * kernel_bytes(type)),
               units = (size_t)(one.ghosts * one.channels);
        judge_sum(&one);
        kernel_norm_apply(&one.work, NULL, NULL);
        kernel_norm_backward(&one.work, NULL);
        all = hash(hash(all, one.typed[Y], bytes), one.typed[DX], bytes);
        all = hash(hash(all, one.work.mean, units * 4), one.work.inverse, units * 4);
        all = hash(all, one.grads, (size_t)one.channels * 16);
        case_release(&one);
    }
    return all;
}

static void any_order_gives_the_same_bits(void **state)
{
    (void)state;
    assert_true(hashes[0] != 0);
    for (int order = 1; order < ORDERS; order++)
        assert_true(hashes[order] == hashes[0]);
}

static void run_orders(void)
{
    for (int order = 0; order < ORDERS; order++) {
        int ends[2], status;
        pid_t child;
        if (pipe(ends) != 0 || (child = fork()) < 0)
            return;
        if (child == 0) {
            uint64_t value = hash_of_order(order);
            _exit(write(ends[1], &value, sizeof value) == (ssize_t)sizeof value ? 0 : 1);
        }
        close(ends[1]);
        if (read(ends[0], &hashes[order], sizeof hashes[order]) != (ssize_t)sizeof hashes[order])
            hashes[order] = (uint64_t)order;
        close(ends[0]);
        waitpid(child, &status, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics),       cmocka_unit_test(apply),
        cmocka_unit_test(backward),         cmocka_unit_test(bias),
        cmocka_unit_test(sum_in_one_sweep), cmocka_unit_test(any_order_gives_the_same_bits),
    };
    run_orders();
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("norm", tests, NULL, NULL);
}
