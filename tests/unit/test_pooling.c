/* The pooling kernels by themselves, on the emulated GPU: bit for bit what one element after the
 * other comes to, its windows in their order, whether a thread has one channel or 16 bytes. */
#include "cudnn/kernels.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 2
#define POISON 0xcb
#define GUARD 64 /* bytes behind every tensor */

struct shape {
    int32_t height, width, kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left, out_h, out_w;
};

static const struct shape shapes[] = {
    {8, 8, 2, 2, 2, 2, 0, 0, 4, 4},  /* apart */
    {9, 7, 3, 3, 2, 2, 0, 0, 4, 3},  /* overlapping, as in Inception-ResNet-V2 */
    {9, 10, 3, 3, 2, 2, 1, 1, 5, 5}, /* padded */
    {6, 5, 3, 3, 1, 1, 1, 1, 6, 5},  /* nine windows over a pixel */
    {11, 9, 3, 2, 4, 3, 0, 1, 3, 4}, /* pixels under no window */
    {5, 6, 2, 3, 1, 2, 0, 2, 4, 4},  /* padded on one side */
    {7, 7, 1, 1, 3, 3, 0, 0, 3, 3}};
static const int64_t channel_counts[] = {1, 3, 4, 8, 12, 16, 24};

/* One case; values as floats that the type holds exactly, and the same in the type's memory. */
struct pool_case {
    struct kernel_pool work;
    int64_t src_count, dst_count;
    float *x, *dy, *old;
    int32_t *winner; /* by the loops here; -1 where a window is empty */
    uint32_t random;
};

/* One of so many values, -1 to 1: of few maxima tie, of many sums depend on their order. */
static float drawn(struct pool_case *of, int bits)
{
    of->random = of->random * 1664525u + 1013904223u;
    return ldexpf((float)(of->random >> (32 - bits)), 1 - bits) - 1.0f;
}

static void *allocate(size_t bytes)
{
    size_t whole = (bytes + GUARD + 255) / 256 * 256;
    void *memory = aligned_alloc(256, whole);
    assert_non_null(memory);
    return memset(memory, POISON, whole);
}

/* Frees a tensor behind which nothing was written. */
static void check_and_free(const void *tensor, size_t bytes)
{
    for (int i = 0; i < GUARD; i++)
        assert_int_equal(((const unsigned char *)tensor)[bytes + (size_t)i], POISON);
    free((void *)tensor);
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

static void put(int type, void *to, int64_t i, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (type == KERNEL_F32)
        ((float *)to)[i] = value;
    else
        ((uint16_t *)to)[i] = (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

static void *filled(struct pool_case *of, float **values, int64_t count, int bits)
{
    int type = of->work.type;
    void *typed = allocate((size_t)(count * kernel_bytes(type)));
    *values = allocate((size_t)count * 4);
    for (int64_t i = 0; i < count; i++) {
        put(type, typed, i, drawn(of, bits));
        (*values)[i] = fetch(type, typed, i);
    }
    return typed;
}

static void case_init(struct pool_case *to, int type, const struct shape *shape, int64_t channels,
                      int add)
{
    *to = (struct pool_case){.work = {.type = type,
                                      .rows = ROWS,
                                      .channels = channels,
                                      .src_height = shape->height,
                                      .src_width = shape->width,
                                      .height = shape->out_h,
                                      .width = shape->out_w,
                                      .kernel_h = shape->kernel_h,
                                      .kernel_w = shape->kernel_w,
                                      .stride_h = shape->stride_h,
                                      .stride_w = shape->stride_w,
                                      .pad_top = shape->pad_top,
                                      .pad_left = shape->pad_left,
                                      .add = add},
                             .src_count = ROWS * channels * shape->height * shape->width,
                             .dst_count = ROWS * channels * shape->out_h * shape->out_w,
                             .random = 7};
    to->work.x = filled(to, &to->x, to->src_count, 6);
    to->work.dx = filled(to, &to->old, to->src_count, 24);
    to->work.dy = filled(to, &to->dy, to->dst_count, 24);
    to->work.y = allocate((size_t)(to->dst_count * kernel_bytes(type)));
    to->work.winner = allocate((size_t)to->dst_count * sizeof *to->work.winner);
    to->winner = allocate((size_t)to->dst_count * sizeof *to->winner);
}

static void case_release(struct pool_case *of)
{
    size_t bytes = (size_t)kernel_bytes(of->work.type), src = (size_t)of->src_count,
           dst = (size_t)of->dst_count;
    check_and_free(of->work.x, src * bytes);
    check_and_free(of->work.dx, src * bytes);
    check_and_free(of->work.dy, dst * bytes);
    check_and_free(of->work.y, dst * bytes);
    check_and_free(of->work.winner, dst * sizeof *of->work.winner);
    free(of->winner);
    free(of->x);
    free(of->old);
    free(of->dy);
}

static int64_t src_at(const struct pool_case *of, int64_t row, int y, int x, int64_t c)
{
    const struct kernel_pool *work = &of->work;
    return ((row * work->src_height + y) * work->src_width + x) * work->channels + c;
}

static int64_t dst_at(const struct pool_case *of, int64_t row, int y, int x, int64_t c)
{
    const struct kernel_pool *work = &of->work;
    return ((row * work->height + y) * work->width + x) * work->channels + c;
}

/* The source pixel of a window's tap; 0 where it lies outside. */
static int tap_at(const struct kernel_pool *work, int oy, int ox, int tap, int *y, int *x)
{
    *y = oy * work->stride_h - work->pad_top + tap / work->kernel_w;
    *x = ox * work->stride_w - work->pad_left + tap % work->kernel_w;
    return *y >= 0 && *y < work->src_height && *x >= 0 && *x < work->src_width;
}

static void same(const struct pool_case *of, const char *what, const void *typed, int64_t i,
                 float expected)
{
    float memory, value = fetch(of->work.type, typed, i);
    put(of->work.type, &memory, 0, expected);
    expected = fetch(of->work.type, &memory, 0);
    if (memcmp(&value, &expected, sizeof value) != 0)
        fail_msg("%s: element %" PRId64 " is %.9g, not %.9g: type %d, %" PRId64
                 " channels, window %dx%d at %dx%d",
                 what, i, value, expected, of->work.type, of->work.channels, of->work.kernel_h,
                 of->work.kernel_w, of->work.src_height, of->work.src_width);
}

/* One window: its maximum and the tap of it, the first of equals; its sum and how many taps. */
static void window(const struct pool_case *of, int64_t row, int oy, int ox, int64_t c, float *best,
                   int *winner, float *sum, int *size)
{
    int y, x;
    *best = *sum = 0.0f;
    *winner = -1;
    *size = 0;
    for (int tap = 0; tap < of->work.kernel_h * of->work.kernel_w; tap++) {
        if (!tap_at(&of->work, oy, ox, tap, &y, &x))
            continue;
        float value = of->x[src_at(of, row, y, x, c)];
        if (*winner < 0 || value > *best) {
            *best = value;
            *winner = tap;
        }
        *sum += value;
        ++*size;
    }
}

static void each_window(struct pool_case *of,
                        void (*judge)(struct pool_case *of, int64_t row, int oy, int ox, int64_t c))
{
    for (int64_t row = 0; row < ROWS; row++)
        for (int oy = 0; oy < of->work.height; oy++)
            for (int ox = 0; ox < of->work.width; ox++)
                for (int64_t c = 0; c < of->work.channels; c++)
                    judge(of, row, oy, ox, c);
}

static void judge_max(struct pool_case *of, int64_t row, int oy, int ox, int64_t c)
{
    float best, sum;
    int winner, size;
    int64_t at = dst_at(of, row, oy, ox, c);
    window(of, row, oy, ox, c, &best, &winner, &sum, &size);
    of->winner[at] = winner;
    same(of, "maximum", of->work.y, at, best);
}

static void judge_avg(struct pool_case *of, int64_t row, int oy, int ox, int64_t c)
{
    float best, sum;
    int winner, size;
    window(of, row, oy, ox, c, &best, &winner, &sum, &size);
    same(of, "mean", of->work.y, dst_at(of, row, oy, ox, c), size == 0 ? 0.0f : sum / (float)size);
}

/* What one window gives to a source pixel; sums of several come in the order of the windows. */
static void add_window(const struct pool_case *of, int64_t row, int oy, int ox, int64_t c, int max,
                       float *sums)
{
    int64_t at = dst_at(of, row, oy, ox, c);
    int y, x, size = 0, taps = of->work.kernel_h * of->work.kernel_w;
    for (int tap = 0; tap < taps; tap++)
        size += tap_at(&of->work, oy, ox, tap, &y, &x);
    for (int tap = 0; tap < taps; tap++)
        if (tap_at(&of->work, oy, ox, tap, &y, &x) && (!max || tap == of->winner[at]))
            sums[src_at(of, row, y, x, c)] += max ? of->dy[at] : of->dy[at] / (float)size;
}

static void judge_backward(struct pool_case *of, int max)
{
    float *sums = allocate((size_t)of->src_count * 4);
    for (int64_t i = 0; i < of->src_count; i++)
        sums[i] = of->work.add ? of->old[i] : 0.0f;
    for (int64_t row = 0; row < ROWS; row++)
        for (int oy = 0; oy < of->work.height; oy++)
            for (int ox = 0; ox < of->work.width; ox++)
                for (int64_t c = 0; c < of->work.channels; c++)
                    add_window(of, row, oy, ox, c, max, sums);
    for (int64_t i = 0; i < of->src_count; i++)
        same(of, max ? "gradient of a maximum" : "gradient of a mean", of->work.dx, i, sums[i]);
    free(sums);
}

static void judge_case(int type, const struct shape *shape, int64_t channels, int add, int max)
{
    struct pool_case one;
    case_init(&one, type, shape, channels, add);
    assert_int_equal(max ? kernel_max_pool(&one.work, NULL) : kernel_avg_pool(&one.work, NULL),
                     cudaSuccess);
    each_window(&one, max ? judge_max : judge_avg);
    assert_int_equal(max ? kernel_max_pool_backward(&one.work, NULL)
                         : kernel_avg_pool_backward(&one.work, NULL),
                     cudaSuccess);
    judge_backward(&one, max);
    case_release(&one);
}

static void each_case(int max)
{
    for (int type = KERNEL_F32; type <= KERNEL_BF16; type++)
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
            for (size_t c = 0; c < sizeof channel_counts / sizeof *channel_counts; c++)
                for (int add = 0; add < 2; add++)
                    judge_case(type, &shapes[s], channel_counts[c], add, max);
}

static void test_max(void **state)
{
    (void)state;
    each_case(1);
}

static void test_avg(void **state)
{
    (void)state;
    each_case(0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_max), cmocka_unit_test(test_avg)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
