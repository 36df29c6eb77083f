/* How fast training goes here: from logs, else from a few timed updates. */
#include "lab/forecast.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/bench.h"
#include "lab/manifest.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_STEPS 3
#define FORWARD_SHARE (1.0 / 3) /* of the work of training on an image */

struct pace {
    const struct run *like;
    double *speeds, *overheads; /* of epochs */
    size_t count, capacity, runs;
    int64_t memory;
};

/* A log's speed is ours when what decides it is the same. */
static int same_pace(const struct run *like, const json_t *manifest)
{
    static const char *const parts[] = {"network", "backend", "micro", "ghost"};
    const json_t *identity = json_object_get(manifest, "identity"),
                 *sessions = json_object_get(manifest, "sessions");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!json_equal(json_object_get(identity, parts[i]),
                        json_object_get(like->identity, parts[i])))
            return 0;
    const json_t *last = json_array_get(sessions, json_array_size(sessions) - 1);
    const json_t *threads = json_object_get(json_object_get(last, "host"), "threads");
    return json_integer_value(threads) == like->session->caps.threads;
}

static int push_row(struct pace *pace, const struct runlog_row *row, int64_t images,
                    struct err *err)
{
    if (pace->count == pace->capacity) {
        size_t capacity = pace->capacity == 0 ? 256 : 2 * pace->capacity;
        double *speeds = mem_new(capacity, sizeof *speeds, err),
               *overheads = mem_new(capacity, sizeof *overheads, err);
        if (speeds == NULL || overheads == NULL) {
            mem_free(speeds);
            mem_free(overheads);
            return ERR_MEMORY;
        }
        if (pace->count > 0) {
            memcpy(speeds, pace->speeds, pace->count * sizeof *speeds);
            memcpy(overheads, pace->overheads, pace->count * sizeof *overheads);
        }
        mem_free(pace->speeds);
        mem_free(pace->overheads);
        pace->speeds = speeds;
        pace->overheads = overheads;
        pace->capacity = capacity;
    }
    pace->speeds[pace->count] = row->images_per_second;
    pace->overheads[pace->count++] = row->seconds - (double)images / row->images_per_second;
    return 0;
}

static int take_pace(void *context, const char *folder, const json_t *manifest, struct err *err)
{
    struct pace *pace = context;
    struct runlog log = {0};
    struct err ignored = {0};
    if (!same_pace(pace->like, manifest))
        return 0;
    char *path = mem_format(err, "%s/log.tsv", folder);
    int code = path == NULL ? ERR_MEMORY : 0;
    if (code == 0 && file_exists(path) && runlog_read(&log, path, &ignored) == 0 && log.count > 0) {
        for (size_t r = 0; r < log.count && code == 0; r++)
            if (log.rows[r].images_per_second > 0)
                code = push_row(pace, &log.rows[r],
                                log.rows[r].images - (r == 0 ? 0 : log.rows[r - 1].images), err);
        pace->runs++;
        const json_t *session, *sessions = json_object_get(manifest, "sessions");
        size_t i;
        json_array_foreach((json_t *)sessions, i, session)
        {
            int64_t memory = json_integer_value(json_object_get(session, "peak_memory"));
            pace->memory = memory > pace->memory ? memory : pace->memory;
        }
    }
    runlog_release(&log);
    mem_free(path);
    return code;
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
        .precision = session->precision,
        .steps = TIMED_STEPS,
        .warm_up = 1,
        .brief = 1};
    struct bench_result result = {0};
    int code = bench_measure(&bench, &options, &result, err);
    if (code != 0)
        return code;
    speed->images_per_second = (double)result.options.batch / result.median;
    speed->epoch_overhead = (double)session->data.test_n * FORWARD_SHARE / speed->images_per_second;
    speed->memory = mem_peak();
    snprintf(speed->words, sizeof speed->words,
             "%d timed updates of %" PRId64 " images just now; an evaluated image counted "
             "as a third of one trained on",
             TIMED_STEPS, result.options.batch);
    bench_release(&result);
    return 0;
}

int forecast_speed(const struct figure *figure, struct forecast_speed *speed, struct err *err)
{
    struct pace pace = {.like = &figure->runs[0]};
    memset(speed, 0, sizeof *speed);
    int code = manifest_each(figure->out, take_pace, &pace, err);
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
