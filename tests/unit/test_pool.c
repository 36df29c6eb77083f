/* pool.h: every piece once, several callers, and which failure is told. */
#include "data/pool.h"

#include "base/err.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PIECES 300

struct task {
    struct pool *pool;
    int threads;
    _Atomic int done[PIECES], busy[POOL_MAX], bad;
    int64_t fails_from; /* PIECES: never */
};

static int work(void *context, int64_t piece, int thread, struct err *err)
{
    struct task *task = context;
    sigset_t blocked;
    if (thread < 0 || thread >= task->threads || atomic_fetch_add(&task->busy[thread], 1) != 0)
        task->bad = 1;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGINT))
        task->bad = 1;
    if (piece % 7 == 0)
        usleep(200);
    task->done[piece]++;
    atomic_fetch_sub(&task->busy[thread], 1);
    if (piece >= task->fails_from && piece % 3 == 0)
        return err_set(err, ERR_INPUT, "piece %d", (int)piece);
    return 0;
}

static void *call(void *context)
{
    struct task *task = context;
    struct err err = {0};
    if (pool_run(task->pool, PIECES, work, task, &err) != 0)
        task->bad = 1;
    return NULL;
}

static struct pool *pool_of(int threads)
{
    struct err err = {0};
    struct pool *pool;
    if (pool_new(threads, &pool, &err) != 0)
        fail_msg("%s", err.text);
    return pool;
}

static void each_once(void **state)
{
    (void)state;
    for (int threads = 1; threads <= POOL_MAX; threads += 5) {
        struct pool *pool = pool_of(threads);
        struct err err = {0};
        for (int again = 0; again < 3; again++) {
            struct task task = {.pool = pool, .threads = threads, .fails_from = PIECES};
            assert_int_equal(pool_run(pool, PIECES, work, &task, &err), 0);
            for (int i = 0; i < PIECES; i++)
                assert_int_equal(task.done[i], 1);
            assert_int_equal(task.bad, 0);
            assert_int_equal(pool_run(pool, 0, work, &task, &err), 0);
        }
        pool_free(pool);
    }
    pool_free(NULL);
}

/* A thread does one piece at a time, whoever's it is: `busy` is each call's own, so two tasks share
 * the pool and each is done. */
static void several_callers(void **state)
{
    (void)state;
    struct pool *pool = pool_of(3);
    struct task tasks[4];
    pthread_t threads[4];
    memset(tasks, 0, sizeof tasks);
    for (int i = 0; i < 4; i++) {
        tasks[i].pool = pool;
        tasks[i].threads = 3;
        tasks[i].fails_from = PIECES;
        assert_int_equal(pthread_create(&threads[i], NULL, call, &tasks[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(tasks[i].bad, 0);
        for (int k = 0; k < PIECES; k++)
            assert_int_equal(tasks[i].done[k], 1);
    }
    pool_free(pool);
}

/* The lowest failing piece, for any number of threads; all before it are done. */
static void first_failure(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 7; threads += 2) {
        struct pool *pool = pool_of(threads);
        struct task task = {.pool = pool, .threads = threads, .fails_from = 100};
        struct err err = {0};
        assert_int_equal(pool_run(pool, PIECES, work, &task, &err), ERR_INPUT);
        assert_string_equal(err.text, "piece 102");
        for (int i = 0; i <= 102; i++)
            assert_int_equal(task.done[i], 1);
        task.fails_from = PIECES; /* and the pool goes on */
        assert_int_equal(pool_run(pool, PIECES, work, &task, &err), 0);
        pool_free(pool);
    }
}

static void number_of_threads(void **state)
{
    (void)state;
    const char *wrong[] = {"0", "17", "two", "3x", "-1", "1.5"};
    struct err err = {0};
    int threads = 0;
    setenv("REPRO_DECODERS", "5", 1);
    assert_int_equal(pool_threads(&threads, &err), 0);
    assert_int_equal(threads, 5);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        setenv("REPRO_DECODERS", wrong[i], 1);
        assert_int_equal(pool_threads(&threads, &err), ERR_INPUT);
        assert_non_null(strstr(err.text, "REPRO_DECODERS"));
    }
    unsetenv("REPRO_DECODERS");
    assert_int_equal(pool_threads(&threads, &err), 0);
    assert_in_range(threads, 1, POOL_MAX);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_once),
        cmocka_unit_test(several_callers),
        cmocka_unit_test(first_failure),
        cmocka_unit_test(number_of_threads),
    };
    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
