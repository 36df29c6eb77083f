/* plot.c -- a figure's curves and panels, put into a page's table and variables. */
#include "draw/plot.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"
#include "draw/page.h"
#include "draw/series.h"

#include <inttypes.h>
#include <string.h>

#define PAPER_LIMIT ((size_t)16 << 20)

/* The names of the printed curves, a bar before and behind each. */
static void put_series(struct text *out, const struct plot_curve *curve)
{
    gnuplot_put_string(out, curve->paper_series_count == 0 ? "" : "|");
    for (size_t i = 0; i < curve->paper_series_count; i++) {
        text_put_string(out, ".");
        gnuplot_put_string(out, curve->paper_series[i]);
        text_put_string(out, ".'|'");
    }
}

static void put_curves(struct text *out, const struct plot_request *request,
                       const struct plot_series *series)
{
    size_t count = request->curve_count;
    text_put(
        out,
        "curves = %zu; array curve_title[%zu]; array curve_series[%zu]; array curve_seeds[%zu]; ",
        count, count, count, count);
    text_put(out,
             "array last_epoch[%zu]; array last_updates[%zu]; array last_accuracy[%zu]; array "
             "last_loss[%zu]; ",
             count, count, count, count);
    for (size_t i = 0; i < count; i++) {
        static const struct runlog_row none;
        size_t rows = series[i].mean.count;
        const struct runlog_row *last = rows == 0 ? &none : &series[i].mean.rows[rows - 1];
        text_put(out, "curve_title[%zu] = ", i + 1);
        gnuplot_put_string(out, request->curves[i].title);
        text_put(out, "; curve_series[%zu] = ", i + 1);
        put_series(out, &request->curves[i]);
        text_put(out,
                 "; curve_seeds[%zu] = %zu; last_epoch[%zu] = %d; last_updates[%zu] = %" PRId64
                 "; ",
                 i + 1, series[i].seeds, i + 1, last->epoch, i + 1, last->updates);
        text_put(out, "last_accuracy[%zu] = %.6f; last_loss[%zu] = %.9g; ", i + 1,
                 last->test_accuracy, i + 1, last->train_loss);
    }
}

static void put_panels(struct text *out, const struct plot_request *request)
{
    size_t count = request->panel_count;
    text_put(out, "panels = %zu; ", count);
    static const char *const arrays[] = {"title", "x",      "y",     "curves", "paper", "printed",
                                         "x_low", "x_high", "y_low", "y_high", "label", "early"};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        text_put(out, "array panel_%s[%zu]; ", arrays[i], count);
    for (size_t i = 0; i < count; i++) {
        const struct plot_panel *panel = &request->panels[i];
        text_put(out, "panel_title[%zu] = ", i + 1);
        gnuplot_put_string(out, panel->title);
        text_put(out, "; panel_x[%zu] = '%s'; panel_y[%zu] = '%s'; panel_curves[%zu] = '", i + 1,
                 panel->x, i + 1, panel->y, i + 1);
        for (size_t k = 0; k < panel->curve_count; k++)
            text_put(out, "%s%zu", k == 0 ? "" : " ", panel->curves[k] + 1);
        text_put(out, "'; panel_paper[%zu] = ", i + 1);
        gnuplot_put_path(out, panel->paper_curves == NULL ? "" : panel->paper_curves);
        text_put(out,
                 "; panel_printed[%zu] = %d; panel_x_low[%zu] = %.9g; panel_x_high[%zu] = %.9g; ",
                 i + 1, panel->printed != 0, i + 1, panel->x_range[0], i + 1, panel->x_range[1]);
        text_put(out, "panel_label[%zu] = ", i + 1);
        gnuplot_put_string(out, panel->y_label == NULL ? "" : panel->y_label);
        text_put(out, "; panel_early[%zu] = %d", i + 1, panel->early != 0);
        text_put(out, "; panel_y_low[%zu] = %.9g; panel_y_high[%zu] = %.9g; ", i + 1,
                 panel->y_range[0], i + 1, panel->y_range[1]);
    }
}

/* 1 when a line of the text begins with the name and a tab. */
static int has_series(const char *text, const char *name)
{
    size_t length = strlen(name);
    const char *line = text;
    while (line != NULL && (strncmp(line, name, length) != 0 || line[length] != '\t')) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return line != NULL;
}

/* Each series asked for must be named at the start of some line. */
static int check_paper(const struct plot_request *request, const struct plot_panel *panel,
                       struct err *err)
{
    char *text = NULL;
    size_t size;
    int code = panel->paper_curves == NULL
                   ? 0
                   : file_read(panel->paper_curves, PAPER_LIMIT, &text, &size, err);
    for (size_t i = 0; i < panel->curve_count && code == 0 && text != NULL; i++) {
        const struct plot_curve *curve = &request->curves[panel->curves[i]];
        for (size_t k = 0; k < curve->paper_series_count && code == 0; k++)
            if (!has_series(text, curve->paper_series[k]))
                code = err_set(err, ERR_INPUT, "%s: no curve '%s'", panel->paper_curves,
                               curve->paper_series[k]);
    }
    mem_free(text);
    return code;
}

int plot_texts(const struct plot_request *request, char **table, char **variables, struct err *err)
{
    struct plot_series *series = NULL;
    struct text out = {0};
    char *points = NULL;
    int code = 0;
    for (size_t i = 0; i < request->panel_count && code == 0; i++)
        code = check_paper(request, &request->panels[i], err);
    if (code == 0)
        code = plot_series_make(request, &series, err);
    if (code == 0)
        code = plot_series_text(request, series, &points, err);
    if (code == 0) {
        put_curves(&out, request, series);
        put_panels(&out, request);
        code = text_take(&out, variables, "a figure's data", err);
    }
    if (code == 0) {
        *table = points;
        points = NULL;
    }
    plot_series_free(series, request->curve_count);
    mem_free(points);
    return code;
}

int plot_draw(const struct plot_request *request, struct err *err)
{
    char *table = NULL, *variables = NULL;
    if (request->curve_count == 0 || request->panel_count == 0)
        return err_set(err, ERR_INPUT, "%s: no curve to draw", request->stem);
    int code = plot_texts(request, &table, &variables, err);
    if (code == 0) {
        struct page page = {.script = request->script,
                            .stem = request->stem,
                            .title = request->title,
                            .caption = request->caption,
                            .table = table,
                            .variables = variables};
        code = page_draw(&page, err);
    }
    mem_free(table);
    mem_free(variables);
    return code;
}
