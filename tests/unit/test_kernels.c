/* The onednn plugin's own loops, which run in bf16 only where the library does: each against plain
 * arithmetic in double, in both element types and widths, with strides and odd counts; and bf16's
 * rounding itself. */
#include "onednn/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PIXELS 23
#define STRIDE 16
#define ELEMENTS (PIXELS * STRIDE)

struct kind {
    const char *name;
    const struct kernels *kernels;
    int half, width;
    double bound; /* of one stored value, relative to 1 */
};

static const struct kind kinds[] = {
    {"f32 x 8", &kernels_f32_8, 0, 8, 1e-6},
    {"f32 x 1", &kernels_f32_1, 0, 1, 1e-6},
    {"bf16 x 8", &kernels_bf16_8, 1, 8, 0x1p-8},
    {"bf16 x 1", &kernels_bf16_1, 1, 1, 0x1p-8},
};

struct array {
    const struct kind *kind;
    uint16_t half[ELEMENTS];
    float full[ELEMENTS];
};

static float widen(uint16_t half)
{
    uint32_t word = (uint32_t)half << 16;
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static void *data(struct array *a)
{
    return a->kind->half ? (void *)a->half : (void *)a->full;
}

static double get(const struct array *a, int i)
{
    return (double)(a->kind->half ? widen(a->half[i]) : a->full[i]);
}

/* Values of -1..1 that both types hold exactly. */
static struct array random_array(const struct kind *kind, uint32_t seed)
{
    struct array a = {.kind = kind};
    for (int i = 0; i < ELEMENTS; i++) {
        seed = seed * 1664525u + 1013904223u;
        a.full[i] = (float)((int)(seed >> 25) - 64) / 64.0f;
        uint32_t word;
        memcpy(&word, &a.full[i], sizeof word);
        a.half[i] = (uint16_t)(word >> 16);
    }
    return a;
}

static void near(double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound * fmax(1.0, fabs(want))))
        fail_msg("got %.9g, want %.9g", got, want);
}

static const float mean[] = {0.1f, -0.2f, 0.3f, 0.0f, 0.5f, -0.5f, 0.05f, -0.4f};
static const float gain[] = {1.5f, 0.5f, -1.0f, 2.0f, 0.25f, 0.75f, -0.3f, 1.0f};
static const float shift[] = {0.2f, -0.1f, 0.4f, 0.0f, -0.3f, 0.1f, 0.6f, -0.2f};
static const float offset[] = {0.01f, 0.02f, -0.03f, 0.0f, 0.05f, 0.1f, -0.2f, 0.04f};
static const float slope[] = {0.3f, -0.1f, 0.2f, 0.0f, 0.15f, -0.25f, 0.1f, 0.05f};
static const struct affine by = {mean, gain, shift};

static void sums(void **state)
{
    const struct kind *kind = *state;
    struct array x = random_array(kind, 1);
    double sum[8] = {0}, squares[8] = {0};
    for (int count = 1; count <= PIXELS; count += 11) {
        memset(sum, 0, sizeof sum);
        memset(squares, 0, sizeof squares);
        kind->kernels->sums(data(&x), STRIDE, count, sum, squares);
        for (int c = 0; c < kind->width; c++) {
            double s = 0.0, q = 0.0;
            for (int i = 0; i < count; i++) {
                s += get(&x, i * STRIDE + c);
                q += get(&x, i * STRIDE + c) * get(&x, i * STRIDE + c);
            }
            near(sum[c], s, 1e-6);
            near(squares[c], q, 1e-6);
        }
    }
}

/* Values far from zero, whose variance cancels away in f32. */
static void sums_do_not_cancel(void **state)
{
    const struct kind *kind = *state;
    struct array x = random_array(kind, 2);
    double sum[8] = {0}, squares[8] = {0}, s = 0.0, q = 0.0;
    if (kind->half)
        return; /* bf16 cannot hold them */
    for (int i = 0; i < ELEMENTS; i++)
        x.full[i] = 4096.0f + x.full[i];
    kind->kernels->sums(data(&x), STRIDE, PIXELS, sum, squares);
    for (int i = 0; i < PIXELS; i++)
        s += get(&x, i * STRIDE);
    for (int i = 0; i < PIXELS; i++)
        q += (get(&x, i * STRIDE) - s / PIXELS) * (get(&x, i * STRIDE) - s / PIXELS);
    double variance = squares[0] / PIXELS - sum[0] / PIXELS * (sum[0] / PIXELS);
    near(variance, q / PIXELS, 1e-3);
}

static double normed(double x, int c)
{
    return (double)gain[c] * (x - (double)mean[c]) + (double)shift[c];
}

static void apply(void **state)
{
    const struct kind *kind = *state;
    for (int relu = 0; relu < 2; relu++) {
        struct array x = random_array(kind, 3), y = random_array(kind, 4);
        struct array before = y;
        kind->kernels->apply(data(&x), STRIDE, PIXELS, &by, relu, data(&y));
        for (int i = 0; i < ELEMENTS; i++) {
            int c = i % STRIDE;
            double want = normed(get(&x, i), c % 8);
            if (c < kind->width)
                near(get(&y, i), relu && want < 0.0 ? 0.0 : want, kind->bound);
            else
                assert_true(get(&y, i) == get(&before, i));
        }
    }
}

static void moments_and_gradient(void **state)
{
    const struct kind *kind = *state;
    for (int relu = 0; relu < 2; relu++)
        for (int assign = 0; assign < 2; assign++) {
            struct array x = random_array(kind, 5), diff = random_array(kind, 6),
                         to = random_array(kind, 7);
            struct array before = to;
            double first[8] = {0}, second[8] = {0};
            kind->kernels->moments(data(&x), data(&diff), STRIDE, PIXELS, &by, relu, first, second);
            kind->kernels->gradient(data(&x), data(&diff), STRIDE, PIXELS, &by, offset, slope, relu,
                                    assign, data(&to));
            for (int c = 0; c < kind->width; c++) {
                double one = 0.0, two = 0.0;
                for (int i = c; i < ELEMENTS; i += STRIDE) {
                    double v = get(&x, i) - (double)mean[c], d = get(&diff, i);
                    if (relu && !(normed(get(&x, i), c) > 0.0))
                        d = 0.0;
                    one += d;
                    two += d * v;
                    double want = (double)gain[c] * (d - (double)offset[c] - (double)slope[c] * v);
                    near(get(&to, i), assign ? want : want + get(&before, i), kind->bound);
                }
                near(first[c], one, 1e-6);
                near(second[c], two, 1e-6);
            }
        }
}

/* In place, as the plugin calls it. */
static void gradient_in_place(void **state)
{
    const struct kind *kind = *state;
    struct array x = random_array(kind, 8), diff = random_array(kind, 9), to = diff;
    kind->kernels->gradient(data(&x), data(&diff), STRIDE, PIXELS, &by, offset, slope, 1, 1,
                            data(&to));
    kind->kernels->gradient(data(&x), data(&diff), STRIDE, PIXELS, &by, offset, slope, 1, 1,
                            data(&diff));
    for (int i = 0; i < ELEMENTS; i++)
        if (i % STRIDE < kind->width)
            assert_true(get(&to, i) == get(&diff, i));
}

static void move_and_fill(void **state)
{
    const struct kind *kind = *state;
    for (int assign = 0; assign < 2; assign++) {
        struct array from = random_array(kind, 10), to = random_array(kind, 11),
                     filled = random_array(kind, 12);
        struct array before = to, empty = filled;
        kind->kernels->move(data(&from), STRIDE, PIXELS, 0.5f, assign, data(&to), kind->width);
        kind->kernels->fill(offset, STRIDE, PIXELS, assign, data(&filled));
        for (int i = 0; i < PIXELS; i++)
            for (int c = 0; c < kind->width; c++) {
                int at = i * kind->width + c, there = i * STRIDE + c;
                near(get(&to, at), 0.5 * get(&from, there) + (assign ? 0.0 : get(&before, at)),
                     kind->bound);
                near(get(&filled, there), (double)offset[c] + (assign ? 0.0 : get(&empty, there)),
                     kind->bound);
            }
    }
}

static void one_channel(void **state)
{
    const struct kind *kind = *state;
    uint8_t bytes[PIXELS];
    float table[256], flat[PIXELS], back[PIXELS];
    struct array from = random_array(kind, 13), to = random_array(kind, 14),
                 input = random_array(kind, 15);
    struct array before = to;
    for (int i = 0; i < 256; i++)
        table[i] = (float)(i - 128) / 128.0f;
    for (int i = 0; i < PIXELS; i++)
        bytes[i] = (uint8_t)(i * 11);
    kind->kernels->input(bytes, 1, table, PIXELS, data(&input), STRIDE);
    kind->kernels->drop(data(&from), bytes, STRIDE, PIXELS, 2.0f, 0, data(&to));
    kind->kernels->flatten(data(&from), STRIDE, PIXELS, flat);
    for (int i = 0; i < PIXELS; i++) {
        int at = i * STRIDE;
        near(get(&input, at), (double)table[bytes[i]], kind->bound);
        near(get(&to, at), get(&before, at) + (bytes[i] != 0 ? 2.0 * get(&from, at) : 0.0),
             kind->bound);
        assert_true((double)flat[i] == get(&from, at));
        back[i] = flat[i];
    }
    kind->kernels->unflatten(back, STRIDE, PIXELS, 1, data(&to));
    for (int i = 0; i < PIXELS; i++)
        assert_true(get(&to, i * STRIDE) == get(&from, i * STRIDE));
}

static void flat(void **state)
{
    const struct kind *kind = *state;
    struct array a = random_array(kind, 16), b = random_array(kind, 17),
                 sum = random_array(kind, 18), more = b, y = b, d = b;
    kind->kernels->add(data(&a), data(&b), ELEMENTS - 3, 0.25f, data(&sum));
    kind->kernels->accumulate(data(&a), ELEMENTS - 3, 0.5f, 0, data(&more));
    kind->kernels->relu(data(&a), ELEMENTS - 3, data(&y));
    kind->kernels->relu_gradient(data(&a), data(&b), ELEMENTS - 3, 1, data(&d));
    for (int i = 0; i < ELEMENTS - 3; i++) {
        near(get(&sum, i), get(&a, i) + 0.25 * get(&b, i), kind->bound);
        near(get(&more, i), get(&b, i) + 0.5 * get(&a, i), kind->bound);
        assert_true(get(&y, i) == fmax(get(&a, i), 0.0));
        assert_true(get(&d, i) == (get(&a, i) > 0.0 ? get(&b, i) : 0.0));
    }
    assert_true(get(&more, ELEMENTS - 1) == get(&b, ELEMENTS - 1));
}

/* What bf16 makes of a value stored by apply() of gain 1. */
static uint16_t stored(const struct kernels *kernels, int width, float value)
{
    static const float none[8] = {0}, ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    uint16_t in[8] = {0}, out[8];
    float shifts[8];
    for (int c = 0; c < 8; c++)
        shifts[c] = value;
    kernels->apply(in, width, 1, &(struct affine){none, ones, shifts}, 0, out);
    for (int c = 1; c < width; c++)
        assert_int_equal(out[c], out[0]);
    return out[0];
}

static void rounds_to_nearest_even(void **state)
{
    static const struct {
        float value;
        uint16_t want;
    } cases[] = {
        {1.0f, 0x3f80},       {0x1.01p0f, 0x3f80},   {0x1.03p0f, 0x3f82},   {0x1.010002p0f, 0x3f81},
        {-0x1.03p0f, 0xbf82}, {0x1.fep127f, 0x7f7f}, {0x1.ffp127f, 0x7f80}, {INFINITY, 0x7f80},
        {-INFINITY, 0xff80},  {0x1p-133f, 0x0001},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(stored(&kernels_bf16_8, 8, cases[i].value), cases[i].want);
        assert_int_equal(stored(&kernels_bf16_1, 1, cases[i].value), cases[i].want);
    }
    assert_true(isnan(widen(stored(&kernels_bf16_8, 8, NAN))));
    assert_true(isnan(widen(stored(&kernels_bf16_1, 1, -NAN))));
}

int main(void)
{
    static const struct {
        const char *name;
        void (*body)(void **state);
    } bodies[] = {{"sums", sums},
                  {"sums_do_not_cancel", sums_do_not_cancel},
                  {"apply", apply},
                  {"moments_and_gradient", moments_and_gradient},
                  {"gradient_in_place", gradient_in_place},
                  {"move_and_fill", move_and_fill},
                  {"one_channel", one_channel},
                  {"flat", flat}};
    enum { BODIES = sizeof bodies / sizeof *bodies, KINDS = sizeof kinds / sizeof *kinds };
    struct CMUnitTest tests[BODIES * KINDS + 1] = {cmocka_unit_test(rounds_to_nearest_even)};
    for (int k = 0; k < KINDS; k++)
        for (int i = 0; i < BODIES; i++)
            tests[1 + k * BODIES + i] = (struct CMUnitTest){bodies[i].name, bodies[i].body, NULL,
                                                            NULL, (void *)(uintptr_t)&kinds[k]};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("kernels", tests, NULL, NULL);
}
