/* One error: what is kept, what is cut, and what stands before and behind it. */
#include "base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void fill(char *text, size_t size, char with)
{
    memset(text, with, size - 1);
    text[size - 1] = '\0';
}

static void set_keeps_code_and_sentence(void **state)
{
    (void)state;
    struct err err = {.code = 99, .text = "old"};
    assert_int_equal(err_set(&err, ERR_INPUT, "%s:%d: %s", "a.exp", 12, "unknown key"), ERR_INPUT);
    assert_int_equal(err.code, ERR_INPUT);
    assert_string_equal(err.text, "a.exp:12: unknown key");
    assert_int_equal(err_set(NULL, ERR_MEMORY, "nobody reads %d", 1), ERR_MEMORY);
}

static void errno_stands_behind(void **state)
{
    (void)state;
    struct err err = {0};
    char wanted[ERR_TEXT];
    snprintf(wanted, sizeof wanted, "cannot open 'x': %s", strerror(ENOENT));
    assert_int_equal(err_errno(&err, ENOENT, "cannot open '%s'", "x"), ERR_IO);
    assert_int_equal(err.code, ERR_IO);
    assert_string_equal(err.text, wanted);
    assert_int_equal(err_errno(NULL, ENOENT, "x"), ERR_IO);
}

static void prefix_stands_before(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_USAGE, "no such figure");
    assert_int_equal(err_prefix(&err, "%s %d", "command", 7), ERR_USAGE);
    assert_string_equal(err.text, "command 7: no such figure");
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_not_equal(err_prefix(NULL, "x"), 0);
}

/* The sentence and whatever is put before or behind it never leave the buffer: a guard lies behind
 * it. */
static void long_sentences_are_cut(void **state)
{
    (void)state;
    struct {
        struct err err;
        char guard[64];
    } box = {.guard = "guard"};
    char text[2 * ERR_TEXT];
    fill(text, sizeof text, 'x');
    err_set(&box.err, ERR_INPUT, "%s", text);
    assert_int_equal(strlen(box.err.text), ERR_TEXT - 1);
    err_errno(&box.err, EIO, "%s", text);
    assert_int_equal(strlen(box.err.text), ERR_TEXT - 1);
    assert_int_equal(box.err.text[ERR_TEXT - 2], 'x');
    assert_int_equal(err_prefix(&box.err, "%s", "path"), ERR_IO);
    assert_int_equal(strlen(box.err.text), ERR_TEXT - 1);
    assert_memory_equal(box.err.text, "path: xxx", 9);
    assert_int_equal(err_prefix(&box.err, "%s", text), ERR_IO);
    assert_int_equal(strlen(box.err.text), ERR_TEXT - 1);
    assert_string_equal(box.guard, "guard");
    /* every length around the end */
    for (size_t length = ERR_TEXT - 40; length < ERR_TEXT + 8; length++) {
        err_errno(&box.err, EIO, "%.*s", (int)length, text);
        assert_true(strlen(box.err.text) < ERR_TEXT);
        err_prefix(&box.err, "%.*s", (int)length, text);
        assert_true(strlen(box.err.text) < ERR_TEXT);
    }
    assert_string_equal(box.guard, "guard");
}

static void sentences_are_one_line(void **state)
{
    (void)state;
    struct err err = {0};
    err_set(&err, ERR_INPUT, "%s: damaged", "a\nfile");
    assert_string_equal(err.text, "a file: damaged");
    err_prefix(&err, "%s", "x\ny");
    assert_string_equal(err.text, "x y: a file: damaged");
    err_errno(&err, EIO, "a\n%s", "b");
    assert_null(strchr(err.text, '\n'));
}

static void codes_are_distinct(void **state)
{
    (void)state;
#define CODE(name, value, meaning) value,
#define MEANING(name, value, meaning) meaning,
    static const int codes[] = {ERR_CODES(CODE)};
    static const char *const meanings[] = {ERR_CODES(MEANING)};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_not_equal(codes[i], 0);
        assert_true(strlen(meanings[i]) > 0);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(codes[i], codes[j]);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_keeps_code_and_sentence), cmocka_unit_test(errno_stands_behind),
        cmocka_unit_test(prefix_stands_before),        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(sentences_are_one_line),      cmocka_unit_test(codes_are_distinct),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
