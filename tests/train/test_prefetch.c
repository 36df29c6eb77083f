/* Rows made ahead: the same as made in place, in the order of the schedule, from any place on; of a
 * share of the updates; of the test set; and of a set that can fail. */
#include "train/prefetch.h"

#include "base/err.h"
#include "data/batch.h"
#include "fixture.h"
#include "train/reduction.h"
#include "train/resident.h"

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

static struct prefetch *start_with(const struct prefetch_config *config)
{
    struct prefetch *ahead = NULL;
    struct err err = {0};
    if (prefetch_new(config, &ahead, &err) != 0)
        fail_msg("%s", err.text);
    return ahead;
}

static struct prefetch_config config_of(const struct schedule *schedule, int64_t micro)
{
    return (struct prefetch_config){
        .data = &fixture.data, .schedule = schedule, .seed = SEED, .micro = micro, .groups = 8};
}

static struct prefetch *start(const struct schedule *schedule, int64_t micro)
{
    struct prefetch_config config = config_of(schedule, micro);
    return start_with(&config);
}

static struct prefetch_place at(int epoch, int64_t update, int64_t micro)
{
    return (struct prefetch_place){.epoch = epoch, .update = update, .micro = micro};
}

static const struct prefetch_rows *take(struct prefetch *ahead, struct prefetch_place place)
{
    const struct prefetch_rows *rows = NULL;
    struct err err = {0};
    if (prefetch_take(ahead, place, &rows, &err) != 0)
        fail_msg("%s", err.text);
    return rows;
}

/* The images of a place, by batch_order(); their number. */
static int64_t images_of(const struct schedule *schedule, int64_t micro,
                         struct prefetch_place place, int64_t *image)
{
    int64_t order[FIXTURE_TRAIN_N], batch = schedule_at(schedule, place.epoch)->batch;
    struct reduction_cut cut = reduction_cut(schedule_rows(schedule, place.epoch, place.update),
                                             micro, schedule->ghost, 8);
    struct reduction_span span = reduction_micro(&cut, place.micro);
    batch_order(SEED, (uint32_t)place.epoch, FIXTURE_TRAIN_N, order);
    memcpy(image, order + place.update * batch + span.first, (size_t)span.count * sizeof *image);
    return span.count;
}

/* Takes a place and compares it with what batch_order() and the data set say. */
static void check(struct prefetch *ahead, const struct schedule *schedule, int64_t micro,
                  struct prefetch_place place)
{
    int64_t image[FIXTURE_TRAIN_N], count = images_of(schedule, micro, place, image);
    struct repro_crop crops[FIXTURE_TRAIN_N];
    uint8_t pixels[FIXTURE_TRAIN_N * IMAGE_BYTES];
    int32_t labels[FIXTURE_TRAIN_N];
    struct err err = {0};
    const struct prefetch_rows *rows = take(ahead, place);
    assert_int_equal(rows->count, count);
    assert_memory_equal(rows->image, image, (size_t)count * sizeof *image);
    if (rows->crops != NULL) {
        dataset_crops(&fixture.data, SEED, (uint32_t)place.epoch, image, count, crops);
        assert_memory_equal(rows->crops, crops, (size_t)count * sizeof *crops);
        assert_null(rows->pixels);
        return;
    }
    assert_int_equal(dataset_augmented(&fixture.data, SEED, (uint32_t)place.epoch, image, count,
                                       pixels, labels, &err),
                     0);
    assert_memory_equal(rows->labels, labels, (size_t)count * sizeof *labels);
    assert_memory_equal(rows->pixels, pixels, (size_t)count * IMAGE_BYTES);
}

/* Takes micros of the test set, one after the other, and compares them with the set. */
static void check_some_tests(struct prefetch *ahead, int64_t micro, struct prefetch_place place,
                             struct reduction_span micros)
{
    struct dataset_images tests = dataset_whole(&fixture.data, DATASET_TEST);
    int64_t test_n = fixture.data.test_n, first = micros.first * micro;
    place.split = DATASET_TEST;
    for (place.micro = micros.first; place.micro < micros.first + micros.count; place.micro++) {
        const struct prefetch_rows *rows = take(ahead, place);
        assert_int_equal(rows->count, test_n - first < micro ? test_n - first : micro);
        for (int64_t i = 0; i < rows->count; i++) {
            assert_int_equal(rows->image[i], first + i);
            if (rows->crops == NULL)
                continue;
            assert_int_equal(rows->crops[i].image, first + i);
            assert_true(rows->crops[i].top == 0 && rows->crops[i].left == 0 &&
                        rows->crops[i].flip == 0);
        }
        if (rows->crops == NULL) {
            assert_memory_equal(rows->pixels, tests.pixels + first * IMAGE_BYTES,
                                (size_t)rows->count * IMAGE_BYTES);
            assert_memory_equal(rows->labels, tests.labels + first,
                                (size_t)rows->count * sizeof *rows->labels);
        }
        first += rows->count;
    }
}

/* All of them. */
static void check_tests(struct prefetch *ahead, int64_t micro, struct prefetch_place place)
{
    check_some_tests(ahead, micro, place,
                     (struct reduction_span){0, reduction_micros(fixture.data.test_n, micro)});
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
    assert_int_equal(walk(ahead, &schedule, 4, at(0, 0, 0)), 9 * 2 + 4 * 4);
    prefetch_free(ahead);
}

/* The last micro of a batch is shorter. */
static void ragged_micros(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 20, 0);
    struct prefetch *ahead = start(&schedule, 16);
    walk(ahead, &schedule, 16, at(0, 0, 0));
    prefetch_free(ahead);
}

/* Any place may come next: forwards, backwards, the same again, and behind the end of the run. */
static void begins_again_anywhere(void **state)
{
    static const struct prefetch_place places[] = {{1, 2, 3, 0}, {0, 0, 0, 0}, {0, 0, 0, 0},
                                                   {0, 0, 1, 0}, {1, 3, 3, 0}, {0, 8, 1, 0},
                                                   {1, 0, 0, 0}};
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct prefetch *ahead = start(&schedule, 4);
    for (int round = 0; round < 20; round++)
        for (size_t i = 0; i < sizeof places / sizeof *places; i++)
            check(ahead, &schedule, 4, places[i]);
    walk(ahead, &schedule, 4, at(0, 5, 1));
    walk(ahead, &schedule, 4, at(1, 1, 2));
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
        const struct prefetch_rows *rows = take(ahead, at(0, 0, 0));
        uint8_t pixels[4 * IMAGE_BYTES];
        memcpy(pixels, rows->pixels, sizeof pixels);
        struct prefetch *other = start(&schedule, 4);
        /* time for the first to fill up */
        walk(other, &schedule, 4, at(0, 0, 0));
        prefetch_free(other);
        assert_memory_equal(rows->pixels, pixels, sizeof pixels);
        check(ahead, &schedule, 4, at(0, 0, 1));
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
            take(ahead, at(0, i / 2, i % 2));
        prefetch_free(ahead);
    }
    prefetch_free(NULL);
}

/* ---- Shares and the test set ---- */

/* 72 images, batches that double after the first of two epochs, a last one kept that has a rest. */
static struct schedule kept_schedule(void)
{
    struct err err = {0};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = 0.05,
                                 .momentum = 0.9,
                                 .train_n = FIXTURE_TRAIN_N,
                                 .batch = 20,
                                 .ghost = 5,
                                 .epochs = 2,
                                 .step_count = 1,
                                 .step_epoch = {1},
                                 .factor = {2.0},
                                 .action = {SCHEDULE_GROW_BATCH},
                                 .conventions = {.keep_last_batch = 1}};
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

/* A rank's whole run: its micros by the leaves that are its own.  Counts the rows it is given of
 * each image and epoch. */
static void run_rank(const struct prefetch_config *config, unsigned char seen[][FIXTURE_TRAIN_N])
{
    const struct schedule *schedule = config->schedule;
    struct prefetch *ahead = start_with(config);
    int taken = 0;
    for (int epoch = 0; epoch < schedule->epochs; epoch++) {
        for (int64_t u = 0; u < schedule_at(schedule, epoch)->updates_per_epoch; u++) {
            struct reduction_cut cut = reduction_cut(
                schedule_rows(schedule, epoch, u), config->micro, schedule->ghost, config->groups);
            for (int64_t leaf = 0; leaf < cut.leaves; leaf++) {
                struct reduction_span micros = reduction_leaf(&cut, leaf);
                if (reduction_rank(&cut, leaf, config->ranks) != config->rank)
                    continue;
                for (int64_t m = micros.first; m < micros.first + micros.count; m++, taken++) {
                    int64_t image[FIXTURE_TRAIN_N];
                    check(ahead, schedule, config->micro, at(epoch, u, m));
                    int64_t count = images_of(schedule, config->micro, at(epoch, u, m), image);
                    for (int64_t i = 0; i < count; i++)
                        seen[epoch][image[i]]++;
                }
            }
        }
        if (config->evaluates) {
            struct reduction_span tests = reduction_deal(
                reduction_micros(fixture.data.test_n, config->micro), config->ranks, config->rank);
            check_some_tests(ahead, config->micro, at(epoch + 1, 0, 0), tests);
            taken += tests.count > 0;
        }
    }
    assert_int_equal(prefetch_beginnings(ahead), taken > 0);
    prefetch_free(ahead);
}

/* Every row of the run, once, in order, and nobody begins again: not at a larger batch, the next
 * epoch, the test set, a rest, or an update that has nothing for the rank. */
static void shares_are_the_run(void **state)
{
    (void)state;
    fixture_need();
    const struct schedule schedules[] = {fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1),
                                         fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 36, 1),
                                         kept_schedule()};
    for (int s = 0; s < 3; s++) {
        for (int ranks = 1; ranks <= 5; ranks++) {
            for (int how = 0; how < 4; how++) {
                unsigned char seen[2][FIXTURE_TRAIN_N] = {{0}};
                struct prefetch_config config = config_of(&schedules[s], schedules[s].ghost);
                config.groups = s == 1 ? 3 : 8;
                config.ranks = ranks;
                config.resident = how & 1;
                config.evaluates = how >> 1;
                for (config.rank = 0; config.rank < ranks; config.rank++)
                    run_rank(&config, seen);
                int64_t rows = 0;
                for (int i = 0; i < 2 * FIXTURE_TRAIN_N; i++) {
                    assert_in_range(seen[i / FIXTURE_TRAIN_N][i % FIXTURE_TRAIN_N], 0, 1);
                    rows += seen[i / FIXTURE_TRAIN_N][i % FIXTURE_TRAIN_N];
                }
                assert_int_equal(rows, schedule_images(&schedules[s]));
            }
        }
    }
}

/* A place of another share is made all the same, and then comes what follows it in one's own. */
static void a_place_of_another_share(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 16, 1);
    struct prefetch_config config = config_of(&schedule, 4);
    config.ranks = 2; /* micros 0 and 1, then 2 and 3 */
    struct prefetch *ahead = start_with(&config);
    check(ahead, &schedule, 4, at(0, 0, 0));
    check(ahead, &schedule, 4, at(0, 0, 2));
    assert_int_equal(prefetch_beginnings(ahead), 2);
    check(ahead, &schedule, 4, at(0, 1, 0));
    check(ahead, &schedule, 4, at(0, 1, 1));
    check(ahead, &schedule, 4, at(0, 2, 0));
    assert_int_equal(prefetch_beginnings(ahead), 2);
    prefetch_free(ahead);
}

/* The test set amid an epoch, at either name of an epoch's end, and behind the last one; training
 * goes on where it stood. */
static void tests_at_any_place(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 36, 0);
    for (int how = 0; how < 4; how++) {
        struct prefetch_config config = config_of(&schedule, 12);
        config.resident = how & 1;
        config.evaluates = how >> 1;
        struct prefetch *ahead = start_with(&config);
        check_tests(ahead, 12, at(0, 0, 0));
        check(ahead, &schedule, 12, at(0, 0, 0));
        check(ahead, &schedule, 12, at(0, 0, 1));
        check(ahead, &schedule, 12, at(0, 0, 2));
        assert_int_equal(prefetch_beginnings(ahead), 1);
        check_tests(ahead, 12, at(0, 1, 0));
        assert_int_equal(prefetch_beginnings(ahead), 2);
        for (int64_t m = 0; m < 3; m++)
            check(ahead, &schedule, 12, at(0, 1, m));
        check_tests(ahead, 12, at(0, 2, 0)); /* the end of epoch 0 */
        assert_int_equal(prefetch_beginnings(ahead), config.evaluates ? 2 : 3);
        for (int64_t m = 0; m < 6; m++)
            check(ahead, &schedule, 12, at(1, m / 3, m % 3));
        check_tests(ahead, 12, at(2, 0, 0));
        assert_int_equal(prefetch_beginnings(ahead), config.evaluates ? 2 : 4);
        check_tests(ahead, 12, at(2, 0, 0)); /* and again */
        walk(ahead, &schedule, 12, at(0, 0, 0));
        prefetch_free(ahead);
    }
}

/* ---- A set that does not lie in memory, of which an image can be damaged ---- */

static int64_t damaged; /* of the training images; -1: none */
static int damaged_test;

static int streamed_augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                              const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                              struct err *err)
{
    (void)data;
    for (int64_t i = 0; i < count; i++)
        if (image[i] == damaged)
            return err_set(err, ERR_INPUT, "image %d is damaged", (int)damaged);
    return dataset_augmented(&fixture.data, seed, epoch, image, count, pixels, labels, err);
}

static int streamed_plain(const struct dataset *data, int split, const int64_t *image,
                          int64_t count, uint8_t *pixels, int32_t *labels, struct err *err)
{
    (void)data;
    if (damaged_test)
        return err_set(err, ERR_IO, "a test image cannot be read");
    return dataset_plain(&fixture.data, split, image, count, pixels, labels, err);
}

static void streamed_release(struct dataset *data)
{
    (void)data;
}

static const struct dataset_kind streamed_kind = {
    .augmented = streamed_augmented, .plain = streamed_plain, .release = streamed_release};

static struct dataset streamed(void)
{
    struct dataset data = fixture.data;
    data.kind = &streamed_kind;
    data.own = NULL;
    damaged = -1;
    damaged_test = 0;
    return data;
}

/* The same bits as from memory, and no backend is given it to keep. */
static void a_streamed_set_is_the_set(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct dataset data = streamed();
    struct resident resident;
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *whole = fixture_trainer(&config);
    config.data = &data;
    struct trainer *other = fixture_trainer(&config);
    assert_int_equal(resident_put(&fixture.plain, fixture.device, &data, &resident, &err), 0);
    assert_true(resident.train == NULL && resident.test == NULL);
    fixture_train(whole, INT64_MAX);
    fixture_train(other, INT64_MAX);
    fixture_same(whole, other, "streamed");
    struct trainer_score a, b;
    assert_int_equal(trainer_evaluate(whole, &a, &err), 0);
    assert_int_equal(trainer_evaluate(other, &b, &err), 0);
    assert_memory_equal(&a, &b, sizeof a);
    trainer_free(whole);
    trainer_free(other);
}

/* The set's own sentence comes at the update that needs the image, not before, the state is that
 * before it, and with the image mended it goes on to the same bits. */
static void a_damaged_image_stops_its_update(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct dataset data = streamed();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *whole = fixture_trainer(&config);
    config.data = &data;
    struct trainer *trainer = fixture_trainer(&config);
    struct trainer_score score;
    int64_t order[FIXTURE_TRAIN_N];
    batch_order(SEED, 0, FIXTURE_TRAIN_N, order);
    damaged = order[5 * 8 + 5]; /* of the sixth update */
    fixture_train(trainer, 5);
    for (int again = 0; again < 2; again++) {
        memset(&err, 0, sizeof err);
        assert_int_equal(trainer_update(trainer, &err), ERR_INPUT);
        assert_int_equal(err.code, ERR_INPUT);
        assert_non_null(strstr(err.text, "is damaged"));
        assert_int_equal(trainer_state(trainer)->update, 5);
    }
    damaged_test = 1;
    assert_int_equal(trainer_evaluate(trainer, &score, &err), ERR_IO);
    assert_string_equal(err.text, "a test image cannot be read");
    damaged = -1;
    damaged_test = 0;
    assert_int_equal(trainer_evaluate(trainer, &score, &err), 0);
    fixture_train(trainer, INT64_MAX);
    fixture_train(whole, INT64_MAX);
    fixture_same(whole, trainer, "mended");
    trainer_free(whole);
    trainer_free(trainer);
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
    static const struct prefetch_place places[] = {{0, 0, 0, 0}, {0, 0, 1, 0}, {1, 3, 3, 0}};
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
    struct prefetch_config ahead_config = config_of(&schedule, 4);
    struct prefetch *ahead = NULL;
    struct trainer *trainer = NULL;
    struct err err = {0};
    no_threads = 1;
    int code = prefetch_new(&ahead_config, &ahead, &err);
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
        cmocka_unit_test(shares_are_the_run),
        cmocka_unit_test(a_place_of_another_share),
        cmocka_unit_test(tests_at_any_place),
        cmocka_unit_test(a_streamed_set_is_the_set),
        cmocka_unit_test(a_damaged_image_stops_its_update),
        cmocka_unit_test(sleeps_when_it_can_do_nothing),
        cmocka_unit_test(signals_stay_with_the_caller),
        cmocka_unit_test(without_a_thread),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("prefetch", tests, fixture_open, fixture_close);
}
