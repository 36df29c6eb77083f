/* A text that grows: what is appended is there, across every growth, and one failure is kept. */
#include "base/text.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void appends(void **state)
{
    (void)state;
    struct err err = {0};
    struct text text = {0};
    char *bytes = NULL;
    text_put(&text, "%s has %d", "a figure", 4);
    text_put_string(&text, " runs");
    text_put_char(&text, '.');
    text_put_bytes(&text, "\0!", 2);
    assert_int_equal(text.size, strlen("a figure has 4 runs.") + 2);
    assert_int_equal(text_take(&text, &bytes, "a sentence", &err), 0);
    assert_memory_equal(bytes, "a figure has 4 runs.\0!", 23);
    assert_null(text.bytes);
    mem_free(bytes);
}

static void empty_is_a_string(void **state)
{
    (void)state;
    struct err err = {0};
    struct text text = {0};
    char *bytes = NULL;
    assert_int_equal(text_take(&text, &bytes, "nothing", &err), 0);
    assert_string_equal(bytes, "");
    mem_free(bytes);
    text_release(&text);
}

static void grows(void **state)
{
    (void)state;
    struct err err = {0};
    struct text text = {0};
    char *bytes = NULL;
    for (int i = 0; i < 5000; i++)
        text_put(&text, "%04d\n", i);
    text_put(&text, "%*s", 100000, "x");
    assert_int_equal(text_take(&text, &bytes, "numbers", &err), 0);
    assert_int_equal(strlen(bytes), 5 * 5000 + 100000);
    assert_memory_equal(bytes + 5 * 4321, "4321\n", 5);
    mem_free(bytes);
}

static void first_failure_is_kept(void **state)
{
    (void)state;
    struct err err = {0};
    struct text text = {0};
    char *bytes = NULL;
    text_put_string(&text, "kept");
    text_put_bytes(&text, "", SIZE_MAX - 2); /* refused before a byte is read */
    text_put_string(&text, " dropped");
    assert_int_equal(text.size, 4);
    assert_int_equal(text_take(&text, &bytes, "a table", &err), ERR_MEMORY);
    assert_string_equal(err.text, "out of memory while writing a table");
    assert_null(bytes);
    assert_null(text.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends),
        cmocka_unit_test(empty_is_a_string),
        cmocka_unit_test(grows),
        cmocka_unit_test(first_failure_is_kept),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
