#include "lab/manifest.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "results/runlog.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MANIFEST_LIMIT (4u << 20)
#define FORMAT 1

int manifest_read(const char *path, json_t **out, struct err *err)
{
    char *text;
    size_t size;
    int code = file_read(path, MANIFEST_LIMIT, &text, &size, err);
    if (code != 0)
        return code;
    json_error_t where;
    json_t *manifest = json_loadb(text, size, 0, &where);
    mem_free(text);
    if (manifest == NULL)
        return err_set(err, ERR_INPUT,
                       "%s:%d: damaged (%s); delete the folder to begin the run anew", path,
                       where.line, where.text);
    *out = manifest;
    return 0;
}

int manifest_each(const char *out, manifest_visit *visit, void *context, struct err *err)
{
    char *runs = mem_format(err, "%s/runs", out);
    DIR *directory = runs == NULL ? NULL : opendir(runs);
    int code = runs == NULL ? ERR_MEMORY : 0;
    for (struct dirent *entry;
         code == 0 && directory != NULL && (entry = readdir(directory)) != NULL;) {
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

static int load(const char *path, const char *hash, json_t **out, struct err *err)
{
    json_t *manifest;
    int code = manifest_read(path, &manifest, err);
    if (code != 0)
        return code;
    const char *found = json_string_value(json_object_get(manifest, "identity_hash"));
    if (found == NULL || strcmp(found, hash) != 0) {
        err_set(err, ERR_INPUT, "%s: belongs to another run (identity %s); delete the folder", path,
                found == NULL ? "missing" : found);
        json_decref(manifest);
        return ERR_INPUT;
    }
    *out = manifest;
    return 0;
}

int manifest_status(const char *path, const char *hash, enum run_status *status, struct err *err)
{
    *status = RUN_NEW;
    if (!file_exists(path))
        return 0;
    json_t *manifest;
    int code = load(path, hash, &manifest, err);
    if (code != 0)
        return code;
    const char *text = json_string_value(json_object_get(manifest, "status"));
    *status = text != NULL && strcmp(text, "done") == 0 ? RUN_DONE : RUN_PARTIAL;
    json_decref(manifest);
    return 0;
}

static json_t *host_json(const struct session *session)
{
    struct utsname system;
    int named = uname(&system) == 0;
    return json_pack("{s:s, s:s, s:i, s:I, s:s, s:s}", "device", session->caps.device, "library",
                     session->caps.library, "threads", (int)session->caps.threads, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "system",
                     named ? system.sysname : "unknown", "machine",
                     named ? system.machine : "unknown");
}

static json_t *lines_json(const char *text)
{
    json_t *lines = json_array();
    for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        json_array_append_new(lines, json_stringn(text, length));
    }
    return lines;
}

static json_t *session_json(const struct run *run, const char *commit, const char *version,
                            const char *choices, int64_t first_update)
{
    char now[CLOCK_TEXT];
    clock_text(now);
    json_t *session = json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "started", now, "commit",
                                commit, "version", version, "compiler", __VERSION__, "host",
                                host_json(run->session), "first_update", (json_int_t)first_update,
                                "last_update", (json_int_t)first_update);
    if (run->session->jobs > 1)
        json_object_set_new(session, "jobs", json_integer(run->session->jobs));
    if (choices[0] != '\0')
        json_object_set_new(session, "choices", lines_json(choices));
    return session;
}

/* The first line in which two lists of choices differ; -1 when they are the same. */
static int64_t first_difference(const json_t *a, const json_t *b)
{
    size_t longer = json_array_size(a) > json_array_size(b) ? json_array_size(a)
                                                            : json_array_size(b);
    for (size_t i = 0; i < longer; i++)
        if (!json_equal(json_array_get(a, i), json_array_get(b, i)))
            return (int64_t)i;
    return -1;
}

static const char *line_of(const json_t *choices, int64_t line)
{
    const char *text = json_string_value(json_array_get(choices, (size_t)line));
    return text == NULL ? "nothing" : text;
}

static int64_t first_update_of(const json_t *session)
{
    return json_integer_value(json_object_get(session, "first_update"));
}

/* A tuned run goes on with the choices that it began with: others would give other bits.  Without
 * tuning the choices follow from the library, and a newer one is allowed.  A session of which no
 * update was kept does not count. */
static int check_choices(const struct run *run, const json_t *sessions, const char *choices,
                         int64_t first_update, struct err *err)
{
    json_t *session, *now = lines_json(choices);
    size_t i;
    int code = 0;
    json_array_foreach(sessions, i, session)
    {
        const json_t *then = json_object_get(session, "choices"),
                     *next = json_array_get(sessions, i + 1);
        int kept = (next == NULL ? first_update : first_update_of(next)) > first_update_of(session);
        int64_t line = kept && then != NULL ? first_difference(then, now) : -1;
        if (line < 0)
            continue;
        code = err_set(err, ERR_INPUT,
                       "%s: session %zu has the choice '%.300s', now it would be '%.300s', which "
                       "gives other bits; put back "
                       "the file of plans (REPRO_PLANS), device and library that the run began "
                       "with, or delete the run's folder to begin it anew",
                       run->manifest_path, i + 1, line_of(then, line), line_of(now, line));
        break;
    }
    json_decref(now);
    return code;
}

int manifest_begin(const struct run *run, const char *commit, const char *version,
                   const char *choices, int64_t first_update, json_t **out, struct err *err)
{
    json_t *manifest = NULL;
    if (file_exists(run->manifest_path)) {
        int code = load(run->manifest_path, run->hash, &manifest, err);
        if (code == 0 && run->session->tuned)
            code = check_choices(run, json_object_get(manifest, "sessions"), choices, first_update,
                                 err);
        if (code != 0) {
            json_decref(manifest);
            return code;
        }
    } else {
        manifest = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:O, s:s, s:I, s:[]}", "format",
                             FORMAT, "run", run->what->name, "title", run->what->title, "figure",
                             run->session->experiment->name, "profile", run->session->profile->name,
                             "identity_hash", run->hash, "identity", run->identity, "status",
                             "running", "planned_updates", (json_int_t)run->schedule.updates,
                             "sessions");
    }
    json_t *session = session_json(run, commit, version, choices, first_update);
    if (json_array_append_new(json_object_get(manifest, "sessions"), session) != 0) {
        json_decref(manifest);
        return err_set(err, ERR_INPUT,
                       "%s: damaged: no list of sessions; delete the folder to begin the run anew",
                       run->manifest_path);
    }
    *out = manifest;
    return 0;
}

static int is_text(const json_t *value, const char *text)
{
    const char *found = json_string_value(value);
    return found != NULL && strcmp(found, text) == 0;
}

int manifest_is_named(const json_t *manifest, const char *figure, const char *run)
{
    char both[256];
    size_t i;
    json_t *name, *also = json_object_get(manifest, "also");
    if (is_text(json_object_get(manifest, "figure"), figure) &&
        is_text(json_object_get(manifest, "run"), run))
        return 1;
    snprintf(both, sizeof both, "%s/%s", figure, run);
    json_array_foreach(also, i, name) if (is_text(name, both)) return 1;
    return 0;
}

static int write_text(const struct run *run, const json_t *manifest, struct err *err)
{
    char *text = json_dumps(manifest, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    if (text == NULL)
        return err_set(err, ERR_MEMORY, "%s: cannot be put into words: out of memory",
                       run->manifest_path);
    int code = file_replace(run->manifest_path, text, strlen(text), err);
    free(text);
    return code;
}

int manifest_add_name(const struct run *run, struct err *err)
{
    json_t *manifest;
    const char *figure = run->session->experiment->name;
    int code = load(run->manifest_path, run->hash, &manifest, err);
    if (code != 0)
        return code;
    if (!manifest_is_named(manifest, figure, run->what->name)) {
        if (!json_is_array(json_object_get(manifest, "also")))
            json_object_set_new(manifest, "also", json_array());
        json_array_append_new(json_object_get(manifest, "also"),
                              json_sprintf("%s/%s", figure, run->what->name));
        code = write_text(run, manifest, err);
    }
    json_decref(manifest);
    return code;
}

static json_t *result_json(const struct runlog *log)
{
    double best = 0.0, seconds = 0.0;
    const struct runlog_row *last = &log->rows[log->count - 1];
    for (size_t i = 0; i < log->count; i++) {
        seconds += log->rows[i].seconds;
        if (log->rows[i].test_accuracy > best)
            best = log->rows[i].test_accuracy;
    }
    return json_pack("{s:I, s:I, s:f, s:f, s:f, s:f}", "updates", (json_int_t)last->updates,
                     "images", (json_int_t)last->images, "test_accuracy", last->test_accuracy,
                     "best_test_accuracy", best, "train_loss", last->train_loss, "seconds",
                     seconds);
}

int manifest_write(const struct run *run, json_t *manifest, int64_t last_update,
                   const struct runlog *log, struct err *err)
{
    char now[CLOCK_TEXT];
    clock_text(now);
    json_t *sessions = json_object_get(manifest, "sessions");
    json_t *session = json_array_get(sessions, json_array_size(sessions) - 1);
    json_object_set_new(session, "ended", json_string(now));
    json_object_set_new(session, "last_update", json_integer(last_update));
    json_object_set_new(session, "peak_memory", json_integer(mem_peak()));
    if (log != NULL) {
        json_object_set_new(manifest, "status", json_string("done"));
        json_object_set_new(manifest, "result", result_json(log));
    }
    return write_text(run, manifest, err);
}
