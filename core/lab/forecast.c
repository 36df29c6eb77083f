#include "lab/forecast.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/file.h"
#include "base/text.h"
#include "data/pool.h"
#include "lab/anatomy.h"
#include "results/difference.h"
#include "results/manifest.h"
#include "results/runlog.h"
#include "train/prefetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Where a run stands ---- */

/* The nearest run of the same name that was made under other settings. */
struct older {
    size_t fewest; /* differences; 0: there is none */
    struct difference list[DIFFERENCE_MAX];
};

static int is_older(const struct stored *stored, const struct run *run)
{
    const struct facts *facts = run->facts;
    const char *profile = json_string_value(json_object_get(stored->manifest, "profile"));
    return manifest_is_named(stored->manifest, facts->experiment->name, run->what->name) &&
           profile != NULL && strcmp(profile, facts->profile->name) == 0 &&
           stored_seed(stored) == run->seed;
}

static void find_older(const struct store *store, const struct run *run, struct older *older)
{
    for (size_t i = 0; i < store->count; i++) {
        struct difference list[DIFFERENCE_MAX];
        if (!is_older(&store->runs[i], run))
            continue;
        size_t count = difference_find(stored_identity(&store->runs[i]), run->identity, list);
        if (count == 0 || (older->fewest != 0 && count >= older->fewest))
            continue;
        older->fewest = count;
        memcpy(older->list, list, sizeof list);
    }
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
static int take_off(const struct store *store, const struct run *run, struct forecast_run *out,
                    struct err *err)
{
    const struct runlog *log = NULL;
    struct stored *stored = store_find(store, run->hash);
    int code = 0;
    if (stored != NULL && file_exists(stored->log_path))
        code = stored_log(stored, &log, err);
    if (code != 0)
        return code;
    if (log != NULL && log->count > 0) {
        const struct runlog_row *last = &log->rows[log->count - 1];
        out->updates_left -= last->updates;
        out->images_left -= (double)last->images;
        out->epochs_left -= last->epoch;
    }
    snprintf(out->words, sizeof out->words, "begun, %d of %d epochs done",
             run->schedule.epochs - out->epochs_left, run->schedule.epochs);
    return 0;
}

int forecast_run(const struct store *store, const struct run *run, struct forecast_run *out,
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
        return take_off(store, run, out, err);
    struct older older = {0};
    find_older(store, run, &older);
    if (older.fewest == 0)
        snprintf(out->words, sizeof out->words, "not begun");
    else
        say_older(&older, out->words);
    return 0;
}

/* ---- The table ---- */

static void put_time(struct text *out, double seconds)
{
    if (seconds < 1)
        text_put(out, "%10s", "-");
    else if (seconds < 90)
        text_put(out, "%8.0f s", seconds);
    else if (seconds < 5400)
        text_put(out, "%6.0f min", seconds / 60);
    else
        text_put(out, "%8.1f h", seconds / 3600);
}

static int put_runs(struct text *out, const struct figure *figure, const struct store *store,
                    const struct forecast_speed *speed, struct err *err)
{
    double total = 0.0;
    int64_t updates = 0;
    text_put(out, "  %-32s %5s %9s %10s  %s\n", "run", "seed", "updates", "time", "");
    for (size_t i = 0; i < figure->seed_count * figure->run_count; i++) {
        const struct run *run = &figure->runs[i];
        struct forecast_run left;
        int code = forecast_run(store, run, &left, err);
        if (code != 0)
            return code;
        double seconds = left.images_left / speed->images_per_second +
                         left.epochs_left * speed->epoch_overhead;
        total += seconds;
        updates += left.updates_left;
        text_put(out, "  %-32s %5" PRIu64 " %9" PRId64, run->what->name, run->seed,
                 left.updates_left);
        put_time(out, seconds);
        text_put(out, "   %s\n", left.words);
    }
    text_put(out, "  %-32s %5s %9" PRId64, "left to do", "", updates);
    put_time(out, total);
    text_put(out, "\n");
    return 0;
}

/* What a set that does not lie in memory whole holds of rows instead. */
static int put_queue(struct text *out, const struct figure *figure, struct err *err)
{
    const struct dataset *data = &figure->session.data;
    int64_t micro = 0;
    int threads;
    if (dataset_whole(data, DATASET_TRAIN).pixels != NULL)
        return 0;
    for (size_t i = 0; i < figure->run_count; i++)
        micro = figure->runs[i].micro > micro ? figure->runs[i].micro : micro;
    int code = pool_threads(&threads, err);
    if (code == 0)
        text_put(out,
                 "  Of it images: %d micros of %" PRId64 " rows, %.1f MiB a run, decoded ahead by "
                 "%d thread%s.\n",
                 PREFETCH_DEPTH, micro, (double)prefetch_bytes(data, micro) / 1048576.0, threads,
                 threads == 1 ? "" : "s");
    return code;
}

/* Says so where the data that are open are not the whole set, and make another network. */
static int put_network(struct text *out, const struct session *session, struct err *err)
{
    const struct repro_graph *here = &session->net.graph;
    struct net whole = {0};
    int code = anatomy_net(session->experiment, session->facts.profile, &whole, err);
    if (code == 0 && (whole.graph.classes != here->classes || whole.graph.width != here->width))
        text_put(out,
                 "  These data have %d classes and %d x %d pixels: the network has %" PRId64
                 " parameters here.\n",
                 here->classes, here->height, here->width, here->param_count);
    net_release(&whole);
    return code;
}

int forecast_text(const struct figure *figure, const struct store *store, char **text,
                  struct err *err)
{
    const struct session *session = &figure->session;
    const struct facts *facts = &session->facts;
    struct forecast_speed speed;
    struct text table = {0}, *out = &table;
    char device[BACKEND_DEVICE_TEXT], label[FACTS_LABEL];
    int code = forecast_speed(figure, store, &speed, err);
    if (code != 0)
        return code;
    text_put(out, "Here: %s data, backend %s (%s, %s), results under %s\n", facts->data.name,
             facts_label(&facts->backend, label), facts->backend.library,
             backend_device_text(&session->caps, device), figure->out);
    code = put_network(out, session, err);
    if (code == 0)
        code = put_runs(out, figure, store, &speed, err);
    text_put(out, "  Time: %.0f images/s and %.1f s an epoch besides, from %s.\n",
             speed.images_per_second, speed.epoch_overhead, speed.words);
    if (speed.memory > 0)
        text_put(out,
                 "  Memory: %.0f MiB, the most that the process held; it does not grow with B.\n",
                 (double)speed.memory / 1048576.0);
    if (code == 0)
        code = put_queue(out, figure, err);
    if (code == 0)
        return text_take(out, text, "the forecast", err);
    text_release(out);
    return code;
}
