#include "export/events.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "export/records.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* Doubles of a row, and the counts behind them. */
static const struct {
    const char *tag;
    size_t offset;
} reals[] = {
#define REAL(tag, field)                        \
    {                                           \
        tag, offsetof(struct runlog_row, field) \
    }
    REAL("loss/train", train_loss),
    REAL("loss/train_l2", train_loss_l2),
    REAL("loss/test", test_loss),
    REAL("accuracy/train", train_accuracy),
    REAL("accuracy/test", test_accuracy),
    REAL("schedule/learning_rate", lr),
    REAL("schedule/momentum", momentum),
    REAL("schedule/noise_scale", noise_scale),
    REAL("progress/images_per_second", images_per_second),
#undef REAL
};
#define REAL_COUNT (sizeof reals / sizeof *reals)
#define COUNT_COUNT 3

static void put_row(struct text *file, const struct runlog_row *row, double wall_time)
{
    struct records_scalar scalars[REAL_COUNT + COUNT_COUNT];
    for (size_t i = 0; i < REAL_COUNT; i++) {
        double value;
        memcpy(&value, (const char *)row + reals[i].offset, sizeof value);
        scalars[i] = (struct records_scalar){reals[i].tag, value};
    }
    scalars[REAL_COUNT] = (struct records_scalar){"schedule/batch_size", (double)row->batch};
    scalars[REAL_COUNT + 1] = (struct records_scalar){"progress/epoch", (double)row->epoch};
    scalars[REAL_COUNT + 2] = (struct records_scalar){"progress/images", (double)row->images};
    records_put_scalars(file, wall_time, row->updates, scalars, REAL_COUNT + COUNT_COUNT);
}

/* When a session began, in seconds since 1970; -1 where it does not say. */
static int64_t started(const json_t *session)
{
    struct tm utc = {0};
    const char *text = json_string_value(json_object_get(session, "started")), *end;
    if (text == NULL || (end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc)) == NULL || *end != '\0')
        return -1;
    return (int64_t)timegm(&utc);
}

/* The last session that began before an update was done. */
static size_t session_of(const json_t *sessions, int64_t updates)
{
    size_t found = 0, i;
    json_t *session;
    json_array_foreach(sessions, i, session)
    {
        if (json_integer_value(json_object_get(session, "first_update")) < updates)
            found = i;
    }
    return found;
}

static int put_rows(struct text *file, const struct export_run *run, const struct runlog *log,
                    struct err *err)
{
    const json_t *sessions = json_object_get(run->stored->manifest, "sessions");
    size_t current = 0;
    double spent = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct runlog_row *row = &log->rows[i];
        size_t session = session_of(sessions, row->updates);
        int64_t start = started(json_array_get(sessions, session));
        if (start < 0)
            return err_set(err, ERR_INPUT,
                           "%s/manifest.json: session %zu does not say when it started",
                           run->stored->folder, session + 1);
        spent = session == current ? spent + row->seconds : row->seconds;
        current = session;
        put_row(file, row, (double)start + spent);
    }
    return 0;
}

int export_events(const struct export_run *run, const char *folder, struct err *err)
{
    const json_t *sessions = json_object_get(run->stored->manifest, "sessions");
    int64_t begin = started(json_array_get(sessions, 0));
    struct text file = {0};
    const struct runlog *log;
    char *bytes = NULL;
    char *path = mem_format(err, "%s/events.out.tfevents.%" PRId64 ".repro", folder, begin);
    int code = path == NULL ? ERR_MEMORY : stored_log(run->stored, &log, err);
    if (code == 0) {
        records_put_version(&file, (double)begin);
        code = put_rows(&file, run, log, err);
    }
    size_t size = file.size;
    if (code == 0)
        code = text_take(&file, &bytes, "TensorBoard's events", err);
    if (code == 0)
        code = file_make_folders(folder, err);
    if (code == 0)
        code = file_replace(path, bytes, size, err);
    text_release(&file);
    mem_free(bytes);
    mem_free(path);
    return code;
}
