/* suggest.h: what is near, what is not, and which of equals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/suggest.h"

#include <string.h>

static const char *const keys[] = {"momentum", "batch",        "batch_max",
                                   "epochs",   "weight_decay", "lr"};
#define KEYS (sizeof keys / sizeof *keys)

static void near_words(void **state)
{
    (void)state;
    assert_string_equal(suggest("momentun", keys, KEYS), "momentum");  /* replace */
    assert_string_equal(suggest("momntum", keys, KEYS), "momentum");   /* insert */
    assert_string_equal(suggest("momenttum", keys, KEYS), "momentum"); /* delete */
    assert_string_equal(suggest("ecpohs", keys, KEYS), "epochs");      /* swap */
    assert_string_equal(suggest("batchmax", keys, KEYS), "batch_max");
    assert_string_equal(suggest("batch", keys, KEYS), "batch");
}

/* A third of the length, rounded up: one edit for 1 to 3 letters, two for 4 to 6, three for 7 to
 * 9. */
static void limit(void **state)
{
    (void)state;
    const char *const three[] = {"abc"}, *const four[] = {"abcd"};
    const char *const six[] = {"abcdef"}, *const seven[] = {"abcdefg"};
    assert_non_null(suggest("abx", three, 1));
    assert_null(suggest("axx", three, 1));
    assert_non_null(suggest("abxx", four, 1));
    assert_null(suggest("axxx", four, 1));
    assert_non_null(suggest("abcdxx", six, 1));
    assert_null(suggest("abcxxx", six, 1));
    assert_non_null(suggest("abcdxxx", seven, 1));
    assert_null(suggest("abcxxxx", seven, 1));
    assert_null(suggest("zzzzzz", keys, KEYS));
}

/* One edit each, and the limit is one: a swap counted as two edits would find nothing. */
static void swap_is_one_edit(void **state)
{
    (void)state;
    const char *const names[] = {"lr"};
    assert_string_equal(suggest("rl", names, 1), "lr");
    const char *const ends[] = {"abc"};
    assert_string_equal(suggest("bac", ends, 1), "abc");
    assert_string_equal(suggest("acb", ends, 1), "abc");
}

static void smallest_wins_then_first(void **state)
{
    (void)state;
    const char *const names[] = {"figure6", "figure7", "figure"};
    assert_ptr_equal(suggest("figure5", names, 2), names[0]);
    const char *const later[] = {"figXXe5", "figure7"};
    assert_ptr_equal(suggest("figure5", later, 2), later[1]);
}

static void edges(void **state)
{
    (void)state;
    const char *const names[] = {"a", ""};
    char huge[1000];
    memset(huge, 'a', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    const char *const long_names[] = {huge, "lr"};
    assert_null(suggest("anything", NULL, 0));
    assert_null(suggest("", keys, KEYS));
    assert_ptr_equal(suggest("", names, 2), names[1]);
    assert_ptr_equal(suggest("a", names, 2), names[0]);
    assert_null(suggest(huge, keys, KEYS));
    assert_string_equal(suggest("lt", long_names, 2), "lr");
}

static void names_in_a_row(void **state)
{
    (void)state;
    char text[SUGGEST_TEXT], name[SUGGEST_TEXT / 4];
    const char *many[10];
    assert_string_equal(suggest_names(text, NULL, 0), "");
    assert_string_equal(suggest_names(text, keys, 1), keys[0]);
    const char *const three[] = {"paper", "small", "quick"};
    assert_string_equal(suggest_names(text, three, 3), "paper, small, quick");
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++)
        many[i] = name;
    suggest_names(text, many, sizeof many / sizeof many[0]);
    assert_int_equal(strlen(text), 3 * (sizeof name - 1) + 2 * 2 + 5);
    assert_string_equal(text + strlen(text) - 6, "n, ...");
}

static void phrases(void **state)
{
    (void)state;
    static const struct {
        const char *word, *otherwise, *phrase;
        char quote;
    } cases[] = {
        {"smal", "remove it", "; did you mean 'small'?", '\''},
        {"zzz", "remove it", "; remove it", '\''},
        {"smal", NULL, "; did you mean 'small'? (There are: paper, small.)", '\''},
        {"zzz", NULL, "; there are: paper, small", '\''},
        {"papr", "x", "; did you mean \"paper\"?", '"'},
    };
    const char *const names[] = {"paper", "small"};
    char text[SUGGEST_TEXT];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(
            suggest_phrase(text, cases[i].word, names, 2, cases[i].quote, cases[i].otherwise),
            cases[i].phrase);
    assert_string_equal(suggest_phrase(text, "x", NULL, 0, '\'', NULL), "; there are: ");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_words),
        cmocka_unit_test(limit),
        cmocka_unit_test(swap_is_one_edit),
        cmocka_unit_test(smallest_wins_then_first),
        cmocka_unit_test(edges),
        cmocka_unit_test(names_in_a_row),
        cmocka_unit_test(phrases),
    };
    return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
