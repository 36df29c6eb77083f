/* plot.c -- the points and three pictures go to .part files; when all of them are whole they take their names. */
#include "lab/plot.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/gnuplot.h"
#include "train/runlog.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPTION_COLUMNS 126 /* fits the width of the figure in the captions' type size */
#define PAPER_LIMIT ((size_t)16 << 20)

static const char *const formats[] = {"png", "svg", "pdf"};
#define FORMAT_COUNT (sizeof formats / sizeof *formats)

/* Text in a table: no tab, newline or double quote, which readers of tables give a meaning. */
static void put_plain(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        fputc(byte == '"' ? '\'' : byte < 0x20 || byte == 0x7f ? ' ' : byte, out);
    }
}

/* Ends a memory stream; on success *text is the caller's, to be freed with free(). */
static int end_stream(FILE *stream, char **text, struct err *err)
{
    int bad = ferror(stream);
    if (fclose(stream) == 0 && !bad)
        return 0;
    free(*text);
    *text = NULL;
    return err_set(err, ERR_MEMORY, "out of memory while writing a figure's data");
}

static int points_text(const struct plot_request *request, const struct runlog *logs, char **text, size_t *size,
                       struct err *err)
{
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "out of memory while writing a figure's data");
    fputs("# ", out);
    put_plain(out, request->title);
    fputs("\n# ", out);
    put_plain(out, request->caption);
    fputs("\ncurve\ttitle\tepoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\ttrain_loss\ttrain_loss_l2\t"
          "train_accuracy\ttest_loss\ttest_accuracy\n", out);
    for (size_t i = 0; i < request->curve_count; i++) {
        for (const struct runlog_row *row = logs[i].rows; row < logs[i].rows + logs[i].count; row++) {
            fprintf(out, "%zu\t", i + 1);
            put_plain(out, request->curves[i].title);
            fprintf(out, "\t%d\t%" PRId64 "\t%" PRId64 "\t%.9g\t%" PRId64 "\t%.9g\t%.6g", row->epoch, row->updates,
                    row->images, row->lr, row->batch, row->momentum, row->noise_scale);
            fprintf(out, "\t%.9g\t%.9g\t%.6f\t%.9g\t%.6f\n", row->train_loss, row->train_loss_l2, row->train_accuracy,
                    row->test_loss, row->test_accuracy);
        }
    }
    return end_stream(out, text, err);
}

/* Breaks text at spaces so that no line is longer than `columns` characters where that can be; returns the lines. */
static size_t wrap(char *text, size_t columns)
{
    size_t lines = 1, width = 0;
    char *space = NULL;
    for (char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at & 0xc0) == 0x80) /* inside a UTF-8 character */
            continue;
        width++;
        if (*at == '\n') {
            lines++;
            width = 0;
            space = NULL;
        } else if (*at == ' ') {
            space = at;
        }
        if (width > columns && space != NULL) {
            *space = '\n';
            lines++;
            width = 0;
            for (const char *c = space + 1; c <= at; c++)
                width += ((unsigned char)*c & 0xc0) != 0x80;
            space = NULL;
        }
    }
    return lines;
}

static void put_text(FILE *out, const char *name, const char *text)
{
    fprintf(out, "%s = ", name);
    gnuplot_put_string(out, text);
    fputs("; ", out);
}

static void put_path(FILE *out, const char *name, const char *path)
{
    fprintf(out, "%s = ", name);
    gnuplot_put_path(out, path == NULL ? "" : path);
    fputs("; ", out);
}

static void put_curves(FILE *out, const struct plot_request *request, const struct runlog *logs)
{
    size_t count = request->curve_count;
    fprintf(out, "curves = %zu; array curve_title[%zu]; array curve_series[%zu]; array last_epoch[%zu]; "
                 "array last_updates[%zu]; array last_accuracy[%zu]; ", count, count, count, count, count, count);
    for (size_t i = 0; i < count; i++) {
        const struct runlog_row *last = &logs[i].rows[logs[i].count - 1];
        fprintf(out, "curve_title[%zu] = ", i + 1);
        gnuplot_put_string(out, request->curves[i].title);
        fprintf(out, "; curve_series[%zu] = ", i + 1);
        const char *series = request->curves[i].paper_series;
        gnuplot_put_string(out, series == NULL ? "" : series);
        fprintf(out, "; last_epoch[%zu] = %d; last_updates[%zu] = %" PRId64 "; last_accuracy[%zu] = %.6f; ", i + 1,
                last->epoch, i + 1, last->updates, i + 1, last->test_accuracy);
    }
}

static int variables_text(const struct plot_request *request, const struct runlog *logs, const char *format,
                          const char *data, const char *part, const char *look, char **text, struct err *err)
{
    char *caption = mem_string(request->caption, err);
    if (caption == NULL)
        return ERR_MEMORY;
    size_t size, lines = wrap(caption, CAPTION_COLUMNS);
    FILE *out = open_memstream(text, &size);
    if (out == NULL) {
        mem_free(caption);
        return err_set(err, ERR_MEMORY, "out of memory while writing a figure's data");
    }
    put_text(out, "format", format);
    put_path(out, "output", part);
    put_path(out, "data", data);
    put_path(out, "look", look);
    put_path(out, "paper", request->paper_curves);
    put_text(out, "title", request->title);
    put_text(out, "caption", caption);
    fprintf(out, "caption_lines = %zu; ", lines);
    put_curves(out, request, logs);
    mem_free(caption);
    return end_stream(out, text, err);
}

/* The part must hold something and be on the disk before it takes the figure's name. */
static int settle(const char *part, struct err *err)
{
    struct stat found;
    int descriptor = open(part, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return err_errno(err, errno, "gnuplot wrote no %s", part);
    int code = 0;
    if (fstat(descriptor, &found) != 0 || fsync(descriptor) != 0)
        code = err_errno(err, errno, "cannot keep %s", part);
    else if (found.st_size == 0)
        code = err_set(err, ERR_CANNOT_RUN, "gnuplot wrote nothing to %s; is the disk full?", part);
    close(descriptor);
    return code;
}

static int draw_format(const struct plot_request *request, const struct runlog *logs, const char *format,
                       const char *data, const char *part, const char *look, struct err *err)
{
    char *variables = NULL;
    int code = variables_text(request, logs, format, data, part, look, &variables, err);
    if (code == 0)
        code = gnuplot_run(variables, request->script, err);
    if (code == 0)
        code = settle(part, err);
    free(variables);
    return code;
}

/* Draws every format into its part, then renames them all. */
static int draw_all(const struct plot_request *request, const struct runlog *logs, const char *data, const char *look,
                    struct err *err)
{
    char *paths[FORMAT_COUNT] = {NULL}, *parts[FORMAT_COUNT] = {NULL};
    int code = 0;
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++) {
        paths[i] = mem_format(err, "%s.%s", request->stem, formats[i]);
        parts[i] = mem_format(err, "%s.%s.part", request->stem, formats[i]);
        code = paths[i] == NULL || parts[i] == NULL ? ERR_MEMORY
                                                    : draw_format(request, logs, formats[i], data, parts[i], look, err);
    }
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++)
        if (rename(parts[i], paths[i]) != 0)
            code = err_errno(err, errno, "cannot replace %s", paths[i]);
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (code != 0 && parts[i] != NULL)
            unlink(parts[i]);
        mem_free(paths[i]);
        mem_free(parts[i]);
    }
    return code;
}

/* The points are written first, drawn from, and named last: the commit also brings the folder to the disk. */
static int draw_points(const struct plot_request *request, const struct runlog *logs, const char *look, struct err *err)
{
    char *text = NULL, *path = NULL;
    size_t size;
    struct file_writer file = {0};
    int code = points_text(request, logs, &text, &size, err);
    if (code != 0)
        return code;
    path = mem_format(err, "%s.tsv", request->stem);
    code = path == NULL ? ERR_MEMORY : file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, text, size, err);
    if (code == 0)
        code = draw_all(request, logs, file.part, look, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    mem_free(path);
    free(text);
    return code;
}

/* Each series asked for must be named at the start of some line. */
static int check_paper(const struct plot_request *request, struct err *err)
{
    char *text = NULL;
    size_t size;
    int code = request->paper_curves == NULL ? 0 : file_read(request->paper_curves, PAPER_LIMIT, &text, &size, err);
    for (size_t i = 0; i < request->curve_count && code == 0 && text != NULL; i++) {
        const char *series = request->curves[i].paper_series;
        if (series == NULL)
            continue;
        size_t length = strlen(series);
        const char *line = text;
        while (line != NULL && (strncmp(line, series, length) != 0 || line[length] != '\t')) {
            line = strchr(line, '\n');
            line = line == NULL ? NULL : line + 1;
        }
        if (line == NULL)
            code = err_set(err, ERR_INPUT, "%s: no curve '%s'", request->paper_curves, series);
    }
    mem_free(text);
    return code;
}

/* Reads a log of which a curve can be drawn; row r stands in line r + 2. */
static int read_log(const char *path, struct runlog *log, struct err *err)
{
    int code = runlog_read(log, path, err);
    if (code == 0 && log->count == 0)
        code = err_set(err, ERR_INPUT, "%s:2: no finished epoch yet; train the run first", path);
    for (size_t r = 0; r < log->count && code == 0; r++) {
        const struct runlog_row *row = &log->rows[r];
        if (!(row->test_accuracy >= 0 && row->test_accuracy <= 1))
            code = err_set(err, ERR_INPUT, "%s:%zu: test_accuracy is %g; it is a fraction from 0 to 1", path, r + 2,
                           row->test_accuracy);
        else if (r > 0 && (row->epoch <= row[-1].epoch || row->updates <= row[-1].updates))
            code = err_set(err, ERR_INPUT, "%s:%zu: epoch %d, update %" PRId64 " does not come after the line before",
                           path, r + 2, row->epoch, row->updates);
    }
    return code;
}

/* look.gp beside the script. */
static char *look_path(const char *script, struct err *err)
{
    const char *slash = strrchr(script, '/');
    return mem_format(err, "%.*slook.gp", slash == NULL ? 0 : (int)(slash - script + 1), script);
}

int plot_draw(const struct plot_request *request, struct err *err)
{
    if (request->curve_count == 0)
        return err_set(err, ERR_INPUT, "%s: no curve to draw", request->stem);
    char *look = look_path(request->script, err);
    struct runlog *logs = mem_new(request->curve_count, sizeof *logs, err);
    int code = look == NULL || logs == NULL ? ERR_MEMORY : 0;
    if (code == 0 && (!file_exists(request->script) || !file_exists(look)))
        code = err_set(err, ERR_INPUT, "%s: no such plot script; the plots folder of the installation is incomplete",
                       file_exists(request->script) ? look : request->script);
    if (code == 0)
        code = check_paper(request, err);
    for (size_t i = 0; i < request->curve_count && code == 0; i++)
        code = read_log(request->curves[i].log_path, &logs[i], err);
    if (code == 0)
        code = draw_points(request, logs, look, err);
    for (size_t i = 0; i < request->curve_count && logs != NULL; i++)
        runlog_release(&logs[i]);
    mem_free(logs);
    mem_free(look);
    return code;
}
