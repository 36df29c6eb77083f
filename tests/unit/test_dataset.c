/* source_cifar10(): the reader on made-up files of full size, every way it refuses, and, with
 * REPRO_DATA, the real set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "data/source.h"
#include "scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#define RECORD 3073
#define RECORDS 10000

static struct scratch scratch;

/* What the made-up files hold at pixel p (0..1023) of plane c of record i. */
static uint8_t pixel_of(size_t salt, size_t i, size_t c, size_t p)
{
    return (uint8_t)(salt + 7 * i + 50 * c + p + p / 32);
}

static int label_of(size_t salt, size_t i)
{
    return (int)((salt + 3 * i) % 10);
}

static void make_file(const char *path, size_t salt)
{
    static uint8_t record[RECORD];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    for (size_t i = 0; i < RECORDS; i++) {
        record[0] = (uint8_t)label_of(salt, i);
        for (size_t c = 0; c < 3; c++)
            for (size_t p = 0; p < 1024; p++)
                record[1 + c * 1024 + p] = pixel_of(salt, i, c, p);
        assert_int_equal(fwrite(record, RECORD, 1, file), 1);
    }
    assert_int_equal(fclose(file), 0);
}

static void put_byte(const char *path, long offset, int byte)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fputc(byte, file), byte);
    assert_int_equal(fclose(file), 0);
}

/* Files 1, 2 and the test file, in the subfolder a download unpacks to. */
static int set_up(void **state)
{
    (void)state;
    struct err err;
    if (scratch_make(&scratch) != 0 ||
        file_make_folders(scratch_path(&scratch, "cifar-10-batches-bin"), &err) != 0)
        return -1;
    make_file(scratch_path(&scratch, "cifar-10-batches-bin/data_batch_1.bin"), 1);
    make_file(scratch_path(&scratch, "cifar-10-batches-bin/data_batch_2.bin"), 2);
    make_file(scratch_path(&scratch, "cifar-10-batches-bin/test_batch.bin"), 9);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static struct dataset_images train(const struct dataset *data)
{
    return dataset_whole(data, DATASET_TRAIN);
}

static struct dataset_images test(const struct dataset *data)
{
    return dataset_whole(data, DATASET_TEST);
}

static void assert_image(const uint8_t *pixels, int32_t label, size_t salt, size_t record)
{
    assert_int_equal(label, label_of(salt, record));
    for (size_t p = 0; p < 1024; p++)
        for (size_t c = 0; c < 3; c++)
            assert_int_equal(pixels[3 * p + c], pixel_of(salt, record, c, p));
}

static void assert_refused(const char *folder, int64_t train_n, int64_t test_n, const char *first,
                           const char *second)
{
    struct err err = {0};
    struct dataset data, before;
    memset(&data, 0xa5, sizeof data);
    memcpy(&before, &data, sizeof data);
    assert_int_equal(source_cifar10(folder, train_n, test_n, &data, &err), ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_non_null(strstr(err.text, first));
    assert_non_null(strstr(err.text, second));
    assert_memory_equal(&data, &before, sizeof data);
}

static void images_and_labels(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    assert_int_equal(source_cifar10(scratch.folder, 10001, 10000, &data, &err), 0);
    assert_int_equal(data.train_n, 10001);
    assert_int_equal(data.test_n, 10000);
    assert_int_equal(data.own_files, 3);
    assert_int_equal(data.channels, 3);
    assert_int_equal(data.height, 32);
    assert_int_equal(data.width, 32);
    assert_int_equal(data.classes, 10);
    assert_float_equal(data.mean[0], 125.3f, 1e-4f);
    assert_float_equal(data.deviation[2], 66.7f, 1e-4f);
    for (size_t i = 0; i < 10000; i += 1111)
        assert_image(train(&data).pixels + i * 3072, train(&data).labels[i], 1, i);
    assert_image(train(&data).pixels + (size_t)10000 * 3072, train(&data).labels[10000], 2, 0);
    for (size_t i = 0; i < 10000; i += 3333)
        assert_image(test(&data).pixels + i * 3072, test(&data).labels[i], 9, i);
    dataset_release(&data);
    struct dataset none = {0};
    assert_memory_equal(&data, &none, sizeof data);
    dataset_release(&data);
}

static void folder_itself_and_part_of_the_set(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset whole, part;
    assert_int_equal(source_cifar10(scratch.folder, 20, 10, &whole, &err), 0);
    assert_int_equal(
        source_cifar10(scratch_path(&scratch, "cifar-10-batches-bin"), 20, 10, &part, &err), 0);
    assert_true(whole.digest == part.digest);
    dataset_release(&part);
    assert_int_equal(source_cifar10(scratch.folder, 7, 3, &part, &err), 0);
    assert_memory_equal(train(&part).pixels, train(&whole).pixels, 7 * 3072);
    assert_memory_equal(test(&part).labels, test(&whole).labels, 3 * sizeof *test(&part).labels);
    assert_true(whole.digest != part.digest);
    dataset_release(&part);
    dataset_release(&whole);
}

static size_t append(uint8_t *bytes, size_t at, uint64_t word, int size)
{
    for (int i = 0; i < size; i++)
        bytes[at++] = (uint8_t)(word >> 8 * i);
    return at;
}

/* The digest written down again, in one piece: 300 labels take more than one of the loader's
 * chunks. */
static void digest(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    static uint8_t bytes[48 + 302 * (3072 + 4)];
    const uint64_t shape[] = {300, 2, 3, 32, 32, 10};
    size_t at = 0;
    assert_int_equal(source_cifar10(scratch.folder, 300, 2, &data, &err), 0);
    for (int i = 0; i < 6; i++)
        at = append(bytes, at, shape[i], 8);
    memcpy(bytes + at, train(&data).pixels, 300 * 3072);
    at += 300 * 3072;
    for (int i = 0; i < 300; i++)
        at = append(bytes, at, (uint64_t)train(&data).labels[i], 4);
    memcpy(bytes + at, test(&data).pixels, 2 * 3072);
    at += 2 * 3072;
    for (int i = 0; i < 2; i++)
        at = append(bytes, at, (uint64_t)test(&data).labels[i], 4);
    assert_int_equal(at, sizeof bytes);
    assert_true(data.digest == XXH3_64bits(bytes, sizeof bytes));
    dataset_release(&data);
}

static void counts_refused(void **state)
{
    (void)state;
    assert_refused(scratch.folder, 0, 10, "50000 training images", "0 cannot");
    assert_refused(scratch.folder, -5, 10, "50000 training images", "-5 cannot");
    assert_refused(scratch.folder, 50001, 10, "50000 training images", "50001 cannot");
    assert_refused(scratch.folder, 10, 0, "10000 test images", "0 cannot");
    assert_refused(scratch.folder, 10, 10001, "10000 test images", "10001 cannot");
}

static void folder_refused(void **state)
{
    (void)state;
    const char *mend = "--data takes the folder that holds cifar-10-batches-bin";
    assert_refused(scratch_path(&scratch, "nowhere"), 10, 10, "/nowhere'", mend);
    assert_refused(scratch_path(&scratch, "cifar-10-batches-bin/test_batch.bin"), 10, 10,
                   "is not a folder", mend);
}

static void file_missing(void **state)
{
    (void)state;
    struct err err = {0};
    const char *mend = "--data takes the folder that holds cifar-10-batches-bin";
    assert_refused(scratch.folder, 20001, 10, "/cifar-10-batches-bin/data_batch_3.bin' is missing",
                   mend);
    assert_int_equal(file_make_folders(scratch_path(&scratch, "empty"), &err), 0);
    assert_refused(scratch_path(&scratch, "empty"), 10, 10, "/empty/data_batch_1.bin' is missing",
                   mend);
    assert_int_equal(file_make_folders(scratch_path(&scratch, "odd/data_batch_1.bin"), &err), 0);
    assert_refused(scratch_path(&scratch, "odd"), 10, 10,
                   "/odd/data_batch_1.bin' is not a regular file", mend);
}

static void wrong_size(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "cifar-10-batches-bin/data_batch_2.bin");
    const char *rest = "not 30730000: 10000 records of 3073 bytes";
    const struct {
        off_t size;
        const char *says;
    } cases[] = {{0, "data_batch_2.bin' is 0 bytes"},
                 {30729999, "is 30729999 bytes"},
                 {30726927, "is 30726927 bytes"}, /* a whole record less */
                 {30730001, "is 30730001 bytes"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(truncate(path, cases[i].size), 0);
        assert_refused(scratch.folder, 10001, 10, cases[i].says, rest);
    }
    make_file(path, 2);
}

/* A bad label is refused even where its record is not in use, and in the test file too. */
static void wrong_label(void **state)
{
    (void)state;
    struct err err = {0};
    struct dataset data;
    const char *train = scratch_path(&scratch, "cifar-10-batches-bin/data_batch_1.bin");
    const char *test = scratch_path(&scratch, "cifar-10-batches-bin/test_batch.bin");
    put_byte(train, 9999L * RECORD, 10);
    assert_refused(scratch.folder, 10, 10, "data_batch_1.bin': record 9999", "label 10, above 9");
    put_byte(train, 9999L * RECORD, 9);
    put_byte(test, 4L * RECORD, 255);
    assert_refused(scratch.folder, 10, 1, "test_batch.bin': record 4", "label 255, above 9");
    put_byte(test, 4L * RECORD, 0);
    assert_int_equal(source_cifar10(scratch.folder, 10, 10, &data, &err), 0);
    dataset_release(&data);
}

/* Every class has 5000 training and 1000 test images; channel means are the ones in use. */
static void real_set(void **state)
{
    (void)state;
    const char *folder = getenv("REPRO_DATA");
    struct err err = {0};
    struct dataset data;
    int trains[10] = {0}, tests[10] = {0};
    double sum[3] = {0};
    if (folder == NULL) {
        print_message("# skipped: set REPRO_DATA to the folder that holds cifar-10-batches-bin\n");
        skip();
    }
    if (source_cifar10(folder, 50000, 10000, &data, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < 50000; i++)
        trains[train(&data).labels[i]]++;
    for (size_t i = 0; i < 10000; i++)
        tests[test(&data).labels[i]]++;
    for (size_t i = 0; i < (size_t)50000 * 3072; i++)
        sum[i % 3] += train(&data).pixels[i];
    for (int i = 0; i < 10; i++) {
        assert_int_equal(trains[i], 5000);
        assert_int_equal(tests[i], 1000);
    }
    for (int c = 0; c < 3; c++)
        assert_float_equal(sum[c] / (50000.0 * 1024), data.mean[c], 0.06);
    assert_int_equal(data.own_files, 0); /* they are the published ones, all six */
    dataset_release(&data);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_and_labels),
        cmocka_unit_test(folder_itself_and_part_of_the_set),
        cmocka_unit_test(digest),
        cmocka_unit_test(counts_refused),
        cmocka_unit_test(folder_refused),
        cmocka_unit_test(file_missing),
        cmocka_unit_test(wrong_size),
        cmocka_unit_test(wrong_label),
        cmocka_unit_test(real_set),
    };
    return cmocka_run_group_tests_name("dataset", tests, set_up, tear_down);
}
