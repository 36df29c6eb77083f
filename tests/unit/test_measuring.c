/* When a run's noise is measured and what that costs; the file that keeps it. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/measuring.h"
#include "scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct schedule schedule_of(int64_t train_n, int64_t batch, int64_t ghost, int epochs)
{
    struct err err = {0};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = 2,
                                 .lr = 0.1,
                                 .momentum = 0.9,
                                 .train_n = train_n,
                                 .batch = batch,
                                 .ghost = ghost,
                                 .epochs = epochs,
                                 .step_count = 1,
                                 .step_epoch = {epochs / 2},
                                 .factor = {5.0},
                                 .action = {SCHEDULE_GROW_BATCH}};
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

static int64_t times(const struct measuring_plan *plan, const struct schedule *schedule, int epoch)
{
    int64_t count = 0;
    for (int64_t u = 0; u < schedule_at(schedule, epoch)->updates_per_epoch; u++)
        count += measuring_is_due(plan, schedule, epoch, u);
    return count;
}

/* The default is within its share wherever a ghost is a small part of the data. */
static void the_default_is_cheap(void **state)
{
    (void)state;
    static const struct {
        int64_t train_n, ghost;
        int epochs;
        int64_t epochs_between, ghosts;
    } rows[] = {
        {50000, 128, 200, 1, 7},  {12500, 32, 40, 1, 7}, {781, 2, 10, 1, 7},
        {1281167, 256, 90, 1, 8}, {4495, 32, 45, 2, 5},  {1000, 100, 100, 20, 4},
    };
    struct measuring_options options = {.on = 1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct schedule schedule = schedule_of(rows[i].train_n, rows[i].ghost, rows[i].ghost,
                                               rows[i].epochs);
        struct measuring_plan plan = measuring_plan(&options, &schedule);
        assert_int_equal(plan.every, 0);
        assert_int_equal(plan.epochs, rows[i].epochs_between);
        assert_int_equal(plan.ghosts, rows[i].ghosts);
        assert_int_equal(times(&plan, &schedule, 0), 1);
        assert_int_equal(times(&plan, &schedule, 1), plan.epochs == 1);
        /* beyond 2 % only by rounding at the ends of a run */
        assert_true(plan.share <= MEASURING_SHARE * (1.0 + (double)plan.epochs / rows[i].epochs));
        assert_true(plan.share > 0.0);
    }
}

static void as_asked(void **state)
{
    (void)state;
    struct schedule schedule = schedule_of(1000, 10, 10, 4); /* 100 updates, then 20 an epoch */
    struct measuring_options options = {.on = 1, .every = 30, .ghosts = 12};
    struct measuring_plan plan = measuring_plan(&options, &schedule);
    assert_int_equal(plan.ghosts, 12);
    static const int64_t wanted[] = {4, 3, 1, 0}; /* 0 30 60 90, 120 150 180, 210, none to 239 */
    for (int epoch = 0; epoch < 4; epoch++)
        assert_int_equal(times(&plan, &schedule, epoch), wanted[epoch]);
    assert_true(fabs(plan.share - 8.0 * 12.0 * 10.0 / 4000.0) < 1e-12);
    options.every = 0;
    plan = measuring_plan(&options, &schedule); /* 12 ghosts are 12 % of an epoch */
    assert_int_equal(plan.epochs, 6);
    assert_int_equal(plan.ghosts, 12);
}

static void the_file(void **state)
{
    (void)state;
    struct scratch scratch;
    struct err err = {0};
    struct noiselog log = {0}, again = {0};
    assert_int_equal(scratch_make(&scratch), 0);
    const char *path = scratch_path(&scratch, "noise.tsv");
    struct noiselog_row row = {.epoch = 3,
                               .updates = 1170,
                               .lr = 0.1,
                               .batch = 128,
                               .momentum = 0.9,
                               .noise_scale = 389.625,
                               .noise = {128, 7, 1, -1.5e-4, 0.8125, 0.25, 0.5, 0.03125},
                               .simple = INFINITY,
                               .interval = {125.5, INFINITY},
                               .fluctuation = 0.0625};
    assert_int_equal(noiselog_append(&log, &row, &err), 0);
    row.epoch = 4;
    assert_int_equal(noiselog_append(&log, &row, &err), 0);
    assert_int_equal(noiselog_write(&log, path, &err), 0);
    if (noiselog_read(&again, path, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(again.count, 2);
    assert_int_equal(again.rows[1].epoch, 4);
    row.epoch = 3;
    assert_memory_equal(&again.rows[0].noise, &row.noise, sizeof row.noise);
    assert_true(isinf(again.rows[0].simple) && again.rows[0].interval.low == 125.5);
    noiselog_release(&again);

    char *text;
    size_t size;
    static const char *const damages[] = {"\tinf\t", "1170", "-0.00015"};
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        assert_int_equal(file_read(path, 1 << 20, &text, &size, &err), 0);
        char *at = strstr(text, damages[i]);
        assert_non_null(at);
        at[1] = 'x';
        assert_int_equal(file_replace(path, text, size, &err), 0);
        assert_int_equal(noiselog_read(&again, path, &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "noise.tsv:2: damaged line"));
        mem_free(text);
        assert_int_equal(noiselog_write(&log, path, &err), 0);
    }
    assert_int_equal(file_replace(path, "epoch\n", 6, &err), 0);
    assert_int_equal(noiselog_read(&again, path, &err), ERR_INPUT);
    noiselog_release(&log);
    assert_int_equal(scratch_remove(&scratch), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_is_cheap),
        cmocka_unit_test(as_asked),
        cmocka_unit_test(the_file),
    };
    return cmocka_run_group_tests_name("measuring", tests, NULL, NULL);
}
