/* text_json.h: a whole value or a failed text, whatever allocation fails. */
#include "base/text_json.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void whole(void **state)
{
    struct text text = {0};
    struct err err = {0};
    char *bytes = NULL;
    json_t *value = json_pack("{s:i, s:[s, f]}", "b", 1, "a", "x", 0.1);
    (void)state;
    text_put(&text, "> ");
    text_put_json(&text, value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    text_put_char(&text, '\n');
    assert_int_equal(text_take(&text, &bytes, "a test", &err), 0);
    assert_string_equal(bytes, "> {\"a\":[\"x\",0.1],\"b\":1}\n");
    json_decref(value);
    mem_free(bytes);
}

static void no_value(void **state)
{
    struct text text = {0};
    struct err err = {0};
    char *bytes = NULL;
    (void)state;
    text_put_json(&text, NULL, 0);
    assert_int_equal(text_take(&text, &bytes, "a test", &err), ERR_MEMORY);
    assert_null(bytes);
}

static int allocations_left;

static void *scarce(size_t size)
{
    return allocations_left-- == 0 ? NULL : malloc(size);
}

static void out_of_memory(void **state)
{
    json_t *value = json_pack("{s:i, s:[s, f]}", "b", 1, "a", "x", 0.1);
    int code = ERR_MEMORY, failures = 0;
    (void)state;
    json_set_alloc_funcs(scarce, free);
    while (code != 0 && failures < 100) {
        struct text text = {0};
        struct err err = {0};
        char *bytes = NULL;
        allocations_left = failures;
        text_put_json(&text, value, JSON_COMPACT | JSON_SORT_KEYS);
        code = text_take(&text, &bytes, "a test", &err);
        if (code == 0)
            assert_string_equal(bytes, "{\"a\":[\"x\",0.10000000000000001],\"b\":1}");
        else
            failures++;
        mem_free(bytes);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 0 && failures < 100);
    json_decref(value);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(no_value),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests_name("text_json", tests, NULL, NULL);
}
