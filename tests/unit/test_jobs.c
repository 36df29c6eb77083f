/* Work side by side: what begins when, how much at once, and what a failure leaves undone. */
#include "base/err.h"
#include "base/jobs.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MAX 64

/* What the work did, under the lock. */
struct record {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t begun, ended, most;            /* most: under way at once */
    size_t told, order[MAX], worker[MAX]; /* order: as told; worker: by number */
    int busy[MAX], over[MAX], together[MAX];
    size_t meet; /* work waits until so many are under way, or have been */
    int codes[MAX];
    /* this piece ends only after another has failed; MAX: none */
    size_t wait_for_failure;
    int failed, signals; /* signals: a worker's mask let one through */
    pthread_t caller, thread[MAX];
    const size_t *follows;
    int followed_early;
};

static int work(void *context, size_t job, size_t worker, struct err *err)
{
    struct record *record = context;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    pthread_mutex_lock(&record->lock);
    record->signals |= !sigismember(&mask, SIGINT) || !sigismember(&mask, SIGTERM);
    record->begun++;
    record->worker[job] = worker;
    record->thread[job] = pthread_self();
    record->together[worker] |= record->busy[worker];
    record->busy[worker] = 1;
    size_t under_way = record->begun - record->ended;
    record->most = under_way > record->most ? under_way : record->most;
    if (record->follows != NULL && record->follows[job] != job &&
        !record->over[record->follows[job]])
        record->followed_early = 1;
    pthread_cond_broadcast(&record->changed);
    while (record->begun < record->meet || (job == record->wait_for_failure && !record->failed))
        pthread_cond_wait(&record->changed, &record->lock);
    int code = record->codes[job];
    record->ended++;
    record->over[job] = 1;
    record->busy[worker] = 0;
    record->failed |= code != 0;
    pthread_cond_broadcast(&record->changed);
    pthread_mutex_unlock(&record->lock);
    /* so that the other one is likely to be noted before this */
    if (job == record->wait_for_failure)
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return code == 0 ? 0 : err_set(err, code, "piece %zu", job);
}

static void begin(void *context, size_t job)
{
    struct record *record = context;
    record->order[record->told++] = job; /* no lock: it is called by one at a time */
}

static void record_init(struct record *record)
{
    memset(record, 0, sizeof *record);
    pthread_mutex_init(&record->lock, NULL);
    pthread_cond_init(&record->changed, NULL);
    record->wait_for_failure = MAX;
    record->caller = pthread_self();
}

static int run(struct record *record, size_t count, size_t workers, const size_t *follows,
               struct err *err)
{
    size_t free_of_all[MAX];
    for (size_t i = 0; i < count; i++)
        free_of_all[i] = i;
    record->follows = follows == NULL ? free_of_all : follows;
    struct jobs jobs = {.count = count,
                        .workers = workers,
                        .follows = record->follows,
                        .context = record,
                        .begin = begin,
                        .work = work};
    memset(err, 0, sizeof *err);
    return jobs_run(&jobs, err);
}

static void one_worker_is_the_caller_and_keeps_the_order(void **state)
{
    (void)state;
    struct record record;
    struct err err;
    record_init(&record);
    assert_int_equal(run(&record, 7, 1, NULL, &err), 0);
    assert_int_equal(record.begun, 7);
    assert_int_equal(record.most, 1);
    assert_int_equal(record.signals, 1); /* its signals are the caller's own affair */
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(record.order[i], i);
        assert_true(pthread_equal(record.thread[i], record.caller));
    }
}

static void several_at_once_and_no_more(void **state)
{
    (void)state;
    struct record record;
    struct err err;
    for (size_t workers = 2; workers <= 5; workers++) {
        record_init(&record);
        record.meet = workers;
        assert_int_equal(run(&record, 20, workers, NULL, &err), 0);
        assert_int_equal(record.begun, 20);
        assert_int_equal(record.most, workers);
        assert_int_equal(record.signals, 0);
        for (size_t i = 0; i < 20; i++) {
            assert_true(record.worker[i] < workers);
            assert_false(pthread_equal(record.thread[i], record.caller));
        }
        for (size_t i = 0; i < workers; i++)
            assert_int_equal(record.together[i], 0);
        assert_int_equal(record.told, 20);
        for (size_t i = 0; i < 20; i++)
            assert_int_equal(record.order[i], i);
    }
}

static void more_workers_than_work(void **state)
{
    (void)state;
    struct record record;
    struct err err;
    record_init(&record);
    record.meet = 3;
    assert_int_equal(run(&record, 3, MAX, NULL, &err), 0);
    assert_int_equal(record.most, 3);
    record_init(&record);
    assert_int_equal(run(&record, 0, 4, NULL, &err), 0);
    assert_int_equal(record.begun, 0);
}

/* 1 waits for 0 and 3 for 1; 2 and 4 pass them. */
static void work_waits_for_what_it_follows(void **state)
{
    (void)state;
    static const size_t follows[] = {0, 0, 2, 1, 4};
    struct record record;
    struct err err;
    for (size_t workers = 1; workers <= 5; workers++)
        for (int again = 0; again < 50; again++) {
            record_init(&record);
            /* 0, 2, 4 are all that can be under way */
            record.meet = workers == 1 ? 1 : workers == 2 ? 2 : 3;
            assert_int_equal(run(&record, 5, workers, follows, &err), 0);
            assert_int_equal(record.begun, 5);
            assert_int_equal(record.followed_early, 0);
            assert_int_equal(record.order[0], 0);
        }
}

static void after_a_failure_nothing_begins(void **state)
{
    (void)state;
    struct record record;
    struct err err;
    record_init(&record);
    record.codes[2] = ERR_IO;
    assert_int_equal(run(&record, 9, 1, NULL, &err), ERR_IO);
    assert_string_equal(err.text, "piece 2");
    assert_int_equal(record.begun, 3);
    record_init(&record);
    record.codes[1] = ERR_IO;
    record.wait_for_failure = 0;
    record.meet = 2;
    assert_int_equal(run(&record, 9, 2, NULL, &err), ERR_IO);
    assert_int_equal(record.ended, record.begun); /* 0 was waited for */
    assert_true(record.over[0]);
}

static void the_first_failure_by_number_is_told_and_a_stop_last(void **state)
{
    (void)state;
    struct record record;
    struct err err;
    record_init(&record);
    record.meet = 4;
    record.codes[3] = ERR_MEMORY;
    record.codes[1] = ERR_IO;
    record.wait_for_failure = 1;
    assert_int_equal(run(&record, 4, 4, NULL, &err), ERR_IO);
    assert_string_equal(err.text, "piece 1");
    record_init(&record);
    record.meet = 4;
    record.codes[0] = record.codes[1] = record.codes[3] = ERR_STOPPED;
    record.codes[2] = ERR_NOT_FINITE;
    record.wait_for_failure = 2;
    assert_int_equal(run(&record, 4, 4, NULL, &err), ERR_NOT_FINITE);
    assert_string_equal(err.text, "piece 2");
    record_init(&record);
    record.meet = 4;
    for (size_t i = 0; i < 4; i++)
        record.codes[i] = ERR_STOPPED;
    assert_int_equal(run(&record, 4, 4, NULL, &err), ERR_STOPPED);
    assert_string_equal(err.text, "piece 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_is_the_caller_and_keeps_the_order),
        cmocka_unit_test(several_at_once_and_no_more),
        cmocka_unit_test(more_workers_than_work),
        cmocka_unit_test(work_waits_for_what_it_follows),
        cmocka_unit_test(after_a_failure_nothing_begins),
        cmocka_unit_test(the_first_failure_by_number_is_told_and_a_stop_last),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("jobs", tests, NULL, NULL);
}
