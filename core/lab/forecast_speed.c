/* How fast training goes here: from logs, else from a few timed updates. */
#include "lab/forecast.h"

#include "base/err.h"
#include "base/mem.h"
#include "lab/bench.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_STEPS 3

/* A log's speed is ours when what decides it is the same. */
static int same_pace(const struct run *like, const struct stored *stored)
{
    static const char *const parts[] = {"network", "backend", "micro", "ghost"};
    const json_t *identity = stored_identity(stored);
    const json_t *sessions = json_object_get(stored->manifest, "sessions");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!json_equal(json_object_get(identity, parts[i]),
                        json_object_get(like->identity, parts[i])))
            return 0;
    for (size_t i = 0; i < json_array_size(sessions); i++)
        if (json_object_get(json_array_get(sessions, i), "ranks") != NULL)
            return 0; /* which rows several processes made is not said */
    const json_t *last = json_array_get(sessions, json_array_size(sessions) - 1);
    const json_t *threads = json_object_get(json_object_get(last, "host"), "threads");
    return json_integer_value(threads) == like->facts->backend.threads;
}

/* The log of a run of our pace; NULL where it is another's, or has none that can be read. */
static const struct runlog *log_of(const struct run *like, struct stored *stored)
{
    const struct runlog *log = NULL;
    struct err ignored = {0};
    if (stored->manifest == NULL || !same_pace(like, stored) ||
        stored_log(stored, &log, &ignored) != 0)
        return NULL;
    return log->count > 0 ? log : NULL;
}

/* What the logs of our pace say, an entry an epoch. */
struct pace {
    double *speeds, *overheads;
    size_t count, runs;
    int64_t memory;
};

static void take_pace(struct pace *pace, const struct stored *stored, const struct runlog *log)
{
    const json_t *sessions = json_object_get(stored->manifest, "sessions");
    for (size_t r = 0; r < log->count; r++) {
        const struct runlog_row *row = &log->rows[r];
        int64_t images = row->images - (r == 0 ? 0 : row[-1].images);
        if (!(row->images_per_second > 0))
            continue;
        pace->speeds[pace->count] = row->images_per_second;
        pace->overheads[pace->count++] = row->seconds - (double)images / row->images_per_second;
    }
    for (size_t i = 0; i < json_array_size(sessions); i++) {
        const json_t *session = json_array_get(sessions, i);
        int64_t memory = json_integer_value(json_object_get(session, "peak_memory"));
        pace->memory = memory > pace->memory ? memory : pace->memory;
    }
    pace->runs++;
}

static int find_pace(const struct store *store, const struct run *like, struct pace *pace,
                     struct err *err)
{
    size_t rows = 0;
    for (size_t i = 0; i < store->count; i++) {
        const struct runlog *log = log_of(like, &store->runs[i]);
        rows += log == NULL ? 0 : log->count;
    }
    pace->speeds = mem_new(rows, sizeof *pace->speeds, err);
    pace->overheads = mem_new(rows, sizeof *pace->overheads, err);
    if (pace->speeds == NULL || pace->overheads == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < store->count; i++) {
        const struct runlog *log = log_of(like, &store->runs[i]);
        if (log != NULL)
            take_pace(pace, &store->runs[i], log);
    }
    return 0;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, rising);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* A few updates of the first run on random bytes. */
static int time_steps(const struct figure *figure, struct forecast_speed *speed, struct err *err)
{
    const struct session *session = &figure->session;
    const struct run *run = &figure->runs[0];
    const struct bench bench = {.backend = session->backend,
                                .device = session->device.device,
                                .caps = session->caps,
                                .net = session->net};
    const struct bench_options options = {
        .batch = run->schedule.phase[0].batch,
        .micro = run->micro < run->schedule.phase[0].batch ? run->micro : 0,
        .ghost = run->schedule.ghost,
        .precision = session->facts.backend.precision,
        .steps = TIMED_STEPS,
        .warm_up = 1,
        .brief = 1};
    struct bench_result result = {0};
    int code = bench_measure(&bench, &options, &result, err);
    if (code != 0)
        return code;
    speed->images_per_second = (double)result.options.batch / result.median;
    speed->epoch_overhead = (double)session->data.test_n * FORECAST_FORWARD_SHARE /
                            speed->images_per_second;
    speed->memory = mem_peak();
    snprintf(speed->words, sizeof speed->words,
             "%d timed updates of %" PRId64 " images just now; an evaluated image counted "
             "as a third of one trained on",
             TIMED_STEPS, result.options.batch);
    bench_release(&result);
    return 0;
}

int forecast_speed(const struct figure *figure, const struct store *store,
                   struct forecast_speed *speed, struct err *err)
{
    struct pace pace = {0};
    memset(speed, 0, sizeof *speed);
    int code = find_pace(store, &figure->runs[0], &pace, err);
    if (code == 0 && pace.count > 0) {
        speed->images_per_second = median(pace.speeds, pace.count);
        speed->epoch_overhead = median(pace.overheads, pace.count);
        speed->memory = pace.memory;
        snprintf(speed->words, sizeof speed->words,
                 "the median of %zu epochs in the logs of %zu run%s under %.200s/runs", pace.count,
                 pace.runs, pace.runs == 1 ? "" : "s", figure->out);
    } else if (code == 0) {
        code = time_steps(figure, speed, err);
    }
    mem_free(pace.speeds);
    mem_free(pace.overheads);
    return code;
}
