#include "export/curves.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_COUNT 6
static const char *const labels[LABEL_COUNT] = {"figure",  "profile", "data",
                                                "backend", "run",     "seed"};

/* Of the columns that have one. */
static const char *const units[][2] = {
    {"images", "images trained on since the start"},
    {"lr", "learning rate of the epoch"},
    {"batch", "images an update"},
    {"noise_scale", "lr/(1-momentum) (N/batch - 1), eq. (4)"},
    {"train_loss", "nats, mean over the epoch's images as they were trained on"},
    {"train_loss_l2", "the same with weight_decay/2 |w|^2 at the epoch's end"},
    {"train_accuracy", "0..1"},
    {"test_loss", "nats"},
    {"test_accuracy", "0..1"},
    {"images_per_second", "training alone"},
    {"seconds", "of the epoch, evaluation included"},
};

/* Two texts that grow side by side. */
struct tables {
    struct text csv, json;
    int rows;
};

/* A field of a CSV line: in quotes where it needs them. */
static void put_field(struct text *csv, const char *field)
{
    if (strpbrk(field, ",\"\r\n") == NULL) {
        text_put_string(csv, field);
        return;
    }
    text_put_char(csv, '"');
    for (; *field != '\0'; field++) {
        if (*field == '"')
            text_put_char(csv, '"');
        text_put_char(csv, *field);
    }
    text_put_char(csv, '"');
}

static void put_string(struct text *json, const char *string)
{
    json_t *value = json_string(string);
    text_put_json(json, value, JSON_ENCODE_ANY);
    json_decref(value);
}

/* "lr" of "epoch\tupdates\t...", place i; its length is *length. */
static const char *column(const char *line, int i, int *length)
{
    while (i-- > 0)
        line += strcspn(line, "\t") + 1;
    *length = (int)strcspn(line, "\t");
    return line;
}

static int column_count(void)
{
    int count = 1;
    for (const char *at = runlog_columns(); *at != '\0'; at++)
        count += *at == '\t';
    return count;
}

/* The values of labels[], of which the last is a number. */
static void label_values(const struct export_run *run, char label[FACTS_LABEL], char seed[24],
                         const char *values[LABEL_COUNT])
{
    snprintf(seed, 24, "%" PRIu64, run->seed);
    values[0] = run->facts->experiment->name;
    values[1] = run->facts->profile->name;
    values[2] = run->facts->data.name;
    values[3] = facts_label(&run->facts->backend, label);
    values[4] = run->what->name;
    values[5] = seed;
}

static int put_row(struct tables *tables, const struct export_run *run,
                   const struct runlog_row *row, struct err *err)
{
    char line[RUNLOG_LINE], label[FACTS_LABEL], seed[24];
    const char *values[LABEL_COUNT];
    int code = runlog_line(row, line, err), count = column_count();
    if (code != 0)
        return code;
    label_values(run, label, seed, values);
    text_put_string(&tables->json, tables->rows++ == 0 ? "\n    {" : ",\n    {");
    for (int i = 0; i < LABEL_COUNT; i++) {
        put_field(&tables->csv, values[i]);
        text_put_char(&tables->csv, ',');
        text_put(&tables->json, "\"%s\": ", labels[i]);
        if (i < LABEL_COUNT - 1)
            put_string(&tables->json, values[i]);
        else
            text_put_string(&tables->json, values[i]);
        text_put_string(&tables->json, ", ");
    }
    for (int i = 0; i < count; i++) {
        int name_length, length;
        const char *name = column(runlog_columns(), i, &name_length),
                   *value = column(line, i, &length), *last = i + 1 < count ? "," : "";
        text_put(&tables->csv, "%.*s%s", length, value, last);
        text_put(&tables->json, "\"%.*s\": %.*s%s%s", name_length, name, length, value, last,
                 *last == ',' ? " " : "");
    }
    text_put_char(&tables->csv, '\n');
    text_put_char(&tables->json, '}');
    return 0;
}

static void put_head(struct tables *tables)
{
    int count = column_count(), length;
    text_put_string(&tables->json, "{\n  \"columns\": [");
    for (int i = 0; i < LABEL_COUNT; i++) {
        text_put(&tables->csv, "%s,", labels[i]);
        text_put(&tables->json, "\"%s\", ", labels[i]);
    }
    for (int i = 0; i < count; i++) {
        const char *name = column(runlog_columns(), i, &length);
        text_put(&tables->csv, "%.*s%c", length, name, i + 1 < count ? ',' : '\n');
        text_put(&tables->json, "\"%.*s\"%s", length, name, i + 1 < count ? ", " : "],\n");
    }
    text_put_string(&tables->json, "  \"units\": {");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        text_put(&tables->json, "%s\n    \"%s\": \"%s\"", i == 0 ? "" : ",", units[i][0],
                 units[i][1]);
    text_put_string(&tables->json, "\n  },\n  \"runs\": [");
}

static void put_runs(struct tables *tables, const struct export_run *runs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *provenance = export_provenance(&runs[i]);
        text_put_string(&tables->json, i == 0 ? "\n    " : ",\n    ");
        text_put_json(&tables->json, provenance, JSON_REAL_PRECISION(12));
        json_decref(provenance);
    }
    text_put_string(&tables->json, "\n  ],\n  \"rows\": [");
}

/* STEM with an ending, replaced by the text, which is released. */
static int write_text(struct text *text, const char *stem, const char *ending, struct err *err)
{
    char *bytes = NULL, *path = mem_format(err, "%s%s", stem, ending);
    int code = path == NULL ? ERR_MEMORY : text_take(text, &bytes, path, err);
    if (code == 0)
        code = file_replace(path, bytes, strlen(bytes), err);
    mem_free(bytes);
    mem_free(path);
    return code;
}

int export_curves(const struct export_run *runs, size_t count, const char *stem, struct err *err)
{
    struct tables tables = {0};
    int code = 0;
    put_head(&tables);
    put_runs(&tables, runs, count);
    for (size_t i = 0; code == 0 && i < count; i++) {
        const struct runlog *log;
        code = stored_log(runs[i].stored, &log, err);
        for (size_t row = 0; code == 0 && row < log->count; row++)
            code = put_row(&tables, &runs[i], &log->rows[row], err);
    }
    text_put_string(&tables.json, "\n  ]\n}\n");
    if (code == 0)
        code = write_text(&tables.csv, stem, ".csv", err);
    if (code == 0)
        code = write_text(&tables.json, stem, ".json", err);
    text_release(&tables.csv);
    text_release(&tables.json);
    return code;
}
