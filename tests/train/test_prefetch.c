/* Rows made ahead: the same as made in place, in the order of the schedule, from any place on. */
#include "train/prefetch.h"

#include "base/err.h"
#include "data/batch.h"
#include "fixture.h"
#include "train/reduction.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SEED 3
#define IMAGE_BYTES (8 * 8 * 3)
#define TASKS 64
#define PATIENCE 3000 /* hundredths of a second for what comes in microseconds */

static int no_threads; /* the system has none left */

/* Found before libc's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *),
                   void *context)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (no_threads)
        return EAGAIN;
    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "pthread_create");
        memcpy(&real, &symbol, sizeof real);
    }
    return real(thread, attributes, work, context);
}

static struct prefetch *start(const struct schedule *schedule, int64_t micro)
{
    struct prefetch *ahead = NULL;
    struct err err = {0};
    if (prefetch_new(&fixture.data, schedule, SEED, micro, 0, &ahead, &err) != 0)
        fail_msg("%s", err.text);
    return ahead;
}

/* Takes a place and compares it with what batch_order() and batch_train() say. */
static void check(struct prefetch *ahead, const struct schedule *schedule, int64_t micro,
                  struct prefetch_place place)
{
    const struct phase *phase = schedule_at(schedule, place.epoch);
    struct reduction_span span = reduction_rows(phase->batch, micro, place.micro);
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
static int walk(struct prefetch *ahead, const struct schedule *schedule, int64_t micro,
                struct prefetch_place place)
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
    static const struct prefetch_place places[] = {{1, 2, 3}, {0, 0, 0}, {0, 0, 0}, {0, 0, 1},
                                                   {1, 3, 3}, {0, 8, 1}, {1, 0, 0}};
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
        /* time for the first to fill up */
        walk(other, &schedule, 4, (struct prefetch_place){0, 0, 0});
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

/* ---- The thread itself, as the kernel sees it ---- */

/* The threads of this process by number. */
static int tasks(long *list)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;
    if (folder == NULL) {
        print_message("# no /proc/self/task here\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL && count < TASKS;)
        if (entry->d_name[0] != '.')
            list[count++] = strtol(entry->d_name, NULL, 10);
    closedir(folder);
    return count;
}

/* The one in `now` that is not in `before`; 0: none. */
static long newcomer(const long *before, int before_count, const long *now, int now_count)
{
    for (int i = 0; i < now_count; i++) {
        int known = 0;
        for (int k = 0; k < before_count; k++)
            known |= before[k] == now[i];
        if (!known)
            return now[i];
    }
    return 0;
}

/* State, seconds in clock ticks and mask of blocked signals. */
static void look_at(long task, char *state, unsigned long *ticks, uint64_t *blocked)
{
    char path[64], line[512];
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/self/task/%ld/stat", task);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    const char *rest = strrchr(line, ')'); /* behind the name */
    assert_non_null(rest);
    assert_int_equal(
        sscanf(rest, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", state, &user, &system),
        3);
    *ticks = user + system;
    *blocked = 0;
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", task);
    assert_non_null(file = fopen(path, "r"));
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "SigBlk:", 7) == 0)
            *blocked = strtoull(line + 7, NULL, 16);
    fclose(file);
}

static void pause_briefly(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* Waits until it sleeps. */
static void falls_asleep(long task)
{
    for (int i = 0; i < PATIENCE; i++) {
        char state;
        unsigned long ticks;
        uint64_t blocked;
        look_at(task, &state, &ticks, &blocked);
        if (state == 'S')
            return;
        pause_briefly();
    }
    fail_msg("the thread does not sleep");
}

/* It sleeps before it is asked, with the ring full and at the end of the run, uses no time then,
 * and is gone afterwards. */
static void sleeps_when_it_can_do_nothing(void **state)
{
    static const struct prefetch_place places[] = {{0, 0, 0}, {0, 0, 1}, {1, 3, 3}};
    long before[TASKS], now[TASKS];
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    int before_count = tasks(before);
    struct prefetch *ahead = start(&schedule, 4);
    long task = newcomer(before, before_count, now, tasks(now));
    assert_int_not_equal(task, 0);
    for (int i = 0; i < 4; i++) {
        char what;
        unsigned long first, last;
        uint64_t blocked;
        falls_asleep(task);
        look_at(task, &what, &first, &blocked);
        for (int look = 0; look < 20; look++) {
            pause_briefly();
            look_at(task, &what, &last, &blocked);
            assert_int_equal(what, 'S');
        }
        assert_int_equal(first, last);
        if (i < 3)
            check(ahead, &schedule, 4, places[i]);
    }
    prefetch_free(ahead);
    int left = 1;
    for (int i = 0; i < PATIENCE && left; i++) { /* the kernel's list lags behind pthread_join() */
        left = newcomer(before, before_count, now, tasks(now)) != 0;
        if (left)
            pause_briefly();
    }
    assert_false(left);
}

static void signals_stay_with_the_caller(void **state)
{
    static const int signals[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE,
                                  SIGALRM, SIGTERM, SIGCHLD, SIGTSTP, SIGPROF};
    long before[TASKS], now[TASKS];
    sigset_t mask, after;
    char what;
    unsigned long ticks;
    uint64_t blocked;
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    int before_count = tasks(before);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    struct prefetch *ahead = start(&schedule, 4);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    long task = newcomer(before, before_count, now, tasks(now));
    falls_asleep(task);
    look_at(task, &what, &ticks, &blocked);
    prefetch_free(ahead);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        if (!(blocked >> (signals[i] - 1) & 1))
            fail_msg("signal %d can reach the thread", signals[i]);
        assert_int_equal(sigismember(&mask, signals[i]), sigismember(&after, signals[i]));
    }
}

/* No thread to be had: a sentence, for the trainer as well, and nothing is left behind. */
static void without_a_thread(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct prefetch *ahead = NULL;
    struct trainer *trainer = NULL;
    struct err err = {0};
    no_threads = 1;
    int code = prefetch_new(&fixture.data, &schedule, SEED, 4, 0, &ahead, &err);
    int trainer_code = trainer_new(&config, &trainer, &err);
    no_threads = 0;
    assert_int_equal(code, ERR_MEMORY);
    assert_int_equal(trainer_code, ERR_MEMORY);
    assert_null(ahead);
    assert_null(trainer);
    if (strstr(err.text, "no thread for assembling batches") == NULL ||
        strstr(err.text, "ulimit -u") == NULL)
        fail_msg("'%s'", err.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_run),
        cmocka_unit_test(ragged_micros),
        cmocka_unit_test(begins_again_anywhere),
        cmocka_unit_test(taken_rows_stay),
        cmocka_unit_test(ends_at_any_time),
        cmocka_unit_test(sleeps_when_it_can_do_nothing),
        cmocka_unit_test(signals_stay_with_the_caller),
        cmocka_unit_test(without_a_thread),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("prefetch", tests, fixture_open, fixture_close);
}
