/* Winograd's convolutions against the definition in double, odd planes and thread counts
 * included. */
#include "cpu/winograd.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BOUND 1e-5  /* relative L2; measured 1e-6 to 2e-6 */
#define SENTINEL 16 /* floats behind each buffer */
#define POISON 1e30f

struct size {
    int64_t rows, from, to, height, width;
    int32_t threads;
};

static const struct size sizes[] = {
    {3, 16, 32, 8, 8, 2}, {2, 64, 128, 10, 7, 2}, {2, 96, 48, 13, 13, 3}, {1, 16, 16, 1, 1, 1},
    {5, 32, 16, 4, 4, 1}, {2, 80, 16, 3, 9, 2},   {1, 16, 144, 6, 5, 4},  {4, 16, 16, 32, 32, 2},
};

static float *buffer(int64_t count)
{
    float *values = malloc((size_t)(count + SENTINEL) * sizeof *values);
    assert_non_null(values);
    for (int64_t i = 0; i < count + SENTINEL; i++)
        values[i] = POISON;
    return values;
}

static void release(float *values, int64_t count)
{
    for (int64_t i = count; i < count + SENTINEL; i++)
        assert_true(values[i] == POISON);
    free(values);
}

static float *random_buffer(int64_t count, uint32_t seed)
{
    float *values = buffer(count);
    for (int64_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) / 0x1p24f - 0.5f;
    }
    return values;
}

/* Index in nChw8c. */
static int64_t at(const struct size *s, int64_t channels, int64_t row, int64_t c, int64_t y,
                  int64_t x)
{
    return (((row * (channels / 8) + c / 8) * s->height + y) * s->width + x) * 8 + c % 8;
}

static int inside(const struct size *s, int64_t y, int64_t x)
{
    return y >= 0 && y < s->height && x >= 0 && x < s->width;
}

/* dst = conv(src), or, transposed, what backward data computes: dst of `from` channels out of src
 * of `to` channels. */
static void convolve(const struct size *s, const float *src, const float *weights, int transposed,
                     double *dst)
{
    int64_t in = transposed ? s->to : s->from, out = transposed ? s->from : s->to;
    for (int64_t row = 0; row < s->rows; row++)
        for (int64_t o = 0; o < out; o++)
            for (int64_t y = 0; y < s->height; y++)
                for (int64_t x = 0; x < s->width; x++) {
                    double sum = 0.0;
                    for (int64_t c = 0; c < in; c++)
                        for (int64_t u = 0; u < 3; u++)
                            for (int64_t v = 0; v < 3; v++) {
                                int64_t yy = transposed ? y - u + 1 : y + u - 1,
                                        xx = transposed ? x - v + 1 : x + v - 1;
                                int64_t w = transposed ? c * s->from + o : o * s->from + c;
                                if (inside(s, yy, xx))
                                    sum += (double)weights[w * 9 + u * 3 + v] *
                                           (double)src[at(s, in, row, c, yy, xx)];
                            }
                    dst[at(s, out, row, o, y, x)] = sum;
                }
}

static void correlate(const struct size *s, const float *src, const float *diff, double *grad)
{
    for (int64_t o = 0; o < s->to; o++)
        for (int64_t c = 0; c < s->from; c++)
            for (int64_t u = 0; u < 3; u++)
                for (int64_t v = 0; v < 3; v++) {
                    double sum = 0.0;
                    for (int64_t row = 0; row < s->rows; row++)
                        for (int64_t y = 0; y < s->height; y++)
                            for (int64_t x = 0; x < s->width; x++)
                                if (inside(s, y + u - 1, x + v - 1))
                                    sum += (double)diff[at(s, s->to, row, o, y, x)] *
                                           (double)
                                               src[at(s, s->from, row, c, y + u - 1, x + v - 1)];
                    grad[(o * s->from + c) * 9 + u * 3 + v] = sum;
                }
}

static void compare(const float *got, const double *want, int64_t count, const char *what)
{
    double error = 0.0, norm = 0.0;
    for (int64_t i = 0; i < count; i++) {
        error += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        norm += want[i] * want[i];
    }
    print_message("# %s: relative error %.1e\n", what, sqrt(error / norm));
    assert_true(sqrt(error) <= BOUND * sqrt(norm));
}

static void forward_and_data(const struct size *s, int transposed)
{
    struct winograd shape = {.rows = s->rows,
                             .height = s->height,
                             .width = s->width,
                             .threads = s->threads,
                             .src_channels = transposed ? s->to : s->from,
                             .dst_channels = transposed ? s->from : s->to};
    int64_t plane = s->rows * s->height * s->width, sources = plane * shape.src_channels,
            targets = plane * shape.dst_channels;
    int64_t packed_count = winograd_packed(&shape), scratch_count = winograd_scratch(&shape);
    float *src = random_buffer(sources, 1), *weights = random_buffer(s->from * s->to * 9, 2),
          *dst = buffer(targets);
    float *add = random_buffer(targets, 3), *packed = buffer(packed_count),
          *scratch = buffer(scratch_count);
    double *want = calloc((size_t)targets, sizeof *want);
    assert_non_null(want);
    convolve(s, src, weights, transposed, want);
    winograd_pack(&shape, weights, transposed, packed);
    winograd_forward(&shape, src, packed, NULL, dst, scratch);
    compare(dst, want, targets, transposed ? "backward data" : "forward");
    /* A second operand, apart and in place, adds to the same bits. */
    float *sum = buffer(targets);
    winograd_forward(&shape, src, packed, add, sum, scratch);
    for (int64_t i = 0; i < targets; i++)
        assert_true(sum[i] == dst[i] + add[i]);
    winograd_forward(&shape, src, packed, add, add, scratch);
    assert_memory_equal(add, sum, (size_t)targets * sizeof *sum);
    free(want);
    release(src, sources);
    release(weights, s->from * s->to * 9);
    release(dst, targets);
    release(add, targets);
    release(sum, targets);
    release(packed, packed_count);
    release(scratch, scratch_count);
}

static void need(const struct size *s)
{
    if (winograd_can(s->from, s->to))
        return;
    print_message("# this processor has no AVX2 with fused multiply-add\n");
    skip();
}

static void forward(void **state)
{
    need(*state);
    forward_and_data(*state, 0);
}

static void backward_data(void **state)
{
    need(*state);
    forward_and_data(*state, 1);
}

static void backward_weights(void **state)
{
    const struct size *s = *state;
    need(s);
    struct winograd shape = {s->rows, s->height, s->width, s->from, s->to, s->threads};
    int64_t plane = s->rows * s->height * s->width, weights = s->from * s->to * 9,
            scratch_count = winograd_scratch(&shape);
    float *src = random_buffer(plane * s->from, 4), *diff = random_buffer(plane * s->to, 5),
          *grad = buffer(weights);
    float *scratch = buffer(scratch_count), *once = buffer(weights);
    double *want = calloc((size_t)weights, sizeof *want);
    assert_non_null(want);
    memset(grad, 0, (size_t)weights * sizeof *grad);
    correlate(s, src, diff, want);
    winograd_weights(&shape, src, diff, grad, scratch);
    compare(grad, want, weights, "backward weights");
    /* It adds, and the same bits again. */
    memcpy(once, grad, (size_t)weights * sizeof *grad);
    winograd_weights(&shape, src, diff, grad, scratch);
    for (int64_t i = 0; i < weights; i++)
        assert_true(grad[i] == once[i] + once[i]);
    free(want);
    release(src, plane * s->from);
    release(diff, plane * s->to);
    release(grad, weights);
    release(once, weights);
    release(scratch, scratch_count);
}

static void refuses_odd_channels(void **state)
{
    (void)state;
    assert_false(winograd_can(8, 16));
    assert_false(winograd_can(16, 24));
    assert_false(winograd_can(17, 17));
}

int main(void)
{
    enum { SIZES = sizeof sizes / sizeof *sizes };
    struct CMUnitTest tests[3 * SIZES + 1] = {cmocka_unit_test(refuses_odd_channels)};
    for (int i = 0; i < SIZES; i++) {
        void *size = (void *)(uintptr_t)&sizes[i];
        tests[3 * i + 1] = (struct CMUnitTest){"forward", forward, NULL, NULL, size};
        tests[3 * i + 2] = (struct CMUnitTest){"backward_data", backward_data, NULL, NULL, size};
        tests[3 * i + 3] = (struct CMUnitTest){"backward_weights", backward_weights, NULL, NULL,
                                               size};
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("winograd", tests, NULL, NULL);
}
