/* batch.h: the order of an epoch; and whole.h: augmentation against a naive reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/random.h"
#include "data/batch.h"
#include "data/whole.h"

#include <string.h>

#define HEIGHT 9
#define WIDTH 7
#define CHANNELS 3
#define BYTES ((size_t)HEIGHT * WIDTH * CHANNELS)
#define IMAGES 40
#define PAD 4

static struct dataset data;
static const uint8_t *pixels; /* of its training images */

static struct dataset make_data(int64_t train_n, int channels, int height, int width)
{
    struct err err = {0};
    struct dataset made = {.train_n = train_n,
                           .test_n = 2,
                           .channels = channels,
                           .height = height,
                           .width = width,
                           .classes = 10};
    if (whole_allocate(&made, &err) != 0)
        fail_msg("%s", err.text);
    for (int split = 0; split < DATASET_SPLITS; split++) {
        size_t bytes = (size_t)dataset_count(&made, split) * dataset_image_bytes(&made);
        for (size_t i = 0; i < bytes; i++)
            whole_pixels(&made,
                         split)[i] = (uint8_t)random_at(99, 0, (uint32_t)split, i, 0).word[0];
        for (int i = 0; i < dataset_count(&made, split); i++)
            whole_labels(&made, split)[i] = (i * 7 + split) % 10;
    }
    return made;
}

static int set_up(void **state)
{
    (void)state;
    data = make_data(IMAGES, CHANNELS, HEIGHT, WIDTH);
    pixels = dataset_whole(&data, DATASET_TRAIN).pixels;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dataset_release(&data);
    return 0;
}

static void augmented(uint64_t seed, uint32_t epoch, const int64_t *image, int64_t count,
                      uint8_t *rows, int32_t *labels)
{
    struct err err = {0};
    assert_int_equal(dataset_augmented(&data, seed, epoch, image, count, rows, labels, &err), 0);
}

/* From an independent Philox4x32-10 and Fisher-Yates from the last element down. */
static void order_is_pinned(void **state)
{
    (void)state;
    const struct {
        uint64_t seed;
        uint32_t epoch;
        int64_t order[12];
    } cases[] = {
        {1, 0, {8, 9, 10, 6, 7, 5, 0, 2, 11, 1, 3, 4}},
        {1, 1, {2, 0, 3, 11, 9, 6, 1, 4, 8, 10, 7, 5}},
        {UINT64_C(0x123456789abcdef0), 199, {7, 9, 3, 1, 0, 6, 11, 4, 8, 10, 5, 2}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t order[12];
        batch_order(cases[i].seed, cases[i].epoch, 12, order);
        assert_memory_equal(order, cases[i].order, sizeof order);
    }
}

static void order_is_a_permutation(void **state)
{
    (void)state;
    enum { LARGE = 50000 };
    static int64_t order[LARGE];
    static char seen[LARGE];
    const int64_t sizes[] = {1, 2, 3, 1000, LARGE};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        memset(seen, 0, sizeof seen);
        batch_order(5, 17, sizes[s], order);
        for (int64_t i = 0; i < sizes[s]; i++) {
            assert_in_range(order[i], 0, sizes[s] - 1);
            assert_int_equal(seen[order[i]], 0);
            seen[order[i]] = 1;
        }
    }
    batch_order(5, 17, 0, order);
}

/* Over 24000 epochs each of the 24 orders of four comes about 1000 times (deviation 31). */
static void order_is_even(void **state)
{
    (void)state;
    int count[256] = {0}, different = 0;
    for (uint32_t epoch = 0; epoch < 24000; epoch++) {
        int64_t order[4];
        batch_order(11, epoch, 4, order);
        count[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    for (int i = 0; i < 256; i++)
        if (count[i] != 0) {
            different++;
            assert_in_range(count[i], 860, 1140);
        }
    assert_int_equal(different, 24);
}

/* The padded image is built, cropped and mirrored as one would on paper. */
static void reference(const uint8_t *src, int top, int left, int flip, uint8_t *dst)
{
    static uint8_t padded[HEIGHT + 2 * PAD][WIDTH + 2 * PAD][CHANNELS];
    for (int y = 0; y < HEIGHT + 2 * PAD; y++)
        for (int x = 0; x < WIDTH + 2 * PAD; x++) {
            int from_y = y < PAD ? PAD - y : y < PAD + HEIGHT ? y - PAD : 2 * HEIGHT + PAD - 2 - y;
            int from_x = x < PAD ? PAD - x : x < PAD + WIDTH ? x - PAD : 2 * WIDTH + PAD - 2 - x;
            memcpy(padded[y][x], src + (size_t)(from_y * WIDTH + from_x) * CHANNELS, CHANNELS);
        }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            memcpy(dst + (size_t)(y * WIDTH + x) * CHANNELS,
                   padded[top + y][left + (flip ? WIDTH - 1 - x : x)], CHANNELS);
}

static void rows_match_the_reference(void **state)
{
    (void)state;
    int tops[9] = {0}, lefts[9] = {0}, flips[2] = {0};
    for (uint32_t epoch = 0; epoch < 10; epoch++)
        for (int64_t i = 0; i < IMAGES; i++) {
            struct random_words words = random_at(5, RANDOM_AUGMENT, epoch, (uint64_t)i, 0);
            int top = (int)((uint64_t)words.word[0] * 9 >> 32),
                left = (int)((uint64_t)words.word[1] * 9 >> 32);
            int flip = (int)(words.word[2] >> 31);
            uint8_t expected[BYTES], row[BYTES];
            int32_t label = -1;
            reference(pixels + (size_t)i * BYTES, top, left, flip, expected);
            augmented(5, epoch, &i, 1, row, &label);
            assert_memory_equal(row, expected, BYTES);
            assert_int_equal(label, i * 7 % 10);
            tops[top]++;
            lefts[left]++;
            flips[flip]++;
        }
    for (int i = 0; i < 9; i++)
        assert_true(tops[i] > 0 && lefts[i] > 0);
    assert_true(flips[0] > 0 && flips[1] > 0);
}

/* Offsets and flips of images 0 to 7 at seed 5, epoch 3, from an independent Philox. */
static void augmentation_is_pinned(void **state)
{
    (void)state;
    const int draws[8][3] = {{2, 3, 1}, {5, 7, 1}, {8, 0, 1}, {2, 3, 0},
                             {7, 7, 1}, {4, 4, 1}, {6, 1, 1}, {5, 8, 0}};
    for (int64_t i = 0; i < 8; i++) {
        uint8_t expected[BYTES], row[BYTES];
        int32_t label;
        reference(pixels + (size_t)i * BYTES, draws[i][0], draws[i][1], draws[i][2], expected);
        augmented(5, 3, &i, 1, row, &label);
        assert_memory_equal(row, expected, BYTES);
    }
}

/* Any cut of the rows into calls, and any neighbours, give the same rows. */
static void rows_do_not_know_their_batch(void **state)
{
    (void)state;
    int64_t image[IMAGES];
    static uint8_t whole[IMAGES * BYTES], cut[IMAGES * BYTES + 1];
    int32_t whole_labels[IMAGES], cut_labels[IMAGES];
    batch_order(8, 2, IMAGES, image);
    augmented(8, 2, image, IMAGES, whole, whole_labels);
    const int64_t counts[] = {1, 3, 16, IMAGES};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        memset(cut, 0, sizeof cut);
        cut[IMAGES * BYTES] = 0x5a;
        for (int64_t first = 0; first < IMAGES; first += counts[c]) {
            int64_t count = IMAGES - first < counts[c] ? IMAGES - first : counts[c];
            augmented(8, 2, image + first, count, cut + (size_t)first * BYTES, cut_labels + first);
        }
        assert_memory_equal(cut, whole, sizeof whole);
        assert_memory_equal(cut_labels, whole_labels, sizeof whole_labels);
        assert_int_equal(cut[IMAGES * BYTES], 0x5a);
    }
    augmented(8, 2, image, 0, NULL, NULL);
}

static void epochs_and_seeds_differ(void **state)
{
    (void)state;
    int64_t image[IMAGES];
    int32_t row_labels[IMAGES];
    static uint8_t first[IMAGES * BYTES], other[IMAGES * BYTES];
    for (int i = 0; i < IMAGES; i++)
        image[i] = i;
    augmented(8, 2, image, IMAGES, first, row_labels);
    augmented(8, 3, image, IMAGES, other, row_labels);
    assert_memory_not_equal(first, other, sizeof first);
    augmented(9, 2, image, IMAGES, other, row_labels);
    assert_memory_not_equal(first, other, sizeof first);
}

/* Smaller than the padding: reflected again and again; a single pixel stays itself. */
static void tiny_images(void **state)
{
    static const uint8_t two[2 * 2] = {10, 20, 30, 40}, one[1] = {7};
    uint8_t row[4];
    int64_t image = 0;
    (void)state;
    for (uint32_t epoch = 0; epoch < 50; epoch++) {
        struct random_words words = random_at(5, RANDOM_AUGMENT, epoch, 0, 0);
        unsigned top = (unsigned)((uint64_t)words.word[0] * 9 >> 32);
        unsigned left = (unsigned)((uint64_t)words.word[1] * 9 >> 32);
        unsigned flip = words.word[2] >> 31;
        struct repro_crop crop;
        batch_crops(5, epoch, &image, 1, &crop);
        batch_cut(two, 2, 2, 1, &crop, row);
        for (unsigned p = 0; p < 4; p++)
            assert_int_equal(row[p], two[(top + p / 2) % 2 * 2 + (left + p % 2 + flip) % 2]);
        batch_cut(one, 1, 1, 1, &crop, row);
        assert_int_equal(row[0], 7);
    }
}

/* Crops say the same rows; plain ones are the images of a split, by any index, any number. */
static void other_ways_to_rows(void **state)
{
    static uint8_t rows[IMAGES * BYTES], row[BYTES];
    int32_t labels[IMAGES];
    int64_t image[IMAGES];
    struct repro_crop crops[IMAGES];
    struct err err = {0};
    (void)state;
    batch_order(8, 2, IMAGES, image);
    augmented(8, 2, image, IMAGES, rows, labels);
    dataset_crops(&data, 8, 2, image, IMAGES, crops);
    for (size_t i = 0; i < IMAGES; i++) {
        assert_int_equal(crops[i].image, image[i]);
        batch_cut(pixels + (size_t)image[i] * BYTES, HEIGHT, WIDTH, CHANNELS, &crops[i], row);
        assert_memory_equal(rows + i * BYTES, row, BYTES);
    }
    for (int split = 0; split < DATASET_SPLITS; split++) {
        struct dataset_images whole = dataset_whole(&data, split);
        const int64_t some[] = {1, 0, 1};
        assert_int_equal(dataset_plain(&data, split, some, 3, rows, labels, &err), 0);
        for (size_t i = 0; i < 3; i++) {
            assert_memory_equal(rows + i * BYTES, whole.pixels + (size_t)some[i] * BYTES, BYTES);
            assert_int_equal(labels[i], whole.labels[some[i]]);
        }
    }
    assert_int_equal(dataset_count(&data, DATASET_TRAIN), IMAGES);
    assert_int_equal(dataset_count(&data, DATASET_TEST), 2);
    assert_int_equal(dataset_image_bytes(&data), BYTES);
    assert_string_equal(data.augment, "crop from 4-pixel reflection pad, flip");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_pinned),         cmocka_unit_test(order_is_a_permutation),
        cmocka_unit_test(order_is_even),           cmocka_unit_test(rows_match_the_reference),
        cmocka_unit_test(augmentation_is_pinned),  cmocka_unit_test(rows_do_not_know_their_batch),
        cmocka_unit_test(epochs_and_seeds_differ), cmocka_unit_test(tiny_images),
        cmocka_unit_test(other_ways_to_rows),
    };
    return cmocka_run_group_tests_name("batch", tests, set_up, tear_down);
}
