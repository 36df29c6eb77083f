/* Which fields of two identities differ. */
#include "results/difference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct difference list[DIFFERENCE_MAX];

static size_t find(const char *was, const char *now)
{
    json_t *a = json_loads(was, JSON_DECODE_ANY, NULL), *b = json_loads(now, JSON_DECODE_ANY, NULL);
    assert_true(a != NULL && b != NULL);
    memset(list, 0, sizeof list);
    size_t count = difference_find(a, b, list);
    json_decref(a);
    json_decref(b);
    return count;
}

static void the_same(void **state)
{
    (void)state;
    assert_int_equal(find("{}", "{}"), 0);
    assert_int_equal(
        find("{\"a\": [1, {\"b\": \"c\"}], \"d\": 2}", "{\"d\": 2.0, \"a\": [1, {\"b\": \"c\"}]}"),
        0);
    /* What twelve digits cannot tell apart, and what they can. */
    assert_int_equal(find("{\"lr\": 0.0333333333333}", "{\"lr\": 0.033333333333333333}"), 0);
    assert_int_equal(find("{\"lr\": 0.0333333333}", "{\"lr\": 0.033333333333333333}"), 1);
    assert_int_equal(find("{\"lr\": 0}", "{\"lr\": 0.0}"), 0);
}

static void paths_and_values(void **state)
{
    (void)state;
    assert_int_equal(find("{\"o\": {\"wd\": 0.0005, \"name\": \"sgd\"}, \"phases\": [{\"batch\": "
                          "128}, {\"batch\": 640}]}",
                          "{\"o\": {\"wd\": 0.001, \"name\": \"sgd\"}, \"phases\": [{\"batch\": "
                          "128}, {\"batch\": 320}]}"),
                     2);
    assert_string_equal(list[0].path, "o.wd");
    assert_string_equal(list[0].was, "0.0005");
    assert_string_equal(list[0].now, "0.001");
    assert_string_equal(list[1].path, "phases[1].batch");
    assert_string_equal(list[1].was, "640");
    assert_string_equal(list[1].now, "320");
}

static void what_one_side_lacks(void **state)
{
    (void)state;
    assert_int_equal(find("{\"a\": [1]}", "{\"a\": [1, 2], \"c\": {\"k\": \"v\"}}"), 2);
    assert_string_equal(list[0].path, "a[1]");
    assert_string_equal(list[0].was, "nothing");
    assert_string_equal(list[0].now, "2");
    assert_string_equal(list[1].now, "{\"k\":\"v\"}");
    assert_int_equal(find("{\"a\": true}", "{}"), 1);
    assert_string_equal(list[0].now, "nothing");
    assert_int_equal(find("{\"a\": 1}", "{\"a\": \"1\"}"), 1);
}

static void more_than_fit(void **state)
{
    (void)state;
    char was[2048] = "[", now[2048] = "[";
    for (int i = 0; i < 100; i++) {
        strcat(was, i == 0 ? "1" : ",1");
        strcat(now, i == 0 ? "2" : ",2");
    }
    assert_int_equal(find(strcat(was, "]"), strcat(now, "]")), 100);
    assert_string_equal(list[DIFFERENCE_MAX - 1].path, "[31]");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same), cmocka_unit_test(paths_and_values),
        cmocka_unit_test(what_one_side_lacks), cmocka_unit_test(more_than_fit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
