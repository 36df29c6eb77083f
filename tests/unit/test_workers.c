/* What a run takes among more workers: by the formula where it is one, by the walk elsewhere. */
#include "lab/workers.h"

#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SPEED 1000.0   /* images/s */
#define MESSAGE 0.0625 /* seconds: 1/32 + 1e6 bytes at 32e6 a second */
#define NEAR 1e-12

static const struct workers_model model = {
    .speed = SPEED,
    .evaluation = 8.0,
    .rest = 0.5,
    .link = {.bandwidth = 32e6, .latency = 0.03125},
    .message = 1000000,
    .micro = 16,
    .groups = 8,
    .test_micros = 20,
};

/* Two epochs of 4 updates of 64 rows and two of 2 updates of 128. */
static struct schedule schedule(void)
{
    return (struct schedule){
        .train_n = 256,
        .ghost = 16,
        .epochs = 4,
        .phase_count = 2,
        .phase =
            {{.epochs = 2, .batch = 64, .updates_per_epoch = 4, .last_rows = 64, .updates = 8},
             {.epochs = 2, .batch = 128, .updates_per_epoch = 2, .last_rows = 128, .updates = 4}},
        .updates = 12};
}

static double update(int64_t rows, int workers, double *compute)
{
    double clock[WORKERS_MAX];
    struct schedule of = schedule();
    return workers_update(&model, &of, rows, workers, clock, compute);
}

static void powers_of_two_are_the_formula(void **state)
{
    (void)state;
    for (int log = 0; log <= 3; log++) {
        int workers = 1 << log;
        double compute, seconds = update(128, workers, &compute);
        assert_true(fabs(compute - 128 / SPEED / workers) < NEAR);
        assert_true(fabs(seconds - (128 / SPEED / workers + 2 * log * MESSAGE)) < NEAR);
    }
}

/* Three workers of eight groups have (0 1), (2 3 4) and (5 6 7) of the tree ((01)(23))((45)(67)).
 * The second has 2, 3 and 4 when it waits for (0 1), the third 5, 6 and 7 when it waits for 4; then
 * (0 1 2 3) comes. */
static void other_numbers_follow_the_walk(void **state)
{
    (void)state;
    double compute, seconds = update(128, 3, &compute);
    assert_true(fabs(compute - 48 / SPEED) < NEAR);
    assert_true(fabs(seconds - (48 / SPEED + (3 + 2) * MESSAGE)) < NEAR);
}

/* More than there are groups add only rounds in which the total is told. */
static void more_than_have_work_cost_their_rounds(void **state)
{
    (void)state;
    double compute, at_four = update(64, 4, &compute), more = update(64, 64, &compute);
    struct schedule of = schedule();
    assert_int_equal(workers_useful(&model, &of, 64), 4);
    assert_int_equal(workers_useful(&model, &of, 128), 8);
    assert_int_equal(workers_useful(&model, &of, 1024), 8);
    assert_true(fabs(compute - 16 / SPEED) < NEAR);
    assert_true(fabs(more - at_four - 4 * MESSAGE) < NEAR);
}

static void a_run_is_its_updates_and_epochs(void **state)
{
    (void)state;
    struct err err = {0};
    struct schedule of = schedule();
    struct workers_time time;
    assert_int_equal(workers_run(&model, &of, 1, &time, &err), 0);
    assert_true(fabs(time.seconds - (4 * 256 / SPEED + 4 * 8.5)) < NEAR);
    assert_true(time.messages == 0.0);

    assert_int_equal(workers_run(&model, &of, 8, &time, &err), 0);
    double updates = 8 * (16 / SPEED + MESSAGE * 5) + 4 * (16 / SPEED + MESSAGE * 6);
    /* of 64 rows four workers of eight have work: two rounds up, three down */
    assert_true(fabs(time.seconds - (updates + 4 * (8.0 * 3 / 20 + 0.5))) < 1e-9);
    assert_true(fabs(time.messages - MESSAGE * (8 * 5 + 4 * 6)) < 1e-9);
}

/* As many groups as workers: no sum is waited for within a share. */
static void groups_may_follow_the_workers(void **state)
{
    (void)state;
    double clock[WORKERS_MAX], compute;
    struct schedule of = schedule();
    struct workers_model finer = model;
    finer.groups = 0;
    double seconds = workers_update(&finer, &of, 128, 3, clock, &compute);
    assert_true(fabs(compute - 48 / SPEED) < NEAR);
    assert_true(fabs(seconds - (48 / SPEED + 4 * MESSAGE)) < NEAR);
    assert_int_equal(workers_useful(&finer, &of, 1024), 64);
}

/* A kept last batch has fewer rows. */
static void a_last_batch_is_shorter(void **state)
{
    (void)state;
    struct err err = {0};
    struct schedule of = schedule();
    struct workers_time whole, less;
    of.phase_count = 1;
    assert_int_equal(workers_run(&model, &of, 2, &whole, &err), 0);
    of.phase[0].last_rows = 32;
    assert_int_equal(workers_run(&model, &of, 2, &less, &err), 0);
    assert_true(fabs(whole.seconds - less.seconds - 2 * 16 / SPEED) < NEAR);
}

static void links_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    struct workers_link link;
    assert_int_equal(workers_link_parse("25GB/s,2us", &link, &err), 0);
    assert_true(link.bandwidth == 25e9 && fabs(link.latency - 2e-6) < 1e-18);
    assert_int_equal(workers_link_parse("10Gbit/s,0.5ms", &link, &err), 0);
    assert_true(link.bandwidth == 1.25e9 && fabs(link.latency - 5e-4) < 1e-15);
    static const char *const wrong[] = {"",           "25GB/s",     "25,2us",      "25GB/s,2",
                                        "0GB/s,2us",  "-1GB/s,2us", "25GB/s,-2us", "25GB/s,2usx",
                                        "25TB/s,2us", "25GB/s2us",  ",2us",        "25GB/s,"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(workers_link_parse(wrong[i], &link, &err), ERR_USAGE);
        assert_non_null(strstr(err.text, "25GB/s,2us"));
        assert_true(link.bandwidth == 1.25e9);
    }
}

static void lists_are_read(void **state)
{
    (void)state;
    struct err err = {0};
    int list[WORKERS_LIST_MAX];
    size_t count = 0;
    assert_int_equal(workers_list_parse("1,8,64,4096", list, &count, &err), 0);
    assert_int_equal(count, 4);
    assert_int_equal(list[3], 4096);
    static const char *const wrong[] = {"",
                                        "0",
                                        "1,",
                                        "8,1",
                                        "1,1",
                                        "1 8",
                                        "4097",
                                        "1,8x",
                                        "-1",
                                        "1.5",
                                        "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(workers_list_parse(wrong[i], list, &count, &err), ERR_USAGE);
        assert_int_equal(count, 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(powers_of_two_are_the_formula),
        cmocka_unit_test(other_numbers_follow_the_walk),
        cmocka_unit_test(more_than_have_work_cost_their_rounds),
        cmocka_unit_test(a_run_is_its_updates_and_epochs),
        cmocka_unit_test(groups_may_follow_the_workers),
        cmocka_unit_test(a_last_batch_is_shorter),
        cmocka_unit_test(links_are_read),
        cmocka_unit_test(lists_are_read),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
