/* names.h: every number has a name, every name its number, and none stands twice. */
#include "backend/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void there_and_back(const char *const *names, int count, const char *(*name)(int),
                           int (*find)(const char *))
{
    for (int i = 1; i <= count; i++) {
        assert_non_null(names[i - 1]);
        assert_ptr_equal(name(i), names[i - 1]);
        assert_int_equal(find(name(i)), i); /* the first of its name */
    }
    assert_string_equal(name(0), "unknown");
    assert_string_equal(name(-1), "unknown");
    assert_string_equal(name(count + 1), "unknown");
    assert_int_equal(find("unknown"), 0);
    assert_int_equal(find(""), 0);
}

static void every_number_has_a_name(void **state)
{
    (void)state;
    there_and_back(precision_names, PRECISION_COUNT, precision_name, precision_find);
    there_and_back(optimizer_names, OPTIMIZER_COUNT, optimizer_name, optimizer_find);
    there_and_back(op_names, REPRO_OP_COUNT, op_name, op_find);
}

/* Results are found again by these: manifests and folders spell them. */
static void the_names(void **state)
{
    (void)state;
    assert_string_equal(precision_name(REPRO_PRECISION_F32), "f32");
    assert_string_equal(precision_name(REPRO_PRECISION_TF32), "tf32");
    assert_string_equal(precision_name(REPRO_PRECISION_BF16), "bf16");
    assert_string_equal(optimizer_name(REPRO_OPTIMIZER_SGD), "sgd");
    assert_string_equal(optimizer_name(REPRO_OPTIMIZER_MOMENTUM), "momentum");
    assert_string_equal(optimizer_name(REPRO_OPTIMIZER_NESTEROV), "nesterov");
    assert_string_equal(optimizer_name(REPRO_OPTIMIZER_ADAM), "adam");
    assert_string_equal(op_name(REPRO_OP_CONV), "conv");
    assert_string_equal(op_name(REPRO_OP_SOFTMAX_CROSS_ENTROPY), "softmax_cross_entropy");
}

static void optimizers_in_words(void **state)
{
    (void)state;
    for (int i = 1; i <= OPTIMIZER_COUNT; i++)
        assert_non_null(optimizer_words(i));
    assert_string_equal(optimizer_words(REPRO_OPTIMIZER_NESTEROV), "SGD with Nesterov momentum");
    assert_string_equal(optimizer_words(0), "unknown");
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_has_a_name),
        cmocka_unit_test(the_names),
        cmocka_unit_test(optimizers_in_words),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
