/* Allocation: zeroed, aligned, and refused where the size overflows or is not to be had. */
#include "base/mem.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void zeroed_and_aligned(void **state)
{
    (void)state;
    struct err err = {0};
    for (size_t count = 0; count < 200; count++) {
        unsigned char *memory = mem_new(count, 3, &err);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % MEM_ALIGN, 0);
        for (size_t i = 0; i < 3 * count; i++)
            assert_int_equal(memory[i], 0);
        memset(memory, 0xff, 3 * count); /* what the next one may be given again */
        mem_free(memory);
    }
    assert_int_equal(err.code, 0);
    mem_free(NULL);
}

static void nothing_is_something(void **state)
{
    (void)state;
    struct err err = {0};
    void *none = mem_new(0, 8, &err), *empty = mem_new(8, 0, &err);
    assert_non_null(none);
    assert_non_null(empty);
    mem_free(none);
    mem_free(empty);
}

static void overflow_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {
        {SIZE_MAX, 2},         {2, SIZE_MAX},
        {SIZE_MAX / 2 + 1, 2}, {(size_t)1 << 33, (size_t)1 << 33},
        {SIZE_MAX, 1},         {SIZE_MAX - MEM_ALIGN + 1, 1},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct err err = {0};
        assert_null(mem_new(sizes[i][0], sizes[i][1], &err));
        assert_int_equal(err.code, ERR_MEMORY);
        assert_non_null(strstr(err.text, "cannot allocate"));
        assert_null(mem_new(sizes[i][0], sizes[i][1], NULL));
    }
}

/* Legal as a number, but no machine has it. */
static void too_much_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    assert_null(mem_new((size_t)1 << 62, 1, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    assert_non_null(strstr(err.text, "out of memory"));
}

static void strings(void **state)
{
    (void)state;
    struct err err = {0};
    const char text[] = "figure5";
    char *copy = mem_string(text, &err), *made = mem_format(&err, "%s/%d-%s", text, 7, "x"),
         *empty = mem_string("", &err);
    assert_string_equal(copy, text);
    assert_ptr_not_equal(copy, text);
    assert_string_equal(made, "figure5/7-x");
    assert_string_equal(empty, "");
    mem_free(copy);
    mem_free(made);
    mem_free(empty);
    char *wide = mem_format(&err, "%5000d", 1);
    assert_int_equal(strlen(wide), 5000);
    mem_free(wide);
}

/* What printf cannot express is an error with a sentence, not a silent NULL. */
static void a_failed_format_says_so(void **state)
{
    (void)state;
    struct err err = {0};
    static const int32_t no_character[] = {0x7fffffff, 0};
    assert_null(mem_format(&err, "%ls", (const wchar_t *)no_character));
    assert_int_not_equal(err.code, 0);
    assert_true(strlen(err.text) > 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zeroed_and_aligned),
        cmocka_unit_test(nothing_is_something),
        cmocka_unit_test(overflow_is_refused),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(strings),
        cmocka_unit_test(a_failed_format_says_so),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
