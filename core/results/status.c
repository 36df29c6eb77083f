#include "results/status.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

const char *status_word(enum status_state state)
{
    static const char *const words[] = {"running", "stopped", "done", "damaged"};
    return words[state];
}

static const char *name_of(const json_t *manifest, const char *key)
{
    const char *found = json_string_value(json_object_get(manifest, key));
    return found == NULL ? "" : found;
}

static int planned_epochs(const json_t *identity)
{
    const json_t *phases = json_object_get(identity, "phases"), *phase;
    json_int_t epochs = 0;
    size_t i;
    json_array_foreach(phases, i, phase)
        epochs += json_integer_value(json_object_get(phase, "epochs"));
    return (int)epochs;
}

static const json_t *session_of(const json_t *manifest, int last)
{
    const json_t *sessions = json_object_get(manifest, "sessions");
    size_t count = json_array_size(sessions);
    return json_array_get(sessions, last && count > 0 ? count - 1 : 0);
}

/* What the log and the manifest say of how far it is. */
static void take_log(struct stored *stored, struct status_run *run)
{
    struct err unreadable = {0};
    const struct runlog *log = NULL;
    run->update = json_integer_value(
        json_object_get(session_of(stored->manifest, 1), "last_update"));
    if (!file_exists(stored->log_path) || stored_log(stored, &log, &unreadable) != 0 ||
        log->count == 0)
        return;
    const struct runlog_row *row = &log->rows[log->count - 1];
    run->epoch = row->epoch;
    run->update = row->updates > run->update ? row->updates : run->update;
    run->test_accuracy = row->test_accuracy;
    run->train_loss = row->train_loss;
    run->images_per_second = row->images_per_second;
}

/* What the one who trains it says himself is newer. */
static void take_place(struct status_run *run)
{
    const struct run_place *place = &run->holder.place;
    if (place->epoch == 0)
        return;
    run->epoch = place->epoch;
    run->update = place->update > run->update ? place->update : run->update;
    run->images_per_second = place->images_per_second;
    run->seconds_left = place->seconds_left;
}

static int take(struct stored *stored, struct status_run *run, struct err *err)
{
    const json_t *manifest = stored->manifest;
    *run = (struct status_run){.stored = stored,
                               .state = STATUS_DAMAGED,
                               .figure = name_of(manifest, "figure"),
                               .profile = name_of(manifest, "profile"),
                               .name = name_of(manifest, "run"),
                               .test_accuracy = -1.0,
                               .train_loss = -1.0};
    if (manifest == NULL)
        return 0;
    int code = run_lock_ask(stored->folder, &run->holder, err);
    run->seed = stored_seed(stored);
    run->epochs = planned_epochs(stored_identity(stored));
    run->updates = json_integer_value(json_object_get(manifest, "planned_updates"));
    take_log(stored, run);
    run->state = stored->done ? STATUS_DONE : run->holder.held ? STATUS_RUNNING : STATUS_STOPPED;
    if (run->state == STATUS_RUNNING)
        take_place(run);
    return code;
}

static int by_figure(const void *a, const void *b)
{
    const struct status_run *x = a, *y = b;
    int order = strcmp(x->figure, y->figure);
    if (order == 0)
        order = strcmp(x->profile, y->profile);
    if (order == 0 && x->seed != y->seed)
        order = x->seed < y->seed ? -1 : 1;
    if (order == 0)
        order = strcmp(name_of(session_of(x->stored->manifest, 0), "started"),
                       name_of(session_of(y->stored->manifest, 0), "started"));
    return order != 0 ? order : strcmp(x->stored->folder, y->stored->folder);
}

int status_find(struct store *store, struct status *status, struct err *err)
{
    *status = (struct status){0};
    status->runs = mem_new(store->count, sizeof *status->runs, err);
    int code = status->runs == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < store->count && code == 0; i++) {
        struct status_run *run = &status->runs[status->count];
        code = take(&store->runs[i], run, err);
        if (code == 0) {
            status->count++;
            status->states[run->state]++;
        }
    }
    if (code != 0)
        status_release(status);
    else if (status->count > 1)
        qsort(status->runs, status->count, sizeof *status->runs, by_figure);
    return code;
}

void status_release(struct status *status)
{
    mem_free(status->runs);
    *status = (struct status){0};
}
