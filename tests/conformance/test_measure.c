/* What a backend measures of itself for `repro bench`, where it does: its clock, its device's
 * rates, bytes and launches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void need(int present, const char *name)
{
    subject_need();
    if (present)
        return;
    print_message("# %s has no %s\n", subject.name, name);
    skip();
}

static void start(struct trial *trial)
{
    trial_of_name(trial, "wrn-10-1", 32, 10, 4, 2);
    trial_fill(trial, 1);
    trial_load(trial, trial->compiled);
}

static void step(struct trial *trial)
{
    subject_zero(trial->compiled);
    subject_forward(trial->compiled, &trial->rows);
    subject_backward(trial->compiled, 0.25);
}

static int64_t take_marks(struct trial *trial, double *seconds, int64_t capacity)
{
    struct repro_error error = {0};
    int64_t count = -1;
    subject_done(subject.backend.net_marks(trial->compiled, seconds, capacity, &count, &error),
                 &error);
    return count;
}

static void mark(struct trial *trial)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_mark(trial->compiled, &error), &error);
}

/* Work between two marks takes time, none takes next to none; marks are forgotten once they are
 * read. */
static void marks(void **state)
{
    struct trial trial;
    double seconds[4] = {-1.0, -1.0, -1.0, -1.0};
    (void)state;
    need(subject.backend.net_mark != NULL, "net_mark");
    start(&trial);
    step(&trial); /* what is made at first use */
    assert_int_equal(take_marks(&trial, seconds, 4), 0);
    for (int round = 0; round < 2; round++) {
        mark(&trial);
        mark(&trial);
        for (int i = 0; i < 5; i++)
            step(&trial);
        mark(&trial);
        seconds[3] = -1.0;
        assert_int_equal(take_marks(&trial, seconds, 4), 3);
        assert_true(seconds[0] == 0.0 && seconds[1] >= 0.0 && seconds[2] > 2.0 * seconds[1]);
        assert_true(seconds[3] == -1.0);
    }
    assert_int_equal(take_marks(&trial, seconds, 4), 0);
    trial_end(&trial);
}

/* REPRO_MARKS fit, one more is refused and changes nothing; a small receiver gets the first
 * ones. */
static void marks_are_so_many(void **state)
{
    static double seconds[REPRO_MARKS + 1];
    struct trial trial;
    struct repro_error error = {0};
    (void)state;
    need(subject.backend.net_mark != NULL, "net_mark");
    start(&trial);
    for (int i = 0; i < REPRO_MARKS; i++)
        mark(&trial);
    assert_int_equal(subject.backend.net_mark(trial.compiled, &error), REPRO_ARGUMENT);
    assert_non_null(strstr(error.text, "1024 marks"));
    assert_int_equal(take_marks(&trial, seconds, REPRO_MARKS + 1), REPRO_MARKS);
    for (int i = 1; i < REPRO_MARKS; i++)
        assert_true(seconds[i] >= seconds[i - 1]);
    mark(&trial);
    mark(&trial);
    seconds[1] = -1.0;
    assert_int_equal(take_marks(&trial, seconds, 1), 1);
    assert_true(seconds[0] == 0.0 && seconds[1] == -1.0);
    assert_int_equal(take_marks(&trial, seconds, 4), 0);
    trial_end(&trial);
}

static void rates(void **state)
{
    struct repro_error error = {0};
    (void)state;
    need(subject.backend.device_rates != NULL, "device_rates");
    for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++) {
        struct repro_rates rates = {.struct_size = sizeof rates};
        if (!(subject.caps.precisions >> precision & 1))
            continue;
        subject_done(subject.backend.device_rates(subject.device, precision, &rates, &error),
                     &error);
        print_message("# %s: %.3g TFLOP/s in products, %.4g GB/s in copies\n",
                      precision == REPRO_PRECISION_BF16   ? "bf16"
                      : precision == REPRO_PRECISION_TF32 ? "tf32"
                                                          : "f32",
                      1e-12 * rates.flops, 1e-9 * rates.bytes);
        assert_true(rates.flops > 1e6 && rates.flops < 1e17);
        assert_true(rates.bytes > 1e6 && rates.bytes < 1e15);
    }
    struct repro_rates small = {.struct_size = 16, .flops = -1.0, .bytes = -1.0};
    subject_done(subject.backend.device_rates(subject.device, REPRO_PRECISION_F32, &small, &error),
                 &error);
    assert_true(small.flops > 0.0 && small.bytes == -1.0); /* beyond the caller's size */
    assert_int_equal(subject.backend.device_rates(subject.device, 99, &small, &error),
                     REPRO_UNSUPPORTED);
}

static struct repro_profile profile_of(struct trial *trial, int steps)
{
    struct repro_profile profile = {.struct_size = sizeof profile};
    struct repro_error error = {0};
    for (int i = 0; i < steps; i++)
        step(trial);
    subject_done(subject.backend.net_profile(trial->compiled, &profile, &error), &error);
    return profile;
}

/* Nothing before the first call; then bytes that hold every convolution's tensors, and twice as
 * many for two steps. */
static void bytes_and_launches(void **state)
{
    struct trial trial;
    (void)state;
    need(subject.backend.net_profile != NULL, "net_profile");
    start(&trial);
    struct repro_profile none = profile_of(&trial, 1), one = profile_of(&trial, 1),
                         two = profile_of(&trial, 2);
    double least = 0.0;
    const struct repro_graph *graph = &trial.net.graph;
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == REPRO_OP_CONV)
            least += 4.0 * 4.0 * graph->nodes[i].channels * graph->nodes[i].height *
                     graph->nodes[i].width;
    if (one.launches == 0 && one.forward_bytes[REPRO_OP_CONV] == 0.0) {
        trial_end(&trial);
        need(0, "count of bytes and launches");
    }
    assert_true(none.launches == 0 && none.forward_bytes[REPRO_OP_CONV] == 0.0);
    assert_true(one.forward_bytes[REPRO_OP_CONV] >= 2.0 * least * 0.9 &&
                one.forward_bytes[REPRO_OP_CONV] < 10.0 * least);
    assert_true(one.backward_bytes[REPRO_OP_CONV] > one.forward_bytes[REPRO_OP_CONV]);
    /* ten convolutions and more, three passes but one */
    assert_true(one.launches >= 3 * 10 && one.launches < 1000);
    assert_int_equal(two.launches, 2 * one.launches);
    for (int op = 0; op < REPRO_PROFILE_OPS; op++) {
        assert_true(two.forward_bytes[op] == 2.0 * one.forward_bytes[op]);
        assert_true(two.backward_bytes[op] == 2.0 * one.backward_bytes[op]);
    }
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(marks), cmocka_unit_test(marks_are_so_many),
                                       cmocka_unit_test(rates),
                                       cmocka_unit_test(bytes_and_launches)};
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("measure", tests, subject_open, subject_close);
}
