/* What a training writes.  Every value that goes into a manifest is checked: one that lacks a field
 * would be believed. */
#include "results/manifest.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "results/manifest_parts.h"
#include "results/runlog.h"
#include "results/seal.h"

#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define SIZE_MOST ((size_t)1 << 20) /* of a manifest, a quarter of what is read */

/* Values that are put into JSON return NULL, or not 0, when they cannot be had. */

static json_t *host_json(const struct facts_backend *backend)
{
    struct utsname system;
    int named = uname(&system) == 0;
    return json_pack(
        "{s:s, s:s, s:i, s:I, s:s, s:s}", "device", backend->device, "library", backend->library,
        "threads", backend->threads, "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "system",
        named ? system.sysname : "unknown", "machine", named ? system.machine : "unknown");
}

static json_t *lines_json(const char *text)
{
    json_t *lines = json_array();
    for (size_t length; lines != NULL && *text != '\0'; text += length + (text[length] == '\n')) {
        length = strcspn(text, "\n");
        if (json_array_append_new(lines, json_stringn(text, length)) == 0)
            continue;
        json_decref(lines);
        return NULL;
    }
    return lines;
}

static json_t *noise_json(const struct manifest_session *begun)
{
    int by_updates = begun->noise_every > 0;
    return json_pack("{s:I, s:I}", by_updates ? "every_updates" : "every_epochs",
                     (json_int_t)(by_updates ? begun->noise_every : begun->noise_epochs), "ghosts",
                     (json_int_t)begun->noise_ghosts);
}

static json_t *session_json(const struct run *run, const struct manifest_session *begun)
{
    char now[CLOCK_TEXT];
    clock_text(now);
    json_t *session = json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "started", now, "commit",
                                begun->commit, "version", begun->version, "compiler", __VERSION__,
                                "host", host_json(&run->facts->backend), "first_update",
                                (json_int_t)begun->first_update, "last_update",
                                (json_int_t)begun->first_update);
    int bad = session == NULL;
    if (begun->jobs > 1)
        bad |= json_object_set_new(session, "jobs", json_integer(begun->jobs));
    if (begun->ranks > 1)
        bad |= json_object_set_new(session, "ranks", json_integer(begun->ranks));
    if (begun->noise_ghosts > 0)
        bad |= json_object_set_new(session, "measure_noise", noise_json(begun));
    if (run->facts->backend.tuned)
        bad |= json_object_set_new(session, "tuned", json_true());
    if (begun->choices[0] != '\0')
        bad |= json_object_set_new(session, "choices", lines_json(begun->choices));
    if (!bad)
        return session;
    json_decref(session);
    return NULL;
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

static int out_of_memory(const struct run *run, struct err *err)
{
    return err_set(err, ERR_MEMORY, "%s: cannot be put into words: out of memory",
                   run->manifest_path);
}

/* A tuned run goes on with the choices that it began with: others would give other bits.  Without
 * tuning the choices follow from the library, and a newer one is allowed.  A session of which no
 * update was kept does not count. */
static int check_choices(const struct run *run, const json_t *sessions, const char *choices,
                         int64_t first_update, struct err *err)
{
    json_t *session, *now = lines_json(choices);
    if (now == NULL)
        return out_of_memory(run, err);
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

static json_t *new_manifest(const struct run *run)
{
    const struct facts *facts = run->facts;
    json_t *manifest = json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:s, s:O, s:s, s:I, s:[]}", "format", SEAL_FORMAT, "run",
        run->what->name, "title", run->what->title, "figure", facts->experiment->name, "profile",
        facts->profile->name, "identity_hash", run->hash, "identity", run->identity, "status",
        "running", "planned_updates", (json_int_t)run->schedule.updates, "sessions");
    if (manifest == NULL || facts->data.own_files == 0 ||
        json_object_set_new(manifest, "own_files", json_integer(facts->data.own_files)) == 0)
        return manifest;
    json_decref(manifest);
    return NULL;
}

int manifest_begin(const struct run *run, const struct manifest_session *begun, json_t **out,
                   struct err *err)
{
    json_t *manifest = NULL, *session = NULL;
    int code = 0;
    if (file_exists(run->manifest_path)) {
        code = manifest_load(run->manifest_path, run->hash, &manifest, err);
        if (code == 0 && !json_is_array(json_object_get(manifest, "sessions")))
            code = err_set(err, ERR_INPUT,
                           "%s: damaged: no list of sessions; delete the folder to begin the run "
                           "anew",
                           run->manifest_path);
        if (code == 0 && run->facts->backend.tuned)
            code = check_choices(run, json_object_get(manifest, "sessions"), begun->choices,
                                 begun->first_update, err);
    } else {
        manifest = new_manifest(run);
        code = manifest == NULL ? out_of_memory(run, err) : 0;
    }
    if (code == 0) {
        session = session_json(run, begun);
        if (json_array_append_new(json_object_get(manifest, "sessions"), session) != 0)
            code = out_of_memory(run, err);
    }
    if (code != 0) {
        json_decref(manifest);
        return code;
    }
    *out = manifest;
    return 0;
}

/* Of two sessions, one after the other: the one of which updates were kept, with the end of the
 * second, and how many starts it stands for. */
static int fold_two(json_t *sessions, struct err *err, const struct run *run)
{
    json_t *first = json_array_get(sessions, 0), *second = json_array_get(sessions, 1);
    json_int_t starts = json_integer_value(json_object_get(first, "starts")),
               more = json_integer_value(json_object_get(second, "starts"));
    int kept = first_update_of(second) > first_update_of(first);
    json_t *one = json_copy(kept ? first : second);
    static const char *const ends[] = {"ended", "last_update"};
    int bad = one == NULL;
    for (size_t i = 0; i < sizeof ends / sizeof *ends && !bad; i++) {
        json_t *end = json_object_get(second, ends[i]);
        bad = end != NULL && json_object_set(one, ends[i], end) != 0;
    }
    bad = bad || json_object_set_new(
                     one, "starts",
                     json_integer((starts == 0 ? 1 : starts) + (more == 0 ? 1 : more))) != 0;
    if (bad || json_array_set_new(sessions, 1, one) != 0) {
        json_decref(bad ? one : NULL);
        return out_of_memory(run, err);
    }
    json_array_remove(sessions, 0);
    return 0;
}

/* The manifest's text, sealed.  A run that is started often would grow a manifest that cannot be
 * read any more: the older half of its sessions becomes one then. */
static int put_text(const struct run *run, json_t *manifest, struct text *text, struct err *err)
{
    json_t *sessions = json_object_get(manifest, "sessions");
    if (json_object_set_new(manifest, "format", json_integer(SEAL_FORMAT)) != 0)
        return out_of_memory(run, err);
    for (;;) {
        text_put_json(text, manifest, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
        size_t count = json_array_size(sessions);
        if (text->failed)
            return out_of_memory(run, err);
        if (text->size <= SIZE_MOST || count < 3)
            break;
        for (size_t i = 0; i < count / 2; i++)
            if (fold_two(sessions, err, run) != 0)
                return ERR_MEMORY;
        text_release(text);
    }
    seal_put(text);
    return text->failed ? out_of_memory(run, err) : 0;
}

static int write_text(const struct run *run, json_t *manifest, struct err *err)
{
    struct text text = {0};
    int code = put_text(run, manifest, &text, err);
    if (code == 0)
        code = file_replace(run->manifest_path, text.bytes, text.size, err);
    text_release(&text);
    return code;
}

static int has_name(const struct run *run, const json_t *manifest)
{
    return manifest_is_named(manifest, run->facts->experiment->name, run->what->name);
}

/* Under the run's lock: another figure may note its own name meanwhile. */
static int add_name(const struct run *run, struct err *err)
{
    json_t *manifest;
    int bad = 0, code = manifest_load(run->manifest_path, run->hash, &manifest, err);
    if (code != 0)
        return code;
    if (!has_name(run, manifest)) {
        json_t *also = json_object_get(manifest, "also");
        if (!json_is_array(also)) {
            also = json_array();
            bad = json_object_set_new(manifest, "also", also);
        }
        bad = bad || json_array_append_new(also, json_sprintf("%s/%s", run->facts->experiment->name,
                                                              run->what->name)) != 0;
        code = bad ? out_of_memory(run, err) : write_text(run, manifest, err);
    }
    json_decref(manifest);
    return code;
}

int manifest_add_name(const struct run *run, struct err *err)
{
    json_t *manifest;
    int lock = -1, code = manifest_load(run->manifest_path, run->hash, &manifest, err);
    if (code != 0)
        return code;
    int named = has_name(run, manifest);
    json_decref(manifest);
    if (named)
        return 0;
    code = run_hold(run, 1, &lock, err);
    if (code == 0)
        code = add_name(run, err);
    if (lock >= 0)
        close(lock);
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

static json_t *last_session(const json_t *manifest)
{
    const json_t *sessions = json_object_get(manifest, "sessions");
    return json_array_get(sessions, json_array_size(sessions) - 1);
}

int manifest_note_broken(const struct run *run, json_t *manifest, int64_t images, int64_t rows,
                         struct err *err)
{
    if (images == 0)
        return 0;
    json_t *broken = json_pack("{s:I, s:I}", "images", (json_int_t)images, "rows_replaced",
                               (json_int_t)rows);
    return json_object_set_new(last_session(manifest), "broken", broken) == 0
               ? 0
               : out_of_memory(run, err);
}

int manifest_set_traffic(const struct run *run, json_t *manifest, int64_t messages, int64_t bytes,
                         struct err *err)
{
    json_t *sent = json_pack("{s:I, s:I}", "messages", (json_int_t)messages, "bytes",
                             (json_int_t)bytes);
    return json_object_set_new(last_session(manifest), "sent", sent) == 0 ? 0
                                                                          : out_of_memory(run, err);
}

static int set_digest(const struct run *run, json_t *manifest, const char *what, const char *digest,
                      struct err *err)
{
    json_t *digests = json_object_get(manifest, "digests");
    int bad = 0;
    if (digests == NULL) {
        digests = json_object();
        bad = json_object_set_new(manifest, "digests", digests) != 0;
    }
    bad = bad || json_object_set_new(digests, what, json_string(digest)) != 0;
    return bad ? out_of_memory(run, err) : 0;
}

int manifest_set_checkpoint(const struct run *run, json_t *manifest, const char *digest,
                            struct err *err)
{
    return set_digest(run, manifest, "checkpoint", digest, err);
}

/* What the run came to. */
static int set_result(const struct run *run, json_t *manifest, const struct runlog *log,
                      struct err *err)
{
    char digest[DIGEST_TEXT];
    if (json_object_set_new(manifest, "status", json_string("done")) != 0 ||
        json_object_set_new(manifest, "result", result_json(log)) != 0)
        return out_of_memory(run, err);
    int code = runlog_digest(log, log->count, digest, err);
    return code == 0 ? set_digest(run, manifest, "log", digest, err) : code;
}

int manifest_write(const struct run *run, json_t *manifest, int64_t last_update,
                   const struct runlog *log, struct err *err)
{
    char now[CLOCK_TEXT];
    clock_text(now);
    json_t *session = last_session(manifest);
    int bad = json_object_set_new(session, "ended", json_string(now)) |
              json_object_set_new(session, "last_update", json_integer(last_update)) |
              json_object_set_new(session, "peak_memory", json_integer(mem_peak()));
    int code = bad ? out_of_memory(run, err) : 0;
    if (code == 0 && log != NULL)
        code = set_result(run, manifest, log, err);
    return code == 0 ? write_text(run, manifest, err) : code;
}
