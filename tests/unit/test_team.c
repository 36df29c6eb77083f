/* A team's promises: every place and every index once, whoever runs it, however many there are. */
#include "cpu/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 7

static struct team *team_of(int32_t threads)
{
    struct team *team = NULL;
    struct repro_error err = {0};
    assert_int_equal(team_new(threads, &team, &err), 0);
    team_bind(team);
    return team;
}

struct places {
    atomic_int runs[MOST], wrong;
    int32_t size;
};

static void count_place(void *context)
{
    struct places *places = context;
    if (team_size() != places->size || team_place() < 0 || team_place() >= places->size)
        atomic_fetch_add(&places->wrong, 1);
    else
        atomic_fetch_add(&places->runs[team_place()], 1);
}

static void every_place_runs_once(void **state)
{
    (void)state;
    for (int32_t threads = 1; threads <= MOST; threads++) {
        struct team *team = team_of(threads);
        for (int32_t asked = 1; asked <= MOST; asked++) {
            struct places places = {.size = asked < threads ? asked : threads};
            for (int i = 0; i < 200; i++)
                team_run(asked, count_place, &places);
            assert_int_equal(places.wrong, 0);
            for (int32_t k = 0; k < MOST; k++)
                assert_int_equal(places.runs[k], k < places.size ? 200 : 0);
        }
        assert_int_equal(team_size(), 1);
        assert_int_equal(team_place(), 0);
        team_free(team);
        assert_int_equal(team_threads(), 1);
    }
}

/* Places that need each other: none passes a barrier before all have come. */
struct rounds {
    atomic_int come, wrong;
};

static void meet(void *context)
{
    struct rounds *rounds = context;
    for (int i = 1; i <= 50; i++) {
        atomic_fetch_add(&rounds->come, 1);
        team_barrier();
        if (atomic_load(&rounds->come) != i * team_size())
            atomic_fetch_add(&rounds->wrong, 1);
        team_barrier();
    }
}

static void nobody_passes_a_barrier_alone(void **state)
{
    (void)state;
    for (int32_t threads = 2; threads <= MOST; threads++) {
        struct team *team = team_of(threads);
        struct rounds rounds = {0};
        team_run(threads, meet, &rounds);
        assert_int_equal(rounds.come, 50 * threads);
        assert_int_equal(rounds.wrong, 0);
        team_free(team);
    }
}

struct indices {
    atomic_int seen[1000];
    atomic_int inside[MOST], wrong;
};

/* No two at once are the same place: it names scratch memory. */
static void see(void *context, int64_t i, int32_t place)
{
    struct indices *indices = context;
    if (atomic_fetch_add(&indices->inside[place], 1) != 0)
        atomic_fetch_add(&indices->wrong, 1);
    atomic_fetch_add(&indices->seen[i], 1);
    atomic_fetch_sub(&indices->inside[place], 1);
}

static void a_loop_takes_every_index_once(void **state)
{
    static const int64_t counts[] = {0, 1, 2, 3, 5, 8, 13, 64, 65, 1000};
    (void)state;
    for (int32_t threads = 1; threads <= MOST; threads++) {
        struct team *team = team_of(threads);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int32_t asked = 1; asked <= MOST; asked += 2) {
                struct indices indices = {0};
                team_for(asked, counts[c], see, &indices);
                assert_int_equal(indices.wrong, 0);
                for (int64_t i = 0; i < 1000; i++)
                    assert_int_equal(indices.seen[i], i < counts[c]);
            }
        team_free(team);
    }
}

static void nested(void *context)
{
    struct places *inner = context;
    team_run(MOST, count_place, inner);
}

/* A region within a region has one place, and gives the outer one back. */
static void a_region_within_a_region_is_one_place(void **state)
{
    (void)state;
    struct team *team = team_of(4);
    struct places inner = {.size = 1};
    team_run(4, nested, &inner);
    assert_int_equal(inner.wrong, 0);
    assert_int_equal(inner.runs[0], 4);
    assert_int_equal(team_regions(team), 1);
    team_free(team);
}

/* In two halves, as code of older compilers does it. */
static void halves_make_a_whole(void **state)
{
    (void)state;
    for (int32_t threads = 1; threads <= MOST; threads++) {
        struct team *team = team_of(threads);
        struct places places = {.size = threads};
        for (int i = 0; i < 200; i++) {
            team_begin(MOST, count_place, &places);
            count_place(&places);
            team_end();
        }
        assert_int_equal(places.wrong, 0);
        for (int32_t k = 0; k < threads; k++)
            assert_int_equal(places.runs[k], 200);
        assert_int_equal(team_size(), 1);
        team_free(team);
    }
}

static void without_a_team_there_is_one_place(void **state)
{
    (void)state;
    struct places places = {.size = 1};
    team_bind(NULL);
    team_run(MOST, count_place, &places);
    assert_int_equal(places.wrong, 0);
    assert_int_equal(places.runs[0], 1);
    struct indices indices = {0};
    team_for(MOST, 100, see, &indices);
    for (int64_t i = 0; i < 100; i++)
        assert_int_equal(indices.seen[i], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_runs_once),
        cmocka_unit_test(nobody_passes_a_barrier_alone),
        cmocka_unit_test(a_loop_takes_every_index_once),
        cmocka_unit_test(a_region_within_a_region_is_one_place),
        cmocka_unit_test(halves_make_a_whole),
        cmocka_unit_test(without_a_team_there_is_one_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
