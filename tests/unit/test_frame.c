/* frame.h: parts that lie within the image, their distribution, and what pins them. */
#include "data/frame.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void same(struct frame frame, int left, int top, int width, int height, int flip)
{
    if (frame.left != left || frame.top != top || frame.width != width || frame.height != height ||
        frame.flip != flip)
        fail_msg("%d %d %d %d %d", frame.left, frame.top, frame.width, frame.height, frame.flip);
}

/* They are what results stand on; made once more by a program of its own. */
static void pinned(void **state)
{
    (void)state;
    same(frame_train(1, 0, 0, 500, 375), 146, 45, 202, 211, 1);
    same(frame_train(1, 0, 1, 500, 375), 197, 74, 228, 197, 0);
    same(frame_train(1, 89, 1281166, 333, 500), 46, 83, 269, 330, 0);
    same(frame_train(7, 3, 12, 10000, 20), 4986, 0, 27, 20, 1);
}

static void lies_within(void **state)
{
    (void)state;
    const int sides[][2] = {{1, 1}, {2, 1}, {1, 9}, {500, 375}, {20, 10000}, {65535, 1023}, {3, 3}};
    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++)
        for (int64_t i = 0; i < 2000; i++) {
            struct frame frame = frame_train(5, 1, i, sides[k][0], sides[k][1]);
            assert_true(frame.width >= 1 && frame.height >= 1);
            assert_true(frame.left >= 0 && frame.left + frame.width <= sides[k][0]);
            assert_true(frame.top >= 0 && frame.top + frame.height <= sides[k][1]);
        }
}

/* Of a square image; the numbers are a simulation's of torchvision's rule. */
static void distribution(void **state)
{
    (void)state;
    enum { N = 20000, SIDE = 1000 };
    double area = 0, ratio = 0, square = 0, flips = 0, left = 0;
    for (int64_t i = 0; i < N; i++) {
        struct frame frame = frame_train(3, 2, i, SIDE, SIDE);
        double log_ratio = log((double)frame.width / frame.height);
        area += (double)frame.width * frame.height / SIDE / SIDE / N;
        ratio += log_ratio / N;
        square += log_ratio * log_ratio / N;
        flips += (double)frame.flip / N;
        left += frame.width == SIDE ? 0.5 / N : (double)frame.left / (SIDE - frame.width) / N;
        assert_true(fabs(log_ratio) < log(4.0 / 3) + 0.01);
        assert_true((double)frame.width * frame.height > 0.0495 * SIDE * SIDE);
    }
    assert_true(fabs(area - 0.463) < 0.008); /* large parts that do not fit are drawn anew */
    assert_true(fabs(ratio) < 0.005);
    assert_true(fabs(sqrt(square) - 0.160) < 0.004);
    assert_true(fabs(flips - 0.5) < 0.015);
    assert_true(fabs(left - 0.5) < 0.015);
}

/* No pair fits: the largest centred part of the nearest proportion. */
static void central(void **state)
{
    (void)state;
    struct frame wide = frame_train(1, 0, 0, 10000, 20), tall = frame_train(1, 0, 0, 20, 10000);
    same(wide, 4986, 0, 27, 20, wide.flip);
    same(tall, 0, 4986, 20, 27, tall.flip);
}

static void evaluated(void **state)
{
    (void)state;
    same(frame_test(500, 375), 31, 23, 438, 329, 0);
    same(frame_test(16, 15), 1, 0, 14, 15, 0);
    same(frame_test(1, 1), 0, 0, 1, 1, 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned),  cmocka_unit_test(lies_within), cmocka_unit_test(distribution),
        cmocka_unit_test(central), cmocka_unit_test(evaluated),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
