#include "results/noiselog.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOG_LIMIT (64u << 20)
#define LINE 512

static const char header[] =
    "epoch\tupdates\tlr\tbatch\tmomentum\tnoise_scale\tghost\tghosts\tgradient\ttrace\t"
    "trace_variance\talong\tsquare\tsimple\tsimple_low\tsimple_high\tfluctuation\n";

char *noiselog_path(const char *folder, struct err *err)
{
    return mem_format(err, "%s/noise.tsv", folder);
}

int noiselog_append(struct noiselog *log, const struct noiselog_row *row, struct err *err)
{
    if (log->count == log->capacity) {
        size_t capacity = log->capacity == 0 ? 256 : log->capacity * 2;
        struct noiselog_row *rows = mem_new(capacity, sizeof *rows, err);
        if (rows == NULL)
            return ERR_MEMORY;
        if (log->count > 0)
            memcpy(rows, log->rows, log->count * sizeof *rows);
        mem_free(log->rows);
        log->rows = rows;
        log->capacity = capacity;
    }
    log->rows[log->count++] = *row;
    return 0;
}

void noiselog_release(struct noiselog *log)
{
    mem_free(log->rows);
    memset(log, 0, sizeof *log);
}

/* One line with its newline; its length, or -1 when it does not fit. */
static int format_row(const struct noiselog_row *row, char line[LINE])
{
    const struct noise_estimate *noise = &row->noise;
    int length = snprintf(line, LINE,
                          "%d\t%" PRId64 "\t%.9g\t%" PRId64 "\t%.9g\t%.6g\t%" PRId64 "\t%" PRId64
                          "\t%.9g\t%.9g\t%.9g\t%.9g\t%.9g\t%.6g\t%.6g\t%.6g\t%.9g\n",
                          row->epoch, row->updates, row->lr, row->batch, row->momentum,
                          row->noise_scale, noise->rows, noise->ghosts, noise->gradient,
                          noise->trace, noise->trace_variance, noise->along, noise->square,
                          row->simple, row->interval.low, row->interval.high, row->fluctuation);
    return length < LINE ? length : -1;
}

int noiselog_write(const struct noiselog *log, const char *path, struct err *err)
{
    struct file_writer file = {0};
    char line[LINE];
    int code = file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, header, sizeof header - 1, err);
    for (size_t i = 0; code == 0 && i < log->count; i++) {
        int length = format_row(&log->rows[i], line);
        code = length < 0 ? err_set(err, ERR_INTERNAL,
                                    "%s: the row behind update %" PRId64 " does not fit into a "
                                    "line",
                                    path, log->rows[i].updates)
                          : file_put(&file, line, (size_t)length, err);
    }
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    return code;
}

/* 0 when it is not what format_row() makes of the row; see runlog.c. */
static int parse_row(const char *line, size_t length, struct noiselog_row *row)
{
    char again[LINE];
    struct noise_estimate *noise = &row->noise;
    *row = (struct noiselog_row){.noise = {.times = 1}};
    int fields = sscanf(line,
                        "%d\t%" SCNd64 "\t%lf\t%" SCNd64 "\t%lf\t%lf\t%" SCNd64 "\t%" SCNd64
                        "\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf",
                        &row->epoch, &row->updates, &row->lr, &row->batch, &row->momentum,
                        &row->noise_scale, &noise->rows, &noise->ghosts, &noise->gradient,
                        &noise->trace, &noise->trace_variance, &noise->along, &noise->square,
                        &row->simple, &row->interval.low, &row->interval.high, &row->fluctuation);
    return fields == 17 && noise->rows >= 1 && noise->ghosts >= NOISE_GHOSTS_MIN &&
           format_row(row, again) == (int)length && memcmp(again, line, length) == 0;
}

int noiselog_read(struct noiselog *log, const char *path, struct err *err)
{
    char *text = NULL;
    size_t size;
    int code = file_read(path, LOG_LIMIT, &text, &size, err);
    if (code != 0)
        return code;
    if (size < sizeof header - 1 || memcmp(text, header, sizeof header - 1) != 0)
        code = err_set(err, ERR_INPUT, "%s:1: the columns are not those of measured noise", path);
    int line_number = 2;
    for (char *line = text + sizeof header - 1, *end; code == 0 && line < text + size;
         line_number++, line = end) {
        size_t rest = (size_t)(text + size - line);
        char *newline = memchr(line, '\n', rest);
        struct noiselog_row row;
        end = newline == NULL ? line + rest : newline + 1;
        if (newline == NULL || !parse_row(line, (size_t)(end - line), &row))
            code = err_set(err, ERR_INPUT, "%s:%d: damaged line", path, line_number);
        else
            code = noiselog_append(log, &row, err);
    }
    mem_free(text);
    if (code != 0)
        noiselog_release(log);
    return code;
}
