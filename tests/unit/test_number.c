/* number.h: what is a number, where it ends, and what is none. */
#include "base/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void whole_numbers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
        const char *rest;
    } good[] = {
        {"0", 0, ""},
        {"128@60", 128, "@60"},
        {"-7", -7, ""},
        {"+7 ", 7, " "},
        {"010", 10, ""}, /* not octal */
        {"0x10", 0, "x10"},
        {"1e3", 1, "e3"},
        {"9223372036854775807", INT64_MAX, ""},
        {"-9223372036854775808", INT64_MIN, ""},
    };
    static const char *const bad[] = {
        "", "x", " 1", "-", "--1", "+-1", "9223372036854775808", "-9223372036854775809"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t value = 42;
        const char *end = NULL;
        if (!number_whole(good[i].text, &value, &end) || value != good[i].value ||
            strcmp(end, good[i].rest) != 0)
            fail_msg("'%s' is read as %lld", good[i].text, (long long)value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t value = 42;
        const char *end = NULL;
        if (number_whole(bad[i], &value, &end) || value != 42 || end != NULL)
            fail_msg("'%s' passes for a whole number", bad[i]);
    }
}

static void real_numbers(void **state)
{
    static const struct {
        const char *text;
        double value;
        const char *rest;
    } good[] = {
        {"0.1x640@60", 0.1, "x640@60"},
        {"5", 5, ""},
        {"-2.5e-3 ", -2.5e-3, " "},
        {".5", .5, ""},
        {"1.", 1, ""},
        {"1e", 1, "e"},
        {"0x640@60", 0, "x640@60"}, /* not 0x640 */
        {"0x1p-1", 0, "x1p-1"},
        {"-0X1", 0, "X1"},
    };
    static const char *const bad[] = {"",     ".",   "e5",     " 1",    "-",     "inf",
                                      "-inf", "nan", "NAN(1)", "1e999", "1e-999"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = 42;
        const char *end = NULL;
        if (!number_real(good[i].text, &value, &end) || value != good[i].value ||
            strcmp(end, good[i].rest) != 0)
            fail_msg("'%s' is read as %g", good[i].text, value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = 42;
        const char *end = NULL;
        if (number_real(bad[i], &value, &end) || value != 42 || end != NULL)
            fail_msg("'%s' passes for a number", bad[i]);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(real_numbers),
    };
    return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}
