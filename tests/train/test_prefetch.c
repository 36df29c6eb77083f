/* Rows made ahead: the same as made in place, in the order of the schedule, from any place on. */
#include "train/prefetch.h"

#include "base/err.h"
#include "data/batch.h"
#include "fixture.h"
#include "train/reduction.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED 3
#define IMAGE_BYTES (8 * 8 * 3)

static struct prefetch *start(const struct schedule *schedule, int64_t micro)
{
    struct prefetch *ahead = NULL;
    struct err err = {0};
    if (prefetch_new(&fixture.data, schedule, SEED, micro, &ahead, &err) != 0)
        fail_msg("%s", err.text);
    return ahead;
}

/* Takes a place and compares it with what batch_order() and batch_train() say. */
static void check(struct prefetch *ahead, const struct schedule *schedule, int64_t micro, struct prefetch_place place)
{
    const struct phase *phase = schedule_at(schedule, place.epoch);
    struct row_span span = reduction_rows(phase->batch, micro, place.micro);
    int64_t order[FIXTURE_TRAIN_N];
    uint8_t pixels[FIXTURE_TRAIN_N * IMAGE_BYTES];
    int32_t labels[FIXTURE_TRAIN_N];
    batch_order(SEED, (uint32_t)place.epoch, FIXTURE_TRAIN_N, order);
    const int64_t *image = order + place.update * phase->batch + span.first;
    batch_train(&fixture.data, SEED, (uint32_t)place.epoch, image, span.count, pixels, labels);
    const struct prefetch_rows *rows = prefetch_take(ahead, place);
    assert_int_equal(rows->count, span.count);
    assert_memory_equal(rows->image, image, (size_t)span.count * sizeof *image);
    assert_memory_equal(rows->labels, labels, (size_t)span.count * sizeof *labels);
    assert_memory_equal(rows->pixels, pixels, (size_t)span.count * IMAGE_BYTES);
}

/* From a place to the end of the run; returns the micros taken. */
static int walk(struct prefetch *ahead, const struct schedule *schedule, int64_t micro, struct prefetch_place place)
{
    int taken = 0;
    for (; place.epoch < schedule->epochs; place.epoch++, place.update = 0) {
        const struct phase *phase = schedule_at(schedule, place.epoch);
        for (; place.update < phase->updates_per_epoch; place.update++, place.micro = 0)
            for (; place.micro < reduction_micros(phase->batch, micro); place.micro++, taken++)
                check(ahead, schedule, micro, place);
    }
    return taken;
}

/* B = 8 then 16 of micros of 4, over an epoch's border and a batch that grows. */
static void whole_run(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct prefetch *ahead = start(&schedule, 4);
    assert_int_equal(walk(ahead, &schedule, 4, (struct prefetch_place){0, 0, 0}), 9 * 2 + 4 * 4);
    prefetch_free(ahead);
}

/* The last micro of a batch is shorter. */
static void ragged_micros(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 20, 0);
    struct prefetch *ahead = start(&schedule, 16);
    walk(ahead, &schedule, 16, (struct prefetch_place){0, 0, 0});
    prefetch_free(ahead);
}

/* Any place may come next: forwards, backwards, the same again, and behind the end of the run. */
static void begins_again_anywhere(void **state)
{
    static const struct prefetch_place places[] = {{1, 2, 3}, {0, 0, 0}, {0, 0, 0}, {0, 0, 1}, {1, 3, 3}, {0, 8, 1}, {1, 0, 0}};
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct prefetch *ahead = start(&schedule, 4);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            check(ahead, &schedule, 4, places[i]);
    walk(ahead, &schedule, 4, (struct prefetch_place){0, 5, 1});
    walk(ahead, &schedule, 4, (struct prefetch_place){1, 1, 2});
    prefetch_free(ahead);
}

/* What was taken stays as it is until the next take, however far the thread runs ahead. */
static void taken_rows_stay(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    for (int round = 0; round < 50; round++) {
        struct prefetch *ahead = start(&schedule, 4);
        const struct prefetch_rows *rows = prefetch_take(ahead, (struct prefetch_place){0, 0, 0});
        uint8_t pixels[4 * IMAGE_BYTES];
        memcpy(pixels, rows->pixels, sizeof pixels);
        struct prefetch *other = start(&schedule, 4);
        walk(other, &schedule, 4, (struct prefetch_place){0, 0, 0}); /* time for the first to fill up */
        prefetch_free(other);
        assert_memory_equal(rows->pixels, pixels, sizeof pixels);
        check(ahead, &schedule, 4, (struct prefetch_place){0, 0, 1});
        prefetch_free(ahead);
    }
}

/* Ended while it waits, while it works, and before it was asked for anything. */
static void ends_at_any_time(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    for (int64_t taken = 0; taken < 100; taken++) {
        struct prefetch *ahead = start(&schedule, 4);
        for (int64_t i = 0; i < taken % 6; i++)
            prefetch_take(ahead, (struct prefetch_place){0, i / 2, i % 2});
        prefetch_free(ahead);
    }
    prefetch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_run), cmocka_unit_test(ragged_micros), cmocka_unit_test(begins_again_anywhere),
        cmocka_unit_test(taken_rows_stay), cmocka_unit_test(ends_at_any_time),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("prefetch", tests, fixture_open, fixture_close);
}
