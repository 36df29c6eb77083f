#include "results/runlog.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

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

static int put_row(struct file_writer *file, const struct runlog_row *row, const char *path,
                   struct err *err)
{
    char line[RUNLOG_LINE];
    int length = format_row(row, line);
    if (length < 0)
        return err_set(err, ERR_INTERNAL, "%s: the row of epoch %d does not fit into a line", path,
                       row->epoch);
    return file_put(file, line, (size_t)length, err);
}

int runlog_write(const struct runlog *log, const char *path, struct err *err)
{
    struct file_writer file = {0};
    int code = file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, header, sizeof header - 1, err);
    for (size_t i = 0; code == 0 && i < log->count; i++)
        code = put_row(&file, &log->rows[i], path, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    return code;
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
    for (char *line = text + sizeof header - 1, *end; line < text + size && code == 0;
         line_number++, line = end) {
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
