/* choices.h: what is added is found, by its whole key; a line that cannot be read is named; two
 * processes lose no line of each other's. knobs.h: their text, there and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cudnn/choices.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY(device, rows)                                                   \
    device "\tcuDNN 9.19.0, CUDA 13.0\ttf32\tdeterministic\tforward\t" rows \
           "x3x32x32\t16x3x3x3\t" rows "x16x32x32\t1x1\t1x1"
#define KEY_A KEY("A GPU", "128")

static struct scratch scratch;
static char path[SCRATCH_PATH + 16];

static int set_up(void **state)
{
    (void)state;
    if (scratch_make(&scratch) != 0)
        return 1;
    snprintf(path, sizeof path, "%s/plans.tsv", scratch.folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static void add(const char *key, int64_t engine)
{
    struct choices_entry entry = {.engine = engine,
                                  .knobs = {2, {{14, 3}, {2, -1}}},
                                  .microseconds = 12.34,
                                  .speedup = 1.5,
                                  .tried = 7};
    struct repro_error error = {0};
    if (choices_add(path, key, &entry, &error) != 0)
        fail_msg("%s", error.text);
    assert_true(entry.line >= 3);
}

static int line_of(const char *key, int64_t engine)
{
    struct choices_entry entry;
    struct repro_error error = {0};
    if (choices_find(path, key, &entry, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(entry.engine, engine);
    return entry.line;
}

static void write_lines(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The file as it was, with one piece replaced. */
static void damage(const char *from, const char *to)
{
    static char text[8192], changed[8192];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    char *at = strstr(text, from);
    if (at == NULL)
        fail_msg("'%s' is not there", from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    write_lines(changed);
}

static void refused(const char *key, const char *where, const char *why)
{
    struct choices_entry entry;
    struct repro_error error = {0};
    assert_int_equal(choices_find(path, key, &entry, &error), REPRO_ARGUMENT);
    if (strstr(error.text, where) == NULL || strstr(error.text, why) == NULL)
        fail_msg("neither '%s' nor '%s' in: %s", where, why, error.text);
}

/* ---- Tests ---- */

static void found_again(void **state)
{
    struct choices_entry entry;
    struct repro_error error = {0};
    struct stat status;
    (void)state;
    assert_int_equal(line_of(KEY_A, 0), 0);
    assert_int_not_equal(stat(path, &status), 0); /* looking makes no file */
    add(KEY_A, 6);
    add(KEY("A GPU", "64"), 5);
    add(KEY("Another GPU", "128"), 9);
    assert_int_equal(line_of(KEY_A, 6), 3);
    assert_int_equal(line_of(KEY("A GPU", "64"), 5), 4);
    assert_int_equal(line_of(KEY("Another GPU", "128"), 9), 5);
    assert_int_equal(line_of(KEY("A GPU", "12"), 0), 0);
    assert_int_equal(choices_find(path, KEY_A, &entry, &error), 0);
    assert_int_equal(entry.knobs.count, 2);
    assert_int_equal(entry.knobs.list[0].type, 14);
    assert_int_equal(entry.knobs.list[1].value, -1);
    assert_int_equal(entry.tried, 7);
    assert_true(entry.microseconds > 12.2 && entry.microseconds < 12.4);
}

static void damaged_lines_are_named(void **state)
{
    static const char *const damages[][2] = {
        {"\t6\t", "\t6x\t"},  {"\t6\t", "\t-6\t"},         {"14=3", "14:3"},
        {"14=3,", "14=3"},    {"128x3x32x32", "128x3x32"}, {"forward", "sideways"},
        {"\t7\n", "\n"},      {"\t7\n", "\t7\t8\n"},       {"\t7\n", "\t0\n"},
        {"\ttf32", "\ttf3"},  {"\t12.3\t", "\t\t"},        {"\t7\n", "\t7"},
        {"deterministic", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        unlink(path);
        add(KEY("Another GPU", "128"), 6);
        line_of(KEY_A, 0);
        damage(damages[i][0], damages[i][1]);
        refused(KEY_A, "plans.tsv:3: ", "damaged"); /* whoever's line it is */
        refused(KEY_A, "plans.tsv:3: ", "delete that line, or the file, and run with --tune anew");
    }
}

static void two_lines_for_one(void **state)
{
    (void)state;
    unlink(path);
    add(KEY_A, 6);
    add(KEY("A GPU", "64"), 6);
    add(KEY_A, 5);
    refused(KEY_A, "plans.tsv:5: ", "a line before this one");
    line_of(KEY("A GPU", "64"), 6);
}

static void other_formats(void **state)
{
    struct choices_entry entry = {.engine = 1, .microseconds = 1, .speedup = 1, .tried = 1};
    struct repro_error error = {0};
    (void)state;
    unlink(path);
    add(KEY_A, 6);
    damage("format 1", "format 2");
    refused(KEY_A, "plans.tsv:1: format 2", "the repro that wrote it");
    write_lines("something else\n");
    refused(KEY_A, "plans.tsv:1: ", "no file of plans");
    write_lines("");
    refused(KEY_A, "plans.tsv:1: ", "no file of plans");
    snprintf(path, sizeof path, "%s/no/plans.tsv", scratch.folder);
    assert_int_equal(choices_add(path, KEY_A, &entry, &error), REPRO_ARGUMENT);
    assert_non_null(strstr(error.text, "REPRO_PLANS"));
    snprintf(path, sizeof path, "%s", scratch.folder); /* a folder */
    refused(KEY_A, scratch.folder, "REPRO_PLANS");
    snprintf(path, sizeof path, "%s/plans.tsv", scratch.folder);
}

/* Each process adds its own lines, and those that the other has not added yet. */
static int child(int number)
{
    struct repro_error error;
    for (int i = 0; i < 40; i++) {
        char key[CHOICES_KEY];
        struct choices_entry entry,
            one = {.engine = number, .microseconds = 1, .speedup = 1, .tried = 1};
        int lock;
        snprintf(key, sizeof key, "%d%s", number == 1 ? i : 39 - i, KEY_A);
        if (choices_lock(path, &lock, &error) != 0 ||
            choices_find(path, key, &entry, &error) != 0 ||
            (entry.line == 0 && choices_add(path, key, &one, &error) != 0))
            return 1;
        choices_unlock(lock);
    }
    return 0;
}

static void no_line_is_lost(void **state)
{
    pid_t children[2];
    struct choices_entry entry;
    struct repro_error error = {0};
    (void)state;
    unlink(path);
    for (int i = 0; i < 2; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(child(i + 1));
    }
    for (int i = 0; i < 2; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    for (int i = 0; i < 40; i++) {
        char key[CHOICES_KEY];
        snprintf(key, sizeof key, "%d%s", i, KEY_A);
        assert_int_equal(choices_find(path, key, &entry, &error), 0);
        assert_in_range(entry.line, 3, 42);
    }
}

static void knobs_there_and_back(void **state)
{
    static const char *const good[] = {"-", "2=1", "14=3,2=-1,43=9223372036854775807"},
                             *const bad[] = {"",
                                             "2",
                                             "2=",
                                             "=1",
                                             "2=1,",
                                             ",2=1",
                                             "2=1 ",
                                             "2=1,3",
                                             "a=1",
                                             "2=1x",
                                             "2= 1",
                                             "99999999999=1",
                                             "2=99999999999999999999"};
    struct knobs knobs, other;
    char text[KNOBS_TEXT], tight[4];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(knobs_parse(good[i], &knobs), 0);
        assert_int_equal(knobs_text(&knobs, text, sizeof text), 0);
        assert_string_equal(text, good[i]);
    }
    assert_int_equal(knobs_text(&knobs, tight, sizeof tight), 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (knobs_parse(bad[i], &other) == 0)
            fail_msg("'%s' was understood", bad[i]);
    assert_int_equal(knobs_parse("14=3,2=-1", &other), 0);
    assert_int_equal(knobs_same(&knobs, &other), 0);
    assert_int_equal(knobs_same(&other, &other), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_again),       cmocka_unit_test(damaged_lines_are_named),
        cmocka_unit_test(two_lines_for_one), cmocka_unit_test(other_formats),
        cmocka_unit_test(no_line_is_lost),   cmocka_unit_test(knobs_there_and_back),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("choices", tests, set_up, tear_down);
}
