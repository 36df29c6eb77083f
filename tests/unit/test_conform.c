/* conform.h: what is read from the programs' TAP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/err.h"
#include "lab/conform.h"

#include <string.h>

static void read_lines(struct conform_result *result, const char *const *lines)
{
    struct text pending = {0};
    for (; *lines != NULL; lines++)
        conform_line(result, &pending, *lines);
    text_release(&pending);
}

static void counts(void **state)
{
    static const char *const lines[] = {"1..4",
                                        "# worst relative error 3.0e-07",
                                        "ok 1 - conv_1x1",
                                        "# plain has no net_keep",
                                        "not ok 2 # SKIP slots",
                                        "# plain has no net_keep",
                                        "not ok 3 # SKIP more_slots",
                                        "ERROR: gradients of conv1.bias differ",
                                        "not ok 4 - conv_bias",
                                        "# ../tests/conformance/trial.c:61: error: Failure!",
                                        "# worst 0.5 of 1e-05: gradients of conv1.bias",
                                        "# not ok - ops",
                                        NULL};
    struct conform_result result = {0};
    (void)state;
    read_lines(&result, lines);
    assert_int_equal(result.passed, 1);
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.skipped, 2);
    assert_string_equal(result.reasons.bytes, "plain has no net_keep\n");
    assert_string_equal(result.failures.bytes,
                        "conv_bias: gradients of conv1.bias differ (trial.c:61)\n");
    assert_true(result.error == 0.5 && result.bound == 1e-5);
    assert_string_equal(result.worst, "gradients of conv1.bias");
    conform_release(&result);
}

/* A reason belongs to the test that it stands before. */
static void reasons_of_their_own(void **state)
{
    static const char *const lines[] = {
        "# said by a test that passes", "ok 1 - first",          "not ok 2 - second",
        "# worst inf of 1e-05: logits", "not ok 3 # SKIP third", NULL};
    struct conform_result result = {0};
    (void)state;
    read_lines(&result, lines);
    assert_string_equal(result.failures.bytes, "second: no reason was given\n");
    assert_string_equal(result.reasons.bytes, "no reason was given\n");
    assert_true(result.error > 1e300 && result.bound == 1e-5);
    conform_release(&result);
}

static void a_part_that_is_missing(void **state)
{
    struct conform_result result = {0};
    struct err err = {0};
    size_t count;
    (void)state;
    assert_int_equal(conform_run("/nowhere", conform_parts(&count), &result, &err), ERR_CANNOT_RUN);
    assert_true(count == 11);
    assert_non_null(strstr(err.text, "/nowhere/test_contract: no such program"));
    conform_release(&result);
}

static void left_out(void **state)
{
    struct repro_backend backend = {.struct_size = sizeof backend};
    struct repro_caps caps = {.struct_size = sizeof caps,
                              .ops = ~(1u << REPRO_OP_DROPOUT | 1u << REPRO_OP_CONCAT),
                              .precisions = 1u << REPRO_PRECISION_F32,
                              .optimizers = ~0u,
                              .flags = REPRO_CAPS_ANY_THREADS};
    struct text text = {0};
    (void)state;
    conform_unclaimed(&backend, &caps, &text);
    assert_non_null(strstr(text.bytes, "operations concat, dropout\nprecisions tf32, bf16\n"));
    assert_null(strstr(text.bytes, "optimizers"));
    assert_non_null(strstr(text.bytes, "net_keep: "));
    assert_null(strstr(text.bytes, "REPRO_CAPS_ANY_THREADS"));
    text_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts), cmocka_unit_test(reasons_of_their_own),
        cmocka_unit_test(a_part_that_is_missing), cmocka_unit_test(left_out)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("conform", tests, NULL, NULL);
}
