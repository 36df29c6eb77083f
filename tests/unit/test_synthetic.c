/* source_synthetic(): the same bytes on every machine, each image by itself, and the statistics
 * the header states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "data/batch.h"
#include "data/source.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IMAGE ((size_t)3072)

/* Of seed 1, 300 training and 100 test images.  Changes with the difficulty, and then so does every
 * result. */
#define DIGEST UINT64_C(0x6887af82b62e4fd8)

static struct dataset made(uint64_t seed, int64_t train_n, int64_t test_n)
{
    struct err err = {0};
    struct dataset data;
    if (source_synthetic(seed, train_n, test_n, 0, &data, &err) != 0)
        fail_msg("%s", err.text);
    return data;
}

static struct dataset_images train_of(const struct dataset *data)
{
    return dataset_whole(data, DATASET_TRAIN);
}

static struct dataset_images test_of(const struct dataset *data)
{
    return dataset_whole(data, DATASET_TEST);
}

static void pinned(void **state)
{
    (void)state;
    struct dataset data = made(1, 300, 100), again = made(1, 300, 100), other = made(2, 300, 100);
    assert_int_equal(data.channels, 3);
    assert_int_equal(data.height, 32);
    assert_int_equal(data.width, 32);
    assert_int_equal(data.classes, 10);
    if (data.digest != DIGEST)
        fail_msg("the digest is %016" PRIx64 ", not %016" PRIx64, data.digest, DIGEST);
    assert_true(data.digest == again.digest);
    assert_true(data.digest != other.digest);
    dataset_release(&data);
    dataset_release(&again);
    dataset_release(&other);
}

static void image_is_its_index(void **state)
{
    (void)state;
    struct dataset large = made(1, 200, 50), small = made(1, 30, 70);
    assert_memory_equal(train_of(&large).pixels, train_of(&small).pixels, 30 * IMAGE);
    assert_memory_equal(train_of(&large).labels, train_of(&small).labels, 30 * sizeof(int32_t));
    assert_memory_equal(test_of(&large).pixels, test_of(&small).pixels, 50 * IMAGE);
    assert_memory_equal(test_of(&large).labels, test_of(&small).labels, 50 * sizeof(int32_t));
    assert_memory_not_equal(train_of(&large).pixels, test_of(&large).pixels, IMAGE);
    for (size_t i = 1; i < 200; i++)
        assert_memory_not_equal(train_of(&large).pixels, train_of(&large).pixels + i * IMAGE,
                                IMAGE);
    dataset_release(&large);
    dataset_release(&small);
}

static void statistics(void **state)
{
    (void)state;
    enum { N = 3000 };
    struct dataset data = made(1, N, N);
    int train[10] = {0}, test[10] = {0};
    for (int i = 0; i < N; i++) {
        assert_in_range(train_of(&data).labels[i], 0, 9);
        assert_in_range(test_of(&data).labels[i], 0, 9);
        train[train_of(&data).labels[i]]++;
        test[test_of(&data).labels[i]]++;
    }
    for (int i = 0; i < 10; i++) { /* 300 expected, deviation 16 */
        assert_in_range(train[i], 235, 365);
        assert_in_range(test[i], 235, 365);
    }
    for (size_t c = 0; c < 3; c++) {
        double sum = 0, square = 0;
        for (size_t i = c; i < N * IMAGE; i += 3) {
            sum += train_of(&data).pixels[i];
            square += (double)train_of(&data).pixels[i] * train_of(&data).pixels[i];
        }
        double mean = sum / (N * 1024.0), deviation = sqrt(square / (N * 1024.0) - mean * mean);
        assert_true(fabs(mean - data.mean[c]) < 2.5);
        assert_true(fabs(deviation - data.deviation[c]) < 1.5);
    }
    dataset_release(&data);
}

/* ImageNet's numbers: rows are drawn one by one, the same whatever is asked for beside them. */
static void beyond_memory(void **state)
{
    (void)state;
    enum { SIDE = 48, BYTES = SIDE * SIDE * 3, ROWS = 300 };
    static uint8_t rows[ROWS * BYTES], again[BYTES], cut[BYTES];
    static int32_t labels[ROWS];
    static int seen[1000];
    int64_t image[ROWS];
    int32_t label;
    int distinct = 0;
    struct err err = {0};
    struct dataset data;
    struct repro_crop crop;
    if (source_synthetic(1, 1281167, 50000, SIDE, &data, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(data.classes, 1000);
    assert_null(dataset_whole(&data, DATASET_TRAIN).pixels);
    if (data.digest != UINT64_C(0xd22423c0e2b229cc))
        fail_msg("the digest is %016" PRIx64, data.digest);
    for (int i = 0; i < ROWS; i++)
        image[i] = 1281166 - i * 4000;
    assert_int_equal(dataset_plain(&data, DATASET_TRAIN, image, ROWS, rows, labels, &err), 0);
    for (int i = 0; i < ROWS; i++) {
        assert_in_range(labels[i], 0, 999);
        distinct += seen[labels[i]]++ == 0;
    }
    assert_true(distinct > 200); /* 259 expected, deviation 6 */
    assert_int_equal(dataset_plain(&data, DATASET_TRAIN, image + 7, 1, again, &label, &err), 0);
    assert_memory_equal(again, rows + 7 * BYTES, BYTES);
    assert_int_equal(label, labels[7]);
    batch_crops(5, 2, image + 7, 1, &crop);
    batch_cut(again, SIDE, SIDE, 3, &crop, cut);
    assert_int_equal(dataset_augmented(&data, 5, 2, image, 9, rows, labels, &err), 0);
    assert_memory_equal(rows + 7 * BYTES, cut, BYTES);
    assert_int_equal(label, labels[7]);
    assert_int_equal(dataset_plain(&data, DATASET_TEST, image + ROWS - 1, 1, again, &label, &err),
                     0);
    dataset_release(&data);
}

/* Sum of the differences between an image and the means of 2 x 2 pixels of a finer one. */
static long difference(const uint8_t *image, const uint8_t *finer)
{
    long sum = 0;
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 3 * 32; x++) {
            const uint8_t *at = finer + 2 * y * 192 + x / 3 * 6 + x % 3;
            sum += labs(image[y * 96 + x] - (at[0] + at[3] + at[192] + at[195] + 2) / 4);
        }
    return sum;
}

/* The same scenes, finer: what differs is mostly the noise, of 16 and half of it. */
static void other_sides(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data = made(1, 40, 2), finer, odd;
    if (source_synthetic(1, 40, 2, 64, &finer, &err) != 0 ||
        source_synthetic(1, 2, 1, 5, &odd, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(finer.height, 64);
    assert_int_equal(finer.width, 64);
    assert_memory_equal(train_of(&data).labels, train_of(&finer).labels, 40 * sizeof(int32_t));
    for (size_t i = 0; i < 39; i++) {
        const uint8_t *image = train_of(&data).pixels + i * IMAGE;
        assert_true(difference(image, train_of(&finer).pixels + i * 4 * IMAGE) < 20 * 3072);
        assert_true(difference(image, train_of(&finer).pixels + (i + 1) * 4 * IMAGE) > 24 * 3072);
    }
    assert_int_equal(dataset_image_bytes(&odd), 75);
    assert_int_equal(source_synthetic(1, 1, 1, 1025, &odd, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "1 to 1024 pixels on a side; 1025"));
    dataset_release(&data);
    dataset_release(&finer);
    dataset_release(&odd);
}

/* Mean and deviation are part of the set, not of how much of it is taken. */
static void constants_do_not_move(void **state)
{
    (void)state;
    struct dataset one = made(1, 1, 1), more = made(1, 40, 1);
    assert_memory_equal(one.mean, more.mean, sizeof one.mean);
    assert_memory_equal(one.deviation, more.deviation, sizeof one.deviation);
    dataset_release(&one);
    dataset_release(&more);
}

static void counts_refused(void **state)
{
    (void)state;
    const int64_t counts[][2] = {{0, 1}, {1, 0}, {-1, 1}, {1, -1}};
    for (int i = 0; i < 4; i++) {
        struct err err = {0};
        struct dataset data, before;
        memset(&data, 0xa5, sizeof data);
        memcpy(&before, &data, sizeof data);
        assert_int_equal(source_synthetic(1, counts[i][0], counts[i][1], 0, &data, &err),
                         ERR_INPUT);
        assert_non_null(strstr(err.text, "at least one"));
        assert_memory_equal(&data, &before, sizeof data);
    }
}

static void too_large(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data, before;
    memset(&data, 0xa5, sizeof data);
    memcpy(&before, &data, sizeof data);
    assert_int_equal(source_synthetic(1, 1, INT64_MAX, 0, &data, &err), ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_memory_equal(&data, &before, sizeof data);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pinned),         cmocka_unit_test(image_is_its_index),
        cmocka_unit_test(statistics),     cmocka_unit_test(constants_do_not_move),
        cmocka_unit_test(counts_refused), cmocka_unit_test(too_large),
        cmocka_unit_test(other_sides),    cmocka_unit_test(beyond_memory),
    };
    return cmocka_run_group_tests_name("synthetic", tests, NULL, NULL);
}
