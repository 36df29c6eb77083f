/* How work is cut into blocks: every element once, within what a GPU takes, and the same on every
 * device. */
#include "cudnn/launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int is_power_of_two(int32_t value)
{
    return value > 0 && (value & (value - 1)) == 0;
}

/* Walks the grid as the kernels do and counts each (pixel, channel). */
static void covers_once(struct launch_columns shape)
{
    int64_t channels = shape.channels, pixels = shape.pixels;
    unsigned char *seen = calloc((size_t)(channels * pixels), 1);
    assert_non_null(seen);
    for (int64_t tile = 0; tile < shape.tiles; tile++)
        for (int64_t lane = 0; lane < shape.lanes; lane++) {
            int64_t c = (tile * shape.lanes + lane) * shape.width;
            if (c >= channels)
                continue;
            for (int64_t split = 0; split < shape.splits; split++) {
                int64_t end = (split + 1) * shape.split_pixels < pixels
                                  ? (split + 1) * shape.split_pixels
                                  : pixels;
                for (int64_t line = 0; line < shape.lines; line++)
                    for (int64_t p = split * shape.split_pixels + line; p < end; p += shape.lines)
                        for (int k = 0; k < shape.width; k++) {
                            assert_true(c + k < channels);
                            seen[p * channels + c + k]++;
                        }
            }
        }
    for (int64_t i = 0; i < channels * pixels; i++)
        assert_int_equal(seen[i], 1);
    free(seen);
}

static void columns_are_covered_once(void **state)
{
    static const int64_t channels[] = {1, 3, 5, 16, 17, 64, 256, 260, 1536},
                         pixels[] = {1, 2, 511, 512, 513, 1500, 40000};
    (void)state;
    for (size_t c = 0; c < sizeof channels / sizeof *channels; c++)
        for (size_t p = 0; p < sizeof pixels / sizeof *pixels; p++)
            for (int bytes = 2; bytes <= 4; bytes += 2) {
                struct launch_columns sums = launch_columns(channels[c], pixels[p], 3, bytes);
                covers_once(sums);
                covers_once(launch_stream(&sums));
            }
}

static void fits(const struct launch_columns *shape)
{
    assert_true(is_power_of_two(shape->lanes) && is_power_of_two(shape->lines));
    assert_int_equal(shape->lanes * shape->lines, LAUNCH_THREADS);
    assert_in_range(shape->splits, 1, LAUNCH_DEPTH_MAX);
    assert_true((int64_t)shape->splits * shape->split_pixels >= shape->pixels);
    assert_true((int64_t)shape->tiles * shape->lanes * shape->width >= shape->channels);
}

static void columns_fit_a_gpu(void **state)
{
    static const int64_t channels[] = {1, 17, 64, 2080},
                         pixels[] = {1, 131072, (int64_t)8192 * 1024, (int64_t)1 << 33};
    (void)state;
    for (size_t c = 0; c < 4; c++)
        for (size_t p = 0; p < 4; p++) {
            struct launch_columns sums = launch_columns(channels[c], pixels[p], 8, 2),
                                  stream = launch_stream(&sums);
            fits(&sums);
            fits(&stream);
            assert_in_range(sums.lanes * sums.width, 1, LAUNCH_TILE_MAX);
            assert_true(launch_scratch(&sums) >= sums.ghosts * sums.splits * 2 * sums.channels);
        }
}

/* Blocks enough for a GPU, and little for the last block of a tile to add, at every layer of
 * WRN-16-4. */
static void layers_fill_a_gpu(void **state)
{
    static const int64_t layers[][2] = {{16, 131072}, {64, 131072}, {128, 32768}, {256, 8192}};
    (void)state;
    for (size_t k = 0; k < sizeof layers / sizeof *layers; k++)
        for (int64_t ghosts = 1; ghosts <= 16; ghosts *= 2)
            for (int bytes = 2; bytes <= 4; bytes += 2) {
                struct launch_columns sums = launch_columns(layers[k][0], layers[k][1], ghosts,
                                                            bytes);
                struct launch_columns stream = launch_stream(&sums);
                assert_in_range(sums.tiles * sums.splits * sums.ghosts, 256, 2048);
                assert_in_range(sums.splits * 2 * sums.lanes * sums.width * sizeof(float), 0,
                                32768);
                assert_in_range(stream.tiles * stream.splits * stream.ghosts, 256, 8192);
            }
}

/* 16 bytes a thread wherever a pixel's channels are whole loads. */
static void loads_are_wide(void **state)
{
    (void)state;
    assert_int_equal(launch_width(64, 2), 8);
    assert_int_equal(launch_width(64, 4), 4);
    assert_int_equal(launch_width(16, 2), 8);
    assert_int_equal(launch_width(12, 2), 1);
    assert_int_equal(launch_width(12, 4), 4);
    assert_int_equal(launch_width(3, 4), 1);
}

static void blocks(void **state)
{
    (void)state;
    assert_int_equal(launch_blocks(0), 1);
    assert_int_equal(launch_blocks(1), 1);
    assert_int_equal(launch_blocks(LAUNCH_THREADS), 1);
    assert_int_equal(launch_blocks(LAUNCH_THREADS + 1), 2);
    assert_int_equal(launch_blocks(INT64_MAX / 2), LAUNCH_BLOCKS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_covered_once),
        cmocka_unit_test(columns_fit_a_gpu),
        cmocka_unit_test(layers_fill_a_gpu),
        cmocka_unit_test(loads_are_wide),
        cmocka_unit_test(blocks),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
