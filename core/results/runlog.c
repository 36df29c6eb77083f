#include "results/runlog.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LIMIT (64u << 20)

#define COLUMNS                                                                             \
    "epoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\ttrain_loss\ttrain_loss_l2\t" \
    "train_accuracy\ttest_loss\ttest_accuracy\timages_per_second\tseconds"

static const char header[] = COLUMNS "\n";

int runlog_append(struct runlog *log, const struct runlog_row *row, struct err *err)
{
    if (log->count == log->capacity) {
        size_t capacity = log->capacity == 0 ? 256 : log->capacity * 2;
        struct runlog_row *rows = mem_new(capacity, sizeof *rows, err);
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

void runlog_release(struct runlog *log)
{
    mem_free(log->rows);
    memset(log, 0, sizeof *log);
}

/* One line with its newline; its length, or -1 when it does not fit. */
static int format_row(const struct runlog_row *row, char line[RUNLOG_LINE])
{
    int length = snprintf(
        line, RUNLOG_LINE,
        "%d\t%" PRId64 "\t%" PRId64 "\t%.9g\t%" PRId64 "\t%.9g\t%.6g\t%.9g\t%.9g\t%.6f\t%.9g\t%.6f"
        "\t%.1f\t%.2f\n",
        row->epoch, row->updates, row->images, row->lr, row->batch, row->momentum, row->noise_scale,
        row->train_loss, row->train_loss_l2, row->train_accuracy, row->test_loss,
        row->test_accuracy, row->images_per_second, row->seconds);
    return length < RUNLOG_LINE ? length : -1;
}

const char *runlog_columns(void)
{
    return COLUMNS;
}

int runlog_line(const struct runlog_row *row, char line[RUNLOG_LINE], struct err *err)
{
    int length = format_row(row, line);
    if (length < 1)
        return err_set(err, ERR_INTERNAL, "the row of epoch %d does not fit into a line",
                       row->epoch);
    line[length - 1] = '\0';
    return 0;
}

/* What the file holds of the first `rows` rows, with their times or zeros for them; path is for the
 * error. */
static int put_rows(struct text *out, const struct runlog *log, size_t rows, int times,
                    const char *path, struct err *err)
{
    char line[RUNLOG_LINE];
    text_put_string(out, header);
    for (size_t i = 0; i < rows; i++) {
        struct runlog_row row = log->rows[i];
        if (!times)
            row.images_per_second = row.seconds = 0.0;
        int length = format_row(&row, line);
        if (length < 0)
            return err_set(err, ERR_INTERNAL, "%s: the row of epoch %d does not fit into a line",
                           path, log->rows[i].epoch);
        text_put_bytes(out, line, (size_t)length);
    }
    return out->failed ? err_set(err, ERR_MEMORY, "%s: out of memory while writing a log", path)
                       : 0;
}

int runlog_write(const struct runlog *log, const char *path, struct err *err)
{
    struct text text = {0};
    int code = put_rows(&text, log, log->count, 1, path, err);
    if (code == 0)
        code = file_replace(path, text.bytes, text.size, err);
    text_release(&text);
    return code;
}

static int digest_rows(const struct runlog *log, size_t rows, int times, char digest[DIGEST_TEXT],
                       struct err *err)
{
    struct text text = {0};
    int code = put_rows(&text, log, rows, times, "log.tsv", err);
    if (code == 0)
        digest_bytes(text.bytes, text.size, 0, digest);
    text_release(&text);
    return code;
}

int runlog_digest(const struct runlog *log, size_t rows, char digest[DIGEST_TEXT], struct err *err)
{
    return digest_rows(log, rows, 1, digest, err);
}

int runlog_digest_timeless(const struct runlog *log, size_t rows, char digest[DIGEST_TEXT],
                           struct err *err)
{
    return digest_rows(log, rows, 0, digest, err);
}

/* One line of `length` bytes with its newline; 0 when it is not what format_row() makes of the row:
 * sscanf alone lets blanks, hexadecimal and numbers out of range pass. */
static int parse_row(const char *line, size_t length, struct runlog_row *row)
{
    char again[RUNLOG_LINE];
    int fields = sscanf(line,
                        "%d\t%" SCNd64 "\t%" SCNd64 "\t%lf\t%" SCNd64
                        "\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf\t%lf",
                        &row->epoch, &row->updates, &row->images, &row->lr, &row->batch,
                        &row->momentum, &row->noise_scale, &row->train_loss, &row->train_loss_l2,
                        &row->train_accuracy, &row->test_loss, &row->test_accuracy,
                        &row->images_per_second, &row->seconds);
    return fields == 14 && format_row(row, again) == (int)length &&
           memcmp(again, line, length) == 0;
}

int runlog_read(struct runlog *log, const char *path, struct err *err)
{
    return runlog_read_first(log, path, SIZE_MAX, err);
}

int runlog_read_first(struct runlog *log, const char *path, size_t most, struct err *err)
{
    char *text = NULL;
    size_t size;
    int code = file_read(path, LOG_LIMIT, &text, &size, err);
    if (code != 0)
        return code;
    if (size < sizeof header - 1 || memcmp(text, header, sizeof header - 1) != 0) {
        code = err_set(err, ERR_INPUT, "%s:1: the columns are not those of a run's log", path);
        goto out;
    }
    int line_number = 2;
    for (char *line = text + sizeof header - 1, *end;
         line < text + size && code == 0 && log->count < most; line_number++, line = end) {
        size_t rest = (size_t)(text + size - line);
        char *newline = memchr(line, '\n', rest);
        struct runlog_row row;
        end = newline == NULL ? line + rest : newline + 1;
        if (newline == NULL || !parse_row(line, (size_t)(end - line), &row))
            code = err_set(err, ERR_INPUT, "%s:%d: damaged line", path, line_number);
        else
            code = runlog_append(log, &row, err);
    }
out:
    mem_free(text);
    if (code != 0)
        runlog_release(log);
    return code;
}
