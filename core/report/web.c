#include "report/web.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "report/html.h"
#include "report/picture.h"
#include "report/svg.h"
#include "report/tables.h"
#include "report/web_table.h"
#include "report/words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STYLE_LIMIT ((size_t)1 << 20)
#define PICTURE_LIMIT ((size_t)64 << 20)

struct web {
    const struct report *report;
    const char *path; /* of the page */
    struct text out;
};

static void put_paragraph(struct text *out, const char *kind, const char *words)
{
    text_put(out, "<p class=\"%s\">", kind);
    html_put(out, words);
    text_put_string(out, "</p>\n");
}

/* One picture, drawn beside the page and taken into it. */
static int put_picture(struct web *web, const struct pictures *pictures, size_t i,
                       const char *const *series, size_t count, struct err *err)
{
    const struct picture *picture = &pictures->picture[i];
    char *svg = NULL, *part = mem_format(err, "%s.%ld.svg", web->path, (long)getpid());
    size_t size;
    int code = part == NULL ? ERR_MEMORY : picture_draw(pictures, i, "svg", part, err);
    if (code == 0)
        code = file_read(part, PICTURE_LIMIT, &svg, &size, err);
    if (code == 0) {
        struct svg_words words = {.id = picture->name,
                                  .title = picture->title,
                                  .words = picture->words,
                                  .count = count,
                                  .series = series,
                                  .reference = pictures->study == NULL ? "in the paper"
                                                                       : "by the equation"};
        text_put(&web->out, "<div class=\"panel %s\"><p class=\"panel-title\">",
                 picture->view == PANEL_PAPER ? "paper" : "runs");
        html_put(&web->out, picture->title);
        text_put_string(&web->out, "</p>\n");
        code = svg_put(&web->out, svg, &words, part, err);
        text_put_string(&web->out, "</div>\n");
    }
    if (part != NULL)
        unlink(part);
    mem_free(part);
    mem_free(svg);
    return code;
}

/* A switch a curve, before the panels: the style hides what is switched off, without a script. */
static void put_switch(struct text *out, const char *name, const char *kind, const char *mark,
                       const char *title)
{
    text_put(out, "<input type=\"checkbox\" checked=\"checked\" class=\"%s\" id=\"", kind);
    html_put_id(out, name);
    text_put(out, "-%s\"/><label for=\"", kind);
    html_put_id(out, name);
    text_put(out, "-%s\"><span class=\"mark mark-%s\" aria-hidden=\"true\">%s</span> ", kind, kind,
             mark);
    html_put(out, title);
    text_put_string(out, "</label>\n");
}

/* The signs of last_point() in plots/look.gp. */
static const char *mark_of(size_t i)
{
    static const char *const marks[] = {"\xe2\x97\x8f", "\xe2\x96\xa0", "\xe2\x96\xb2",
                                        "\xe2\x97\x86"};
    return marks[i % 4];
}

static void put_switches(struct text *out, const char *name, const char *const *series,
                         size_t count, const char *reference)
{
    for (size_t i = 0; i < count; i++) {
        char kind[24];
        snprintf(kind, sizeof kind, "k%zu", i + 1);
        put_switch(out, name, kind, mark_of(i), series[i]);
    }
    if (reference != NULL)
        put_switch(out, name, "reference", "\xe2\x80\x94", reference);
}

static int put_set_pictures(struct web *web, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    struct pictures pictures = {0};
    const char *series[PANEL_RUN_MAX];
    char *caption = NULL;
    int code = pictures_of_set(&pictures, web->report, set, err);
    if (code != 0 || pictures.count == 0)
        return code;
    text_put_string(&web->out, "<figure>\n");
    for (size_t k = 0; k < experiment->panels[0].run_count; k++)
        series[k] = experiment->runs[experiment->panels[0].runs[k]].title;
    put_switches(&web->out, set->name, series, experiment->panels[0].run_count,
                 pictures_overlay(&pictures) ? "the paper's, beneath ours" : NULL);
    text_put_string(&web->out, "<div class=\"panels\">\n");
    for (size_t i = 0; i < pictures.count && code == 0; i++) {
        const struct experiment_panel *panel = &experiment->panels[pictures.picture[i].panel];
        for (size_t k = 0; k < panel->run_count; k++)
            series[k] = experiment->runs[panel->runs[k]].title;
        code = put_picture(web, &pictures, i, series, panel->run_count, err);
    }
    if (code == 0)
        code = words_caption(set, pictures_have(&pictures, PANEL_PAPER), &caption, err);
    if (code == 0) {
        text_put_string(&web->out, "</div>\n<figcaption>");
        html_put(&web->out, caption);
        text_put_string(&web->out, "</figcaption>\n</figure>\n");
    }
    mem_free(caption);
    pictures_release(&pictures);
    return code;
}

typedef int make_table(struct table *table, const struct report_set *set, struct err *err);

static int put_table(struct web *web, make_table *make, const struct report_set *set,
                     struct err *err)
{
    struct table table = {0};
    int code = make(&table, set, err);
    if (code == 0)
        web_table_put(&web->out, &table);
    table_release(&table);
    return code;
}

static int put_set(struct web *web, const struct report_set *set, struct err *err)
{
    int trains = !set->found.facts.experiment->schedules_only;
    text_put_string(&web->out, "<section class=\"set\" id=\"");
    html_put_id(&web->out, set->name);
    text_put_string(&web->out, "\">\n<h3>");
    html_put(&web->out, set->title);
    text_put_string(&web->out, "</h3>\n");
    int code = put_set_pictures(web, set, err);
    if (code == 0)
        code = put_table(web, tables_updates, set, err);
    if (code == 0 && trains)
        code = put_table(web, tables_accuracies, set, err);
    if (code == 0 && set->verdicts.count > 0)
        code = put_table(web, tables_verdicts, set, err);
    if (code == 0)
        code = put_table(web, tables_origin, set, err);
    if (code == 0 && set->trained) {
        text_put_string(&web->out, "<details><summary>The runs</summary>\n");
        code = put_table(web, tables_runs, set, err);
        text_put_string(&web->out, "</details>\n");
    }
    text_put_string(&web->out, "</section>\n");
    return code;
}

static int put_study(struct web *web, const struct report_study *study, struct err *err)
{
    struct pictures pictures = {0};
    struct table table = {0};
    const char *series[REPORT_SERIES];
    size_t count = study->series_count;
    int code = tables_study(&table, study, err);
    if (code == 0)
        code = pictures_of_study(&pictures, web->report, study, err);
    text_put_string(&web->out, "<section class=\"set\" id=\"");
    html_put_id(&web->out, study->name);
    text_put_string(&web->out, "\">\n<h3>");
    html_put(&web->out, study->title);
    text_put_string(&web->out, "</h3>\n<figure>\n");
    for (size_t k = 0; k < count; k++)
        series[k] = study->series[k];
    if (code == 0)
        put_switches(&web->out, study->name, series, count, "equations (11) and (13)");
    text_put_string(&web->out, "<div class=\"panels\">\n");
    for (size_t i = 0; i < pictures.count && code == 0; i++)
        code = put_picture(web, &pictures, i, series, count, err);
    text_put_string(&web->out, "</div>\n<figcaption>");
    html_put(&web->out, study->caption);
    text_put_string(&web->out, "</figcaption>\n</figure>\n");
    if (code == 0)
        web_table_put(&web->out, &table);
    text_put_string(&web->out, "<p class=\"again\">Again: <code>");
    html_put(&web->out, study->command);
    text_put_string(&web->out, "</code></p>\n</section>\n");
    table_release(&table);
    pictures_release(&pictures);
    return code;
}

static int put_figure(struct web *web, const struct report_figure *figure, struct err *err)
{
    char *missing = NULL;
    int code = words_missing(web->report, figure, &missing, err);
    if (code != 0)
        return code;
    text_put_string(&web->out, "<section class=\"of-figure\">\n<h2>");
    html_put(&web->out, figure->experiment->title);
    text_put_string(&web->out, "</h2>\n");
    if (missing[0] != '\0')
        put_paragraph(&web->out, "missing", missing);
    for (size_t s = 0; s < figure->set_count && code == 0; s++)
        code = put_set(web, &figure->sets[s], err);
    for (size_t s = 0; s < figure->study_count && code == 0; s++)
        code = put_study(web, &figure->studies[s], err);
    text_put_string(&web->out, "</section>\n");
    mem_free(missing);
    return code;
}

/* plots/report.css, which must be text that needs no escape in HTML and in XML. */
static int put_style(struct web *web, struct err *err)
{
    char *style = NULL, *path = mem_format(err, "%s/plots/report.css", web->report->options->share);
    size_t size;
    int code = path == NULL ? ERR_MEMORY : file_read(path, STYLE_LIMIT, &style, &size, err);
    if (code == 0 && strpbrk(style, "<&") != NULL)
        code = err_set(err, ERR_INPUT, "%s: '<' and '&' cannot stand in it", path);
    if (code == 0)
        text_put(&web->out, "<style>\n%s</style>\n", style);
    mem_free(path);
    mem_free(style);
    return code;
}

static int put_head(struct web *web, struct err *err)
{
    struct table contents = {0};
    char *summary = NULL;
    text_put_string(
        &web->out,
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
        "<meta charset=\"utf-8\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>");
    html_put(&web->out, WORDS_TITLE);
    text_put_string(&web->out, "</title>\n");
    int code = put_style(web, err);
    text_put_string(&web->out, "</head>\n<body>\n<header>\n<h1>");
    html_put(&web->out, WORDS_TITLE);
    text_put_string(&web->out, "</h1>\n");
    if (code == 0)
        code = words_summary(web->report, &summary, err);
    if (code == 0) {
        put_paragraph(&web->out, "paper", "Of: " WORDS_PAPER);
        put_paragraph(&web->out, "summary", summary);
        code = tables_contents(&contents, web->report, err);
    }
    if (code == 0) {
        text_put_string(&web->out, "<nav aria-label=\"Contents\">\n");
        web_table_put(&web->out, &contents);
        text_put_string(&web->out,
                        "</nav>\n<section class=\"reading\">\n<h2>How to read it</h2>\n");
        for (size_t i = 0; words_reading[i] != NULL; i++)
            put_paragraph(&web->out, "reading", words_reading[i]);
        text_put_string(&web->out, "</section>\n</header>\n<main>\n");
    }
    table_release(&contents);
    mem_free(summary);
    return code;
}

int web_write(const struct report *report, const char *path, struct err *err)
{
    struct web web = {.report = report, .path = path};
    char *bytes = NULL;
    size_t size = 0;
    int code = put_head(&web, err);
    for (size_t i = 0; i < report->figure_count && code == 0; i++)
        code = put_figure(&web, &report->figures[i], err);
    if (code == 0) {
        text_put_string(&web.out, "</main>\n<footer>\n<p>Made by ");
        html_put(&web.out, report->options->program);
        text_put_string(&web.out, " from results alone.</p>\n</footer>\n</body>\n</html>\n");
        size = web.out.size;
        code = text_take(&web.out, &bytes, path, err);
    }
    if (code == 0)
        code = file_replace(path, bytes, size, err);
    text_release(&web.out);
    mem_free(bytes);
    return code;
}
