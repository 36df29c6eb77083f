/* A run's log comes back as it was written, and anything else is refused with its line. */
#include "results/runlog.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COLUMNS 14

static struct scratch scratch;

static int set_up(void **state)
{
    (void)state;
    return scratch_make(&scratch);
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static struct runlog_row row_of(int epoch)
{
    return (struct runlog_row){
        .epoch = epoch,
        .updates = 390 * (int64_t)epoch,
        .images = 49920 * (int64_t)epoch,
        .lr = 0.1 / epoch,
        .batch = 128,
        .momentum = 0.9,
        .noise_scale = 389.625,
        .train_loss = 2.0 / 3.0 / epoch,
        .train_loss_l2 = 1.0 / 3.0 + 1.0 / epoch,
        .train_accuracy = 1.0 - 1.0 / (epoch + 1),
        .test_loss = 0.123456789012,
        .test_accuracy = 0.9431,
        .images_per_second = 163.25,
        .seconds = 306.123,
    };
}

/* A log of `count` epochs written to `name`. */
static const char *written(const char *name, int count)
{
    struct err err = {0};
    struct runlog log = {0};
    const char *path = scratch_path(&scratch, name);
    for (int epoch = 1; epoch <= count; epoch++) {
        struct runlog_row row = row_of(epoch);
        assert_int_equal(runlog_append(&log, &row, &err), 0);
    }
    assert_int_equal(log.count, count);
    if (runlog_write(&log, path, &err) != 0)
        fail_msg("%s", err.text);
    runlog_release(&log);
    return path;
}

static char *bytes_of(const char *path, size_t *size)
{
    struct err err = {0};
    char *bytes;
    if (file_read(path, 1u << 24, &bytes, size, &err) != 0)
        fail_msg("%s", err.text);
    return bytes;
}

/* Without the flush of file_replace(): this is done a thousand times. */
static void put(const char *path, const char *bytes, size_t size)
{
    remove(path); /* a file cut to nothing and written again is flushed by some file systems */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Refused, with the file and the line in the sentence, and nothing in the log. */
static void refused(const char *path, const char *bytes, size_t size, int line)
{
    struct err err = {0};
    struct runlog log = {0};
    char place[SCRATCH_PATH + 16];
    put(path, bytes, size);
    if (runlog_read(&log, path, &err) != ERR_INPUT)
        fail_msg("accepted although damaged in line %d", line);
    snprintf(place, sizeof place, "%s:%d: ", path, line);
    if (strncmp(err.text, place, strlen(place)) != 0)
        fail_msg("'%s' does not begin with '%s'", err.text, place);
    assert_null(log.rows);
    assert_int_equal(log.count, 0);
}

static void round_trip(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 200, 700};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct err err = {0};
        struct runlog log = {0};
        const char *path = written("log.tsv", counts[i]),
                   *second = scratch_path(&scratch, "again.tsv");
        if (runlog_read(&log, path, &err) != 0)
            fail_msg("%s", err.text);
        assert_int_equal(log.count, counts[i]);
        for (int r = 0; r < counts[i]; r++) {
            struct runlog_row wanted = row_of(r + 1), *got = &log.rows[r];
            assert_int_equal(got->epoch, wanted.epoch);
            assert_int_equal(got->updates, wanted.updates);
            assert_int_equal(got->images, wanted.images);
            assert_int_equal(got->batch, wanted.batch);
            assert_true(fabs(got->lr - wanted.lr) <= 1e-8 * wanted.lr);
            assert_true(fabs(got->train_loss - wanted.train_loss) <= 1e-8 * wanted.train_loss);
            assert_true(fabs(got->test_accuracy - wanted.test_accuracy) <= 1e-6);
        }
        /* a resumed run reads its log and writes it again: not a byte may change */
        assert_int_equal(runlog_write(&log, second, &err), 0);
        size_t size, size_again;
        char *bytes = bytes_of(path, &size), *again = bytes_of(second, &size_again);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, again, size);
        mem_free(bytes);
        mem_free(again);
        runlog_release(&log);
    }
}

/* A plotting program's view: one line an epoch, tabs between, names on the first. */
static void plain_tsv(void **state)
{
    (void)state;
    size_t size;
    char *bytes = bytes_of(written("log.tsv", 3), &size);
    int tabs = 0, lines = 0;
    for (size_t i = 0; i < size; i++) {
        tabs += bytes[i] == '\t';
        lines += bytes[i] == '\n';
        assert_true(bytes[i] == '\t' || bytes[i] == '\n' || (bytes[i] > ' ' && bytes[i] < 127));
    }
    assert_int_equal(lines, 4);
    assert_int_equal(tabs, 4 * (COLUMNS - 1));
    assert_memory_equal(bytes, "epoch\tupdates\timages\t", 21);
    mem_free(bytes);
}

static void not_a_number_comes_back(void **state)
{
    (void)state;
    struct err err = {0};
    struct runlog log = {0}, got = {0};
    struct runlog_row row = row_of(1);
    row.test_loss = -NAN;
    row.train_loss = INFINITY;
    const char *path = scratch_path(&scratch, "nan.tsv");
    assert_int_equal(runlog_append(&log, &row, &err), 0);
    assert_int_equal(runlog_write(&log, path, &err), 0);
    if (runlog_read(&got, path, &err) != 0)
        fail_msg("%s", err.text);
    assert_true(isnan(got.rows[0].test_loss));
    assert_true(isinf(got.rows[0].train_loss));
    runlog_release(&log);
    runlog_release(&got);
}

/* Cut at a line's end it is a shorter log; anywhere else it is damaged, in the line that was
 * cut. */
static void every_cut(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "cut.tsv");
    size_t size;
    char *bytes = bytes_of(written("log.tsv", 3), &size);
    int line = 1;
    for (size_t cut = 0; cut < size; cut++) {
        if (cut > 0 && bytes[cut - 1] == '\n') {
            struct err err = {0};
            struct runlog log = {0};
            put(path, bytes, cut);
            assert_int_equal(runlog_read(&log, path, &err), 0);
            assert_int_equal(log.count, line - 1);
            runlog_release(&log);
            line++;
        } else {
            refused(path, bytes, cut, line);
        }
    }
    mem_free(bytes);
}

/* Every byte replaced by ones that no row can hold there; a zero byte must not pass for the end. */
static void every_byte(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "flip.tsv");
    size_t size;
    char *bytes = bytes_of(written("log.tsv", 3), &size);
    static const char wrong[] = {'x', ' ', '\0', '\t', '\n', '+'};
    for (size_t w = 0; w < sizeof wrong; w++) {
        int line = 1;
        for (size_t i = 0; i < size; i++) {
            char kept = bytes[i];
            if (kept == wrong[w]) {
                line += kept == '\n';
                continue;
            }
            bytes[i] = wrong[w];
            refused(path, bytes, size, line);
            bytes[i] = kept;
            line += kept == '\n';
        }
    }
    mem_free(bytes);
}

static void other_damage(void **state)
{
    (void)state;
    const char *path = scratch_path(&scratch, "damage.tsv");
    size_t size;
    char *bytes = bytes_of(written("log.tsv", 2), &size), *longer = mem_new(size + 16, 1, NULL);
    memcpy(longer, bytes, size);
    longer[size] = '\n'; /* an empty line behind */
    refused(path, longer, size + 1, 4);
    memcpy(longer + size, "1\t2\n", 4);
    refused(path, longer, size + 4, 4);
    memcpy(longer + size - 1, "\t5\n", 3); /* a column too many */
    refused(path, longer, size + 2, 3);
    refused(path, "", 0, 1);
    mem_free(bytes);
    mem_free(longer);
}

static void missing_file(void **state)
{
    (void)state;
    struct err err = {0};
    struct runlog log = {0};
    const char *path = scratch_path(&scratch, "nowhere.tsv");
    assert_int_equal(runlog_read(&log, path, &err), ERR_IO);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(runlog_write(&log, scratch_path(&scratch, "no/folder.tsv"), &err), ERR_IO);
}

/* A number too wide for the line is an error, never a read beyond the buffer. */
static void absurd_numbers(void **state)
{
    (void)state;
    struct err err = {0};
    struct runlog log = {0};
    struct runlog_row row = row_of(1);
    row.train_accuracy = row.test_accuracy = row.images_per_second = 1e300;
    assert_int_equal(runlog_append(&log, &row, &err), 0);
    const char *path = scratch_path(&scratch, "absurd.tsv");
    assert_int_not_equal(runlog_write(&log, path, &err), 0);
    assert_non_null(strstr(err.text, path));
    assert_false(file_exists(path));
    runlog_release(&log);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),
        cmocka_unit_test(plain_tsv),
        cmocka_unit_test(not_a_number_comes_back),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(other_damage),
        cmocka_unit_test(missing_file),
        cmocka_unit_test(absurd_numbers),
    };
    return cmocka_run_group_tests_name("runlog", tests, set_up, tear_down);
}
