#include "lab/forecast.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "results/difference.h"
#include "lab/manifest.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Where a run stands ---- */

struct older {
    const struct figure *figure;
    const struct run *run;
    size_t fewest; /* differences of the nearest one so far; 0: none */
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
    size_t used = (size_t)snprintf(words, FORECAST_WORDS, "stale:"),
           shown = older->fewest < 3 ? older->fewest : 3;
    for (size_t i = 0; i < shown && used < FORECAST_WORDS; i++)
        used += (size_t)snprintf(words + used, FORECAST_WORDS - used, "%s %s was %.40s, is %.40s",
                                 i == 0 ? "" : ",", older->list[i].path, older->list[i].was,
                                 older->list[i].now);
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
        snprintf(out->words, sizeof out->words, "begun, %d of %d epochs done",
                 run->schedule.epochs - out->epochs_left, run->schedule.epochs);
    runlog_release(&log);
    return code;
}

int forecast_run(const struct figure *figure, const struct run *run, struct forecast_run *out,
                 struct err *err)
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
    int code = manifest_each(figure->out, take_older, &older, err);
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

static int put_runs(FILE *out, const struct figure *figure, const struct forecast_speed *speed,
                    struct err *err)
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
        double seconds = left.images_left / speed->images_per_second +
                         left.epochs_left * speed->epoch_overhead;
        total += seconds;
        updates += left.updates_left;
        fprintf(out, "  %-32s %5" PRIu64 " %9" PRId64, run->what->name, run->session->seed,
                left.updates_left);
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
    char device[BACKEND_DEVICE_TEXT];
    FILE *out = open_memstream(&bytes, &size);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "cannot write the forecast: out of memory");
    fprintf(out, "Here: %s data, backend %s (%s, %s), results under %s\n", session->data.name,
            session->label, session->caps.library, backend_device_text(&session->caps, device),
            figure->out);
    code = put_runs(out, figure, &speed, err);
    fprintf(out, "  Time: %.0f images/s and %.1f s an epoch besides, from %s.\n",
            speed.images_per_second, speed.epoch_overhead, speed.words);
    if (speed.memory > 0)
        fprintf(out,
                "  Memory: %.0f MiB, the most that the process held; it does not grow with B.\n",
                (double)speed.memory / 1048576.0);
    int failed = ferror(out);
    if ((fclose(out) != 0 || failed) && code == 0)
        code = err_set(err, ERR_MEMORY, "cannot write the forecast: out of memory");
    if (code == 0 && (*text = mem_string(bytes, err)) == NULL)
        code = ERR_MEMORY;
    free(bytes);
    return code;
}
