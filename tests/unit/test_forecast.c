/* What is left to do: by run folders alone, where their logs say how fast training goes. */
#include "lab/forecast.h"
#include "made.h"

#include "base/mem.h"

/* A figure as a training would have it, without a session: the forecast looks at its runs. */
static void open_figure(struct figure *figure, const struct made *made)
{
    struct err err = {0};
    memset(figure, 0, sizeof *figure);
    figure->session.facts = made->facts;
    figure->out = made->scratch.folder;
    figure->first_seed = 1;
    figure->seed_count = 2;
    figure->run_count = 2;
    figure->runs = mem_new(4, sizeof *figure->runs, &err);
    assert_non_null(figure->runs);
    for (size_t s = 0; s < 2; s++)
        for (size_t i = 0; i < 2; i++)
            if (run_init(figure_run(figure, s, i), &made->facts, &made->experiment->runs[i], 1 + s,
                         made->scratch.folder, &err) != 0)
                fail_msg("%s", err.text);
}

static void close_figure(struct figure *figure)
{
    for (size_t i = 0; i < 4; i++)
        run_release(&figure->runs[i]);
    mem_free(figure->runs);
}

static void where_each_run_stands(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct figure figure;
    struct forecast_run left;
    struct facts older = made->facts;
    const char *out = made->scratch.folder;
    snprintf(older.backend.version, sizeof older.backend.version, "0.9");
    made_run(&made->facts, 0, 1, 1, 0.5, out);
    made_run(&made->facts, 1, 1, 0, 0.5, out);
    made_run(&older, 0, 2, 1, 0.5, out);
    open_figure(&figure, made);
    assert_int_equal(store_open(&store, out, &err), 0);

    assert_int_equal(forecast_run(&store, figure_run(&figure, 0, 0), &left, &err), 0);
    assert_string_equal(left.words, "done");
    assert_int_equal(left.updates_left, 0);

    const struct run *begun = figure_run(&figure, 0, 1);
    assert_int_equal(forecast_run(&store, begun, &left, &err), 0);
    assert_string_equal(left.words, "begun, 2 of 4 epochs done");
    assert_int_equal(left.updates_left,
                     begun->schedule.updates - schedule_updates_before(&begun->schedule, 2));

    assert_int_equal(forecast_run(&store, figure_run(&figure, 1, 0), &left, &err), 0);
    assert_string_equal(left.words, "stale: backend.version was 0.9, is 1.0");
    assert_int_equal(left.epochs_left, 4);

    assert_int_equal(forecast_run(&store, figure_run(&figure, 1, 1), &left, &err), 0);
    assert_string_equal(left.words, "not begun");
    store_close(&store);
    close_figure(&figure);
}

/* 50 images/s and 2.5 s an epoch of 100 images leave half a second an epoch for the rest. */
static void logs_say_how_fast(void **state)
{
    struct made *made = *state;
    struct err err = {0};
    struct store store;
    struct figure figure;
    struct forecast_speed speed;
    struct facts other = made->facts;
    other.backend.threads = 1;
    made_run(&made->facts, 0, 1, 1, 0.5, made->scratch.folder);
    made_run(&made->facts, 0, 2, 0, 0.5, made->scratch.folder);
    made_run(&other, 0, 1, 1, 0.5, made->scratch.folder); /* of another pace */
    open_figure(&figure, made);
    assert_int_equal(store_open(&store, made->scratch.folder, &err), 0);
    assert_int_equal(forecast_speed(&figure, &store, &speed, &err), 0);
    assert_float_equal(speed.images_per_second, 50.0, 1e-9);
    assert_float_equal(speed.epoch_overhead, 0.5, 1e-9);
    assert_non_null(strstr(speed.words, "6 epochs in the logs of 2 runs"));
    store_close(&store);
    close_figure(&figure);
}

int main(void)
{
#define MADE(test) cmocka_unit_test_setup_teardown(test, made_setup, made_teardown)
    const struct CMUnitTest tests[] = {
        MADE(where_each_run_stands),
        MADE(logs_say_how_fast),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
