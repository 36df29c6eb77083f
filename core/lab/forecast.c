#include "lab/forecast.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/bench.h"
#include "lab/difference.h"
#include "lab/manifest.h"
#include "train/runlog.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMED_STEPS 3
#define FORWARD_SHARE (1.0 / 3) /* of the work of training on an image */

/* ---- The manifests there are ---- */

/* Hands every manifest under `out` that can be read to `visit`, with its folder; damaged ones are passed over: the run
 * that owns one says so. */
static int each_manifest(const char *out, int (*visit)(void *context, const char *folder, const json_t *manifest,
                                                       struct err *err),
                         void *context, struct err *err)
{
    char *runs = mem_format(err, "%s/runs", out);
    DIR *directory = runs == NULL ? NULL : opendir(runs);
    int code = runs == NULL ? ERR_MEMORY : 0;
    for (struct dirent *entry; code == 0 && directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *folder = mem_format(err, "%s/%s", runs, entry->d_name);
        char *path = folder == NULL ? NULL : mem_format(err, "%s/manifest.json", folder);
        json_t *manifest = NULL;
        struct err ignored = {0};
        if (path == NULL)
            code = ERR_MEMORY;
        else if (file_exists(path) && manifest_read(path, &manifest, &ignored) == 0)
            code = visit(context, folder, manifest, err);
        json_decref(manifest);
        mem_free(path);
        mem_free(folder);
    }
    if (directory != NULL)
        closedir(directory);
    mem_free(runs);
    return code;
}

/* ---- Speed ---- */

struct pace {
    const struct run *like;
    double *speeds, *overheads;  /* of epochs */
    size_t count, capacity, runs;
    int64_t memory;
};

/* A log's speed is ours when what decides it is the same. */
static int same_pace(const struct run *like, const json_t *manifest)
{
    static const char *const parts[] = {"network", "backend", "micro", "ghost"};
    const json_t *identity = json_object_get(manifest, "identity"), *sessions = json_object_get(manifest, "sessions");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (!json_equal(json_object_get(identity, parts[i]), json_object_get(like->identity, parts[i])))
            return 0;
    const json_t *last = json_array_get(sessions, json_array_size(sessions) - 1);
    const json_t *threads = json_object_get(json_object_get(last, "host"), "threads");
    return json_integer_value(threads) == like->session->caps.threads;
}

static int push_row(struct pace *pace, const struct runlog_row *row, int64_t images, struct err *err)
{
    if (pace->count == pace->capacity) {
        size_t capacity = pace->capacity == 0 ? 256 : 2 * pace->capacity;
        double *speeds = mem_new(capacity, sizeof *speeds, err), *overheads = mem_new(capacity, sizeof *overheads, err);
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
                code = push_row(pace, &log.rows[r], log.rows[r].images - (r == 0 ? 0 : log.rows[r - 1].images), err);
        pace->runs++;
        const json_t *session, *sessions = json_object_get(manifest, "sessions");
        size_t i;
        json_array_foreach((json_t *)sessions, i, session) {
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
    const struct bench bench = {.backend = session->backend, .device = session->device, .caps = session->caps,
                                .net = session->net};
    const struct bench_options options = {.batch = run->schedule.phase[0].batch,
                                          .micro = run->micro < run->schedule.phase[0].batch ? run->micro : 0,
                                          .ghost = run->schedule.ghost, .precision = session->precision,
                                          .steps = TIMED_STEPS, .warm_up = 1, .brief = 1};
    struct bench_result result = {0};
    int code = bench_measure(&bench, &options, &result, err);
    if (code != 0)
        return code;
    speed->images_per_second = (double)result.options.batch / result.median;
    speed->epoch_overhead = (double)session->data.test_n * FORWARD_SHARE / speed->images_per_second;
    speed->memory = mem_peak();
    snprintf(speed->words, sizeof speed->words, "%d timed updates of %" PRId64 " images just now; an evaluated image counted "
             "as a third of one trained on", TIMED_STEPS, result.options.batch);
    bench_release(&result);
    return 0;
}

int forecast_speed(const struct figure *figure, struct forecast_speed *speed, struct err *err)
{
    struct pace pace = {.like = &figure->runs[0]};
    memset(speed, 0, sizeof *speed);
    int code = each_manifest(figure->out, take_pace, &pace, err);
    if (code == 0 && pace.count > 0) {
        speed->images_per_second = median(pace.speeds, pace.count);
        speed->epoch_overhead = median(pace.overheads, pace.count);
        speed->memory = pace.memory;
        snprintf(speed->words, sizeof speed->words, "the median of %zu epochs in the logs of %zu run%s under %.200s/runs",
                 pace.count, pace.runs, pace.runs == 1 ? "" : "s", figure->out);
    } else if (code == 0) {
        code = time_steps(figure, speed, err);
    }
    mem_free(pace.speeds);
    mem_free(pace.overheads);
    return code;
}

/* ---- Where a run stands ---- */

struct older {
    const struct figure *figure;
    const struct run *run;
    size_t fewest;  /* differences of the nearest one so far; 0: none */
    struct difference list[DIFFERENCE_MAX];
};

static int is_text(const json_t *object, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found != NULL && strcmp(found, text) == 0;
}

static int take_older(void *context, const char *folder, const json_t *manifest, struct err *err)
{
    struct older *older = context;
    const struct session *session = older->run->session;
    const json_t *identity = json_object_get(manifest, "identity");
    struct difference list[DIFFERENCE_MAX];
    (void)folder;
    (void)err;
    if (!manifest_is_named(manifest, session->experiment->name, older->run->what->name) ||
        !is_text(manifest, "profile", session->profile->name) ||
        json_integer_value(json_object_get(identity, "seed")) != (json_int_t)session->seed)
        return 0;
    size_t count = difference_find(identity, older->run->identity, list);
    if (count == 0 || (older->fewest != 0 && count >= older->fewest))
        return 0;
    older->fewest = count;
    memcpy(older->list, list, sizeof list);
    return 0;
}

/* Names up to three of the fields that changed. */
static void say_older(const struct older *older, char words[FORECAST_WORDS])
{
    size_t used = (size_t)snprintf(words, FORECAST_WORDS, "stale:"), shown = older->fewest < 3 ? older->fewest : 3;
    for (size_t i = 0; i < shown && used < FORECAST_WORDS; i++)
        used += (size_t)snprintf(words + used, FORECAST_WORDS - used, "%s %s was %.40s, is %.40s", i == 0 ? "" : ",",
                                 older->list[i].path, older->list[i].was, older->list[i].now);
    if (older->fewest > shown && used < FORECAST_WORDS)
        snprintf(words + used, FORECAST_WORDS - used, ", and %zu more", older->fewest - shown);
}

/* Takes what a partial run's log has off what is left. */
static int take_off(const struct run *run, struct forecast_run *out, struct err *err)
{
    struct runlog log = {0};
    int code = file_exists(run->log_path) ? runlog_read(&log, run->log_path, err) : 0;
    if (code == 0 && log.count > 0) {
        const struct runlog_row *last = &log.rows[log.count - 1];
        out->updates_left -= last->updates;
        out->images_left -= (double)last->images;
        out->epochs_left -= last->epoch;
    }
    if (code == 0)
        snprintf(out->words, sizeof out->words, "begun, %d of %d epochs done", run->schedule.epochs - out->epochs_left,
                 run->schedule.epochs);
    runlog_release(&log);
    return code;
}

int forecast_run(const struct figure *figure, const struct run *run, struct forecast_run *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (run->status == RUN_DONE) {
        snprintf(out->words, sizeof out->words, "done");
        return 0;
    }
    out->updates_left = run->schedule.updates;
    out->images_left = (double)schedule_images(&run->schedule);
    out->epochs_left = run->schedule.epochs;
    if (run->status == RUN_PARTIAL)
        return take_off(run, out, err);
    struct older older = {.figure = figure, .run = run};
    int code = each_manifest(figure->out, take_older, &older, err);
    if (older.fewest == 0)
        snprintf(out->words, sizeof out->words, "not begun");
    else
        say_older(&older, out->words);
    return code;
}

/* ---- The table ---- */

static void put_time(FILE *out, double seconds)
{
    if (seconds < 1)
        fprintf(out, "%10s", "-");
    else if (seconds < 90)
        fprintf(out, "%8.0f s", seconds);
    else if (seconds < 5400)
        fprintf(out, "%6.0f min", seconds / 60);
    else
        fprintf(out, "%8.1f h", seconds / 3600);
}

static int put_runs(FILE *out, const struct figure *figure, const struct forecast_speed *speed, struct err *err)
{
    double total = 0.0;
    int64_t updates = 0;
    fprintf(out, "  %-32s %5s %9s %10s  %s\n", "run", "seed", "updates", "time", "");
    for (size_t i = 0; i < figure->seed_count * figure->run_count; i++) {
        const struct run *run = &figure->runs[i];
        struct forecast_run left;
        int code = forecast_run(figure, run, &left, err);
        if (code != 0)
            return code;
        double seconds = left.images_left / speed->images_per_second + left.epochs_left * speed->epoch_overhead;
        total += seconds;
        updates += left.updates_left;
        fprintf(out, "  %-32s %5" PRIu64 " %9" PRId64, run->what->name, run->session->seed, left.updates_left);
        put_time(out, seconds);
        fprintf(out, "   %s\n", left.words);
    }
    fprintf(out, "  %-32s %5s %9" PRId64, "left to do", "", updates);
    put_time(out, total);
    fprintf(out, "\n");
    return 0;
}

int forecast_text(const struct figure *figure, char **text, struct err *err)
{
    const struct session *session = &figure->session;
    struct forecast_speed speed;
    char *bytes = NULL;
    size_t size = 0;
    int code = forecast_speed(figure, &speed, err);
    if (code != 0)
        return code;
    FILE *out = open_memstream(&bytes, &size);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "cannot write the forecast: out of memory");
    fprintf(out, "Here: %s data, backend %s (%s, %s, %d threads), results under %s\n", session->data.name,
            session->backend.name, session->caps.library, session->caps.device, (int)session->caps.threads, figure->out);
    code = put_runs(out, figure, &speed, err);
    fprintf(out, "  Time: %.0f images/s and %.1f s an epoch besides, from %s.\n", speed.images_per_second,
            speed.epoch_overhead, speed.words);
    if (speed.memory > 0)
        fprintf(out, "  Memory: %.0f MiB, the most that the process held; it does not grow with B.\n",
                (double)speed.memory / 1048576.0);
    int failed = ferror(out);
    if ((fclose(out) != 0 || failed) && code == 0)
        code = err_set(err, ERR_MEMORY, "cannot write the forecast: out of memory");
    if (code == 0 && (*text = mem_string(bytes, err)) == NULL)
        code = ERR_MEMORY;
    free(bytes);
    return code;
}
