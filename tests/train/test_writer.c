/* The thread that puts checkpoints on the disk: each is whole before the next, and a failure is
 * told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "scratch.h"
#include "train/writer.h"

#include <stdio.h>
#include <string.h>

#define FLOATS 100000

/* A file of one number over and over. */
static struct checkpoint_image image_of(const char *path, float value)
{
    struct err err = {0};
    struct checkpoint_image image = {.path = mem_string(path, &err),
                                     .header = mem_string("{}", &err),
                                     .data = mem_new(FLOATS, sizeof(float), &err),
                                     .floats = FLOATS};
    assert_true(image.path != NULL && image.header != NULL && image.data != NULL);
    for (size_t i = 0; i < FLOATS; i++)
        image.data[i] = value;
    return image;
}

static void put(struct writer *writer, const char *path, float value,
                const struct writer_note *note, int want)
{
    struct err err = {0};
    struct checkpoint_image image = image_of(path, value);
    int code = writer_put(writer, &image, note, &err);
    if (code != want)
        fail_msg("%d: %s", code, err.text);
    assert_true(image.path == NULL && image.data == NULL); /* taken over, or freed */
}

static void holds(const char *path, float value)
{
    struct err err = {0};
    char *bytes;
    size_t size;
    float last;
    if (file_read(path, 1u << 20, &bytes, &size, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(size, 8 + 2 + FLOATS * sizeof(float));
    memcpy(&last, bytes + size - sizeof last, sizeof last);
    assert_true(last == value);
    mem_free(bytes);
}

static void every_checkpoint_in_its_order(void **state)
{
    struct scratch scratch;
    struct writer *writer = NULL;
    struct err err = {0};
    (void)state;
    assert_int_equal(scratch_make(&scratch), 0);
    assert_int_equal(writer_new(&writer, &err), 0);
    assert_int_equal(writer_wait(writer, &err), 0); /* nothing to wait for */
    char path[256];
    snprintf(path, sizeof path, "%s", scratch_path(&scratch, "checkpoint"));
    for (int i = 1; i <= 20; i++)
        put(writer, path, (float)i, NULL, 0);
    assert_int_equal(writer_wait(writer, &err), 0);
    holds(path, 20.0f);
    put(writer, path, 21.0f, NULL, 0);
    writer_free(writer); /* what is under way is written */
    holds(path, 21.0f);
    writer_free(NULL);
    assert_int_equal(scratch_remove(&scratch), 0);
}

static void a_failure_is_told_to_the_next(void **state)
{
    struct scratch scratch;
    struct writer *writer = NULL;
    struct err err = {0};
    char good[256], bad[256];
    (void)state;
    assert_int_equal(scratch_make(&scratch), 0);
    assert_int_equal(writer_new(&writer, &err), 0);
    snprintf(good, sizeof good, "%s", scratch_path(&scratch, "checkpoint"));
    snprintf(bad, sizeof bad, "%s", scratch_path(&scratch, "nowhere/checkpoint"));
    put(writer, good, 1.0f, NULL, 0);
    put(writer, bad, 2.0f, NULL, 0);
    put(writer, good, 3.0f, NULL, ERR_IO); /* not written: what comes before it is not there */
    assert_int_equal(writer_wait(writer, &err), 0); /* told once */
    holds(good, 1.0f);
    put(writer, bad, 4.0f, NULL, 0);
    assert_int_equal(writer_wait(writer, &err), ERR_IO);
    assert_non_null(strstr(err.text, "nowhere"));
    put(writer, good, 5.0f, NULL, 0);
    assert_int_equal(writer_wait(writer, &err), 0);
    holds(good, 5.0f);
    writer_free(writer);
    assert_int_equal(scratch_remove(&scratch), 0);
}

/* What was told of images that are on the disk. */
struct told {
    const char *path;
    int count;
    float values[4]; /* that the file had at that moment */
};

static void take(void *context)
{
    struct told *told = context;
    struct err err = {0};
    char *bytes;
    size_t size;
    float last = -1.0f;
    if (file_read(told->path, 1u << 20, &bytes, &size, &err) == 0) {
        memcpy(&last, bytes + size - sizeof last, sizeof last);
        mem_free(bytes);
    }
    told->values[told->count++] = last;
}

static void a_note_follows_the_file(void **state)
{
    struct scratch scratch;
    struct writer *writer = NULL;
    struct err err = {0};
    char good[256], bad[256];
    (void)state;
    assert_int_equal(scratch_make(&scratch), 0);
    assert_int_equal(writer_new(&writer, &err), 0);
    snprintf(good, sizeof good, "%s", scratch_path(&scratch, "checkpoint"));
    snprintf(bad, sizeof bad, "%s", scratch_path(&scratch, "nowhere/checkpoint"));
    struct told told = {.path = good};
    struct writer_note note = {take, &told};
    put(writer, good, 1.0f, &note, 0);
    put(writer, good, 2.0f, &note, 0);
    assert_true(told.count >= 1); /* before the second was taken */
    assert_int_equal(writer_wait(writer, &err), 0);
    assert_int_equal(told.count, 2);
    put(writer, good, 3.0f, NULL, 0); /* the note before is not kept */
    put(writer, bad, 4.0f, &note, 0);
    assert_int_equal(writer_wait(writer, &err), ERR_IO);
    assert_int_equal(told.count, 2);
    put(writer, good, 5.0f, &note, 0);
    writer_free(writer);
    assert_int_equal(told.count, 3);
    assert_true(told.values[0] == 1.0f && told.values[1] == 2.0f && told.values[2] == 5.0f);
    assert_int_equal(scratch_remove(&scratch), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_checkpoint_in_its_order),
                                       cmocka_unit_test(a_failure_is_told_to_the_next),
                                       cmocka_unit_test(a_note_follows_the_file)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
