/* Characters out of bytes: every length, every first byte that is none, what RFC 3629 forbids. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void lengths(void **state)
{
    (void)state;
    const char *at = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    const char *end = at + 10;
    assert_int_equal(utf8_next(&at), 'a');
    assert_int_equal(utf8_next(&at), 0xe9);
    assert_int_equal(utf8_next(&at), 0x20ac);
    assert_int_equal(utf8_next(&at), 0x1f600);
    assert_ptr_equal(at, end);
    assert_int_equal(utf8_next(&at), 0);
    assert_ptr_equal(at, end);
}

/* The first and the last of each length. */
static void bounds(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t character;
    } all[] = {{"\x01", 1},
               {"\x7f", 0x7f},
               {"\xc2\x80", 0x80},
               {"\xdf\xbf", 0x7ff},
               {"\xe0\xa0\x80", 0x800},
               {"\xed\x9f\xbf", 0xd7ff},
               {"\xee\x80\x80", 0xe000},
               {"\xef\xbf\xbf", 0xffff},
               {"\xf0\x90\x80\x80", 0x10000},
               {"\xf4\x8f\xbf\xbf", 0x10ffff}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *at = all[i].bytes;
        assert_int_equal(utf8_next(&at), all[i].character);
        assert_int_equal(*at, 0);
    }
}

/* Each is no character: its first byte reads as a replacement, alone. */
static void invalid(void **state)
{
    (void)state;
    static const char *const all[] = {
        "\x80",             /* a continuation */
        "\xc3",             /* cut off */
        "\xe2\x82",         /* cut off later */
        "\xf0\x9f\x98",     /* and later */
        "\xc3(",            /* no continuation */
        "\xc0\xaf",         /* overlong '/' */
        "\xe0\x80\xaf",     /* overlong again */
        "\xf0\x80\x80\xaf", /* and again */
        "\xed\xa0\x80",     /* a surrogate */
        "\xf4\x90\x80\x80", /* above the last */
        "\xff",             /* never */
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *at = all[i];
        assert_int_equal(utf8_next(&at), UTF8_REPLACEMENT);
        assert_ptr_equal(at, all[i] + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(bounds),
        cmocka_unit_test(invalid),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
