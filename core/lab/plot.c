/* plot.c -- the points and three pictures go to .part files; when all of them are whole they take their names. */
#include "lab/plot.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/gnuplot.h"
#include "lab/plot_series.h"
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

static void put_curves(FILE *out, const struct plot_request *request, const struct plot_series *series)
{
    size_t count = request->curve_count;
    fprintf(out, "curves = %zu; array curve_title[%zu]; array curve_series[%zu]; array curve_seeds[%zu]; ", count, count,
            count, count);
    fprintf(out, "array last_epoch[%zu]; array last_updates[%zu]; array last_accuracy[%zu]; array last_loss[%zu]; ",
            count, count, count, count);
    for (size_t i = 0; i < count; i++) {
        const struct runlog_row *last = &series[i].mean.rows[series[i].mean.count - 1];
        fprintf(out, "curve_title[%zu] = ", i + 1);
        gnuplot_put_string(out, request->curves[i].title);
        fprintf(out, "; curve_series[%zu] = ", i + 1);
        const char *printed = request->curves[i].paper_series;
        gnuplot_put_string(out, printed == NULL ? "" : printed);
        fprintf(out, "; curve_seeds[%zu] = %zu; last_epoch[%zu] = %d; last_updates[%zu] = %" PRId64 "; ", i + 1,
                series[i].seeds, i + 1, last->epoch, i + 1, last->updates);
        fprintf(out, "last_accuracy[%zu] = %.6f; last_loss[%zu] = %.9g; ", i + 1, last->test_accuracy, i + 1,
                last->train_loss);
    }
}

static void put_panels(FILE *out, const struct plot_request *request)
{
    size_t count = request->panel_count;
    fprintf(out, "panels = %zu; ", count);
    static const char *const arrays[] = {"title", "x", "y", "curves", "paper", "printed", "x_low", "x_high", "y_low",
                                         "y_high"};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        fprintf(out, "array panel_%s[%zu]; ", arrays[i], count);
    for (size_t i = 0; i < count; i++) {
        const struct plot_panel *panel = &request->panels[i];
        fprintf(out, "panel_title[%zu] = ", i + 1);
        gnuplot_put_string(out, panel->title);
        fprintf(out, "; panel_x[%zu] = '%s'; panel_y[%zu] = '%s'; panel_curves[%zu] = '", i + 1, panel->x, i + 1, panel->y,
                i + 1);
        for (size_t k = 0; k < panel->curve_count; k++)
            fprintf(out, "%s%zu", k == 0 ? "" : " ", panel->curves[k] + 1);
        fprintf(out, "'; panel_paper[%zu] = ", i + 1);
        gnuplot_put_path(out, panel->paper_curves == NULL ? "" : panel->paper_curves);
        fprintf(out, "; panel_printed[%zu] = %d; panel_x_low[%zu] = %.9g; panel_x_high[%zu] = %.9g; ", i + 1,
                panel->printed != 0, i + 1, panel->x_range[0], i + 1, panel->x_range[1]);
        fprintf(out, "panel_y_low[%zu] = %.9g; panel_y_high[%zu] = %.9g; ", i + 1, panel->y_range[0], i + 1,
                panel->y_range[1]);
    }
}

static int variables_text(const struct plot_request *request, const struct plot_series *series, const char *format,
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
    put_text(out, "title", request->title);
    put_text(out, "caption", caption);
    fprintf(out, "caption_lines = %zu; ", lines);
    put_curves(out, request, series);
    put_panels(out, request);
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

static int draw_format(const struct plot_request *request, const struct plot_series *series, const char *format,
                       const char *data, const char *part, const char *look, struct err *err)
{
    char *variables = NULL;
    int code = variables_text(request, series, format, data, part, look, &variables, err);
    if (code == 0)
        code = gnuplot_run(variables, request->script, err);
    if (code == 0)
        code = settle(part, err);
    free(variables);
    return code;
}

/* Draws every format into its part, then renames them all. */
static int draw_all(const struct plot_request *request, const struct plot_series *series, const char *data, const char *look,
                    struct err *err)
{
    char *paths[FORMAT_COUNT] = {NULL}, *parts[FORMAT_COUNT] = {NULL};
    int code = 0;
    for (size_t i = 0; i < FORMAT_COUNT && code == 0; i++) {
        paths[i] = mem_format(err, "%s.%s", request->stem, formats[i]);
        parts[i] = mem_format(err, "%s.%s.part", request->stem, formats[i]);
        code = paths[i] == NULL || parts[i] == NULL ? ERR_MEMORY
                                                    : draw_format(request, series, formats[i], data, parts[i], look, err);
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
static int draw_points(const struct plot_request *request, const struct plot_series *series, const char *look, struct err *err)
{
    char *text = NULL, *path = NULL;
    size_t size;
    struct file_writer file = {0};
    int code = plot_series_text(request, series, &text, &size, err);
    if (code != 0)
        return code;
    path = mem_format(err, "%s.tsv", request->stem);
    code = path == NULL ? ERR_MEMORY : file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, text, size, err);
    if (code == 0)
        code = draw_all(request, series, file.part, look, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    mem_free(path);
    free(text);
    return code;
}

/* Each series asked for must be named at the start of some line. */
static int check_paper(const struct plot_request *request, const struct plot_panel *panel, struct err *err)
{
    char *text = NULL;
    size_t size;
    int code = panel->paper_curves == NULL ? 0 : file_read(panel->paper_curves, PAPER_LIMIT, &text, &size, err);
    for (size_t i = 0; i < panel->curve_count && code == 0 && text != NULL; i++) {
        const char *series = request->curves[panel->curves[i]].paper_series;
        if (series == NULL)
            continue;
        size_t length = strlen(series);
        const char *line = text;
        while (line != NULL && (strncmp(line, series, length) != 0 || line[length] != '\t')) {
            line = strchr(line, '\n');
            line = line == NULL ? NULL : line + 1;
        }
        if (line == NULL)
            code = err_set(err, ERR_INPUT, "%s: no curve '%s'", panel->paper_curves, series);
    }
    mem_free(text);
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
    if (request->curve_count == 0 || request->panel_count == 0)
        return err_set(err, ERR_INPUT, "%s: no curve to draw", request->stem);
    struct plot_series *series = NULL;
    char *look = look_path(request->script, err);
    int code = look == NULL ? ERR_MEMORY : 0;
    if (code == 0 && (!file_exists(request->script) || !file_exists(look)))
        code = err_set(err, ERR_INPUT, "%s: no such plot script; the plots folder of the installation is incomplete",
                       file_exists(request->script) ? look : request->script);
    for (size_t i = 0; i < request->panel_count && code == 0; i++)
        code = check_paper(request, &request->panels[i], err);
    if (code == 0)
        code = plot_series_read(request, &series, err);
    if (code == 0)
        code = draw_points(request, series, look, err);
    plot_series_free(series, request->curve_count);
    mem_free(look);
    return code;
}
