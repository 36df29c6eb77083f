#include "report/picture.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"
#include "draw/page.h"
#include "draw/planned.h"

#include <inttypes.h>
#include <string.h>

#define STUDY_PANELS 3 /* of plots/panel-accumulation.gp */

/* Every curve with the logs that are there: of a figure that trains nothing, its schedule's. */
static int fill_curves(struct pictures *pictures, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    size_t used = 0;
    int code = 0;
    for (size_t i = 0; i < experiment->run_count && code == 0; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        size_t planned = experiment->schedules_only ? 1 : 0;
        size_t seeds = set->trained ? set->curves.curve[i].count : planned;
        pictures->curves[i] = (struct plot_curve){.title = run->title,
                                                  .logs = &pictures->logs[used],
                                                  .log_count = seeds,
                                                  .paper_series = run->paper_curve,
                                                  .paper_series_count = run->paper_curve_count};
        for (size_t s = 0; s < seeds && code == 0; s++) {
            struct plot_log *log = &pictures->logs[used++];
            if (set->trained) {
                log->path = set->curves.curve[i].seeds[s]->log_path;
                code = stored_log(set->curves.curve[i].seeds[s], &log->log, err);
            } else {
                log->log = &pictures->planned[i];
                code = planned_log(&set->evidence.here[i], &pictures->planned[i], err);
            }
        }
    }
    return code;
}

/* The panels twice: those of the runs have the printed curves and axes only at the scale of the
 * paper's schedule, those of the paper always. */
static int fill_panels(struct pictures *pictures, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    int same = !experiment_reduced(experiment, set->found.facts.profile);
    for (size_t i = 0; i < experiment->panel_count; i++) {
        const struct experiment_panel *panel = &experiment->panels[i];
        struct plot_panel *paper = &pictures->paper_panels[i], *run = &pictures->run_panels[i];
        if (panel->paper_curves != NULL &&
            (pictures->papers[i] = mem_format(err, "%s/experiments/%s",
                                              pictures->report->options->share,
                                              panel->paper_curves)) == NULL)
            return ERR_MEMORY;
        *paper = (struct plot_panel){.title = panel->title,
                                     .x = panel->x,
                                     .y = panel->y,
                                     .y_label = panel->y_label,
                                     .early = panel->early,
                                     .curve_count = panel->run_count,
                                     .curves = panel->runs,
                                     .paper_curves = pictures->papers[i],
                                     .printed = panel->x_range[1] > 0 && panel->y_range[1] > 0,
                                     .x_range = {panel->x_range[0], panel->x_range[1]},
                                     .y_range = {panel->y_range[0], panel->y_range[1]}};
        *run = *paper;
        if (!same) {
            run->paper_curves = NULL;
            run->printed = 0;
        }
    }
    return 0;
}

static int fill_requests(struct pictures *pictures, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    size_t runs = experiment->run_count, panels = experiment->panel_count;
    pictures->script = mem_format(err, "%s/plots/panel.gp", pictures->report->options->share);
    pictures->curves = mem_new(runs, sizeof *pictures->curves, err);
    pictures->run_panels = mem_new(panels, sizeof *pictures->run_panels, err);
    pictures->paper_panels = mem_new(panels, sizeof *pictures->paper_panels, err);
    pictures->papers = mem_new(panels, sizeof *pictures->papers, err);
    pictures->logs = mem_new(set->wanted + runs, sizeof *pictures->logs, err);
    pictures->planned = mem_new(runs, sizeof *pictures->planned, err);
    if (pictures->script == NULL || pictures->curves == NULL || pictures->run_panels == NULL ||
        pictures->paper_panels == NULL || pictures->papers == NULL || pictures->logs == NULL ||
        pictures->planned == NULL)
        return ERR_MEMORY;
    pictures->runs = (struct plot_request){.script = pictures->script,
                                           .stem = set->name,
                                           .title = experiment->title,
                                           .caption = set->caption,
                                           .curve_count = runs,
                                           .curves = pictures->curves,
                                           .panel_count = panels,
                                           .panels = pictures->run_panels};
    pictures->paper = pictures->runs;
    pictures->paper.panels = pictures->paper_panels;
    int code = fill_curves(pictures, set, err);
    return code == 0 ? fill_panels(pictures, set, err) : code;
}

/* "Test set accuracy against parameter updates.  Original training schedule: 84.1 % after 15600
 * updates; ..." */
static int describe(const struct report_set *set, const struct picture *picture, char **words,
                    struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    const struct experiment_panel *panel = &experiment->panels[picture->panel];
    struct text out = {0};
    text_put(&out, "%s against %s.", panel->y, panel->x);
    for (size_t i = 0; i < panel->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[panel->runs[i]];
        const struct report_curve *curve = &set->curve[panel->runs[i]];
        text_put(&out, " %s", run->title);
        if (picture->view == PANEL_PAPER && run->paper_accuracy > 0)
            text_put(&out, ": %.1f %% by the paper's text", 100 * run->paper_accuracy);
        else if (picture->view != PANEL_PAPER && curve->seeds > 0)
            text_put(&out, ": %.2f %% after %" PRId64 " updates", 100 * curve->accuracy,
                     curve->updates);
        text_put_char(&out, i + 1 == panel->run_count ? '.' : ';');
    }
    return text_take(&out, words, "a report", err);
}

static int add(struct pictures *pictures, const struct report_set *set, size_t panel,
               enum panel_view view, double closer_to, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    const char *title = experiment->panels[panel].title;
    const char *where = view == PANEL_PAPER ? "in the paper, digitised"
                        : set->trained      ? "here"
                                            : "as planned";
    struct picture *picture = &pictures->picture[pictures->count++];
    picture->closer_to = closer_to;
    picture->panel = panel;
    picture->view = view;
    picture->name = mem_format(err, "%s-%c%s%s", set->name, (char)('a' + panel % 26),
                               view == PANEL_PAPER ? "-paper" : "", closer_to > 0 ? "-start" : "");
    picture->title = mem_format(err, "%s%s%s%s", title, title[0] == '\0' ? "" : ": ", where,
                                closer_to > 0 ? ", a closer look at the start" : "");
    if (picture->name == NULL || picture->title == NULL)
        return ERR_MEMORY;
    return describe(set, picture, &picture->words, err);
}

/* 1 when a run of the panel has a log. */
static int has_runs(const struct plot_request *request, size_t panel)
{
    const struct plot_panel *what = &request->panels[panel];
    for (size_t i = 0; i < what->curve_count; i++)
        if (request->curves[what->curves[i]].log_count > 0)
            return 1;
    return 0;
}

/* Of a panel over updates; at the paper's scale, or at that of the runs. */
static double closer_look(const struct report_set *set, size_t panel, int at_paper)
{
    const struct experiment_panel *what = &set->found.facts.experiment->panels[panel];
    double updates[PANEL_RUN_MAX];
    if (strcmp(what->x, "updates") != 0)
        return 0.0;
    for (size_t i = 0; i < what->run_count; i++) {
        const struct report_curve *curve = &set->curve[what->runs[i]];
        updates[i] = (double)(at_paper ? curve->paper_updates : curve->updates);
    }
    return panel_closer(updates, what->run_count);
}

/* Ours beside the paper's, then the closer look at each. */
static int add_panel(struct pictures *pictures, const struct report_set *set, size_t panel,
                     struct err *err)
{
    int code = 0;
    for (int closer = 0; closer < 2 && code == 0; closer++) {
        double ours = closer ? closer_look(set, panel, 0) : 0.0;
        double theirs = closer ? closer_look(set, panel, 1) : 0.0;
        if (has_runs(&pictures->runs, panel) && (!closer || ours > 0))
            code = add(pictures, set, panel, PANEL_RUNS, ours, err);
        if (code == 0 && pictures->paper.panels[panel].paper_curves != NULL &&
            (!closer || theirs > 0))
            code = add(pictures, set, panel, PANEL_PAPER, theirs, err);
    }
    return code;
}

int pictures_of_set(struct pictures *pictures, const struct report *report,
                    const struct report_set *set, struct err *err)
{
    *pictures = (struct pictures){.report = report};
    size_t panels = set->found.facts.experiment->panel_count;
    pictures->picture = mem_new(4 * panels, sizeof *pictures->picture, err);
    int code = pictures->picture == NULL ? ERR_MEMORY : fill_requests(pictures, set, err);
    for (size_t p = 0; p < panels && code == 0; p++)
        code = add_panel(pictures, set, p, err);
    if (code != 0)
        pictures_release(pictures);
    return code;
}

int pictures_of_study(struct pictures *pictures, const struct report *report,
                      const struct report_study *study, struct err *err)
{
    static const char *const titles[] = {"(a) weights held", "(b) in training",
                                         "(c) epochs lost, weights held"};
    static const char *const words[] = {
        "The accumulation along G in units of G/(1-m), against updates times 1-m, with the weights "
        "held: a curve a measurement, and equation (11) dashed.",
        "The same in training.",
        "Epochs lost to the growth of the accumulation, measured against predicted by equation "
        "(13): a point a measurement, on logarithmic axes, and their equality dashed."};
    *pictures = (struct pictures){.report = report, .study = study};
    pictures->picture = mem_new(STUDY_PANELS, sizeof *pictures->picture, err);
    pictures->script = mem_format(err, "%s/plots/panel-accumulation.gp", report->options->share);
    int code = pictures->picture == NULL || pictures->script == NULL ? ERR_MEMORY : 0;
    for (size_t p = 0; p < STUDY_PANELS && code == 0; p++) {
        struct picture *picture = &pictures->picture[pictures->count++];
        picture->panel = p;
        picture->name = mem_format(err, "%s-%c", study->name, (char)('a' + p));
        picture->title = mem_string(titles[p], err);
        picture->words = mem_string(words[p], err);
        if (picture->name == NULL || picture->title == NULL || picture->words == NULL)
            code = ERR_MEMORY;
    }
    if (code != 0)
        pictures_release(pictures);
    return code;
}

int pictures_have(const struct pictures *pictures, enum panel_view view)
{
    for (size_t i = 0; i < pictures->count; i++)
        if (pictures->picture[i].view == view)
            return 1;
    return 0;
}

int pictures_overlay(const struct pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++)
        if (pictures->picture[i].view == PANEL_RUNS && pictures->study == NULL &&
            pictures->run_panels[pictures->picture[i].panel].paper_curves != NULL)
            return 1;
    return 0;
}

void pictures_release(struct pictures *pictures)
{
    for (size_t i = 0; i < pictures->count; i++) {
        mem_free(pictures->picture[i].name);
        mem_free(pictures->picture[i].title);
        mem_free(pictures->picture[i].words);
    }
    for (size_t i = 0; pictures->planned != NULL && i < pictures->runs.curve_count; i++)
        runlog_release(&pictures->planned[i]);
    for (size_t i = 0; pictures->papers != NULL && i < pictures->runs.panel_count; i++)
        mem_free(pictures->papers[i]);
    mem_free(pictures->picture);
    mem_free(pictures->script);
    mem_free(pictures->curves);
    mem_free(pictures->run_panels);
    mem_free(pictures->paper_panels);
    mem_free(pictures->papers);
    mem_free(pictures->logs);
    mem_free(pictures->planned);
    *pictures = (struct pictures){0};
}

static int draw_study(const struct pictures *pictures, size_t panel, const char *format,
                      const char *path, struct err *err)
{
    const struct report_study *study = pictures->study;
    struct text out = {0};
    char *variables = NULL, *terminal = mem_format(err, "panel-%s", format);
    char *summary = mem_format(err, "%s-summary.tsv", study->stem);
    int code = terminal == NULL || summary == NULL ? ERR_MEMORY : 0;
    if (code == 0) {
        text_put(&out, "measurements = %zu; panel = %zu; summary = ", study->measurements,
                 panel + 1);
        gnuplot_put_path(&out, summary);
        text_put_string(&out, "; ");
        code = text_take(&out, &variables, "a figure", err);
    }
    if (code == 0) {
        struct page page = {.script = pictures->script,
                            .stem = study->name,
                            .title = "",
                            .caption = "",
                            .table = study->points,
                            .variables = variables};
        code = page_picture(&page, terminal, path, err);
    }
    mem_free(variables);
    mem_free(terminal);
    mem_free(summary);
    return code;
}

int picture_draw(const struct pictures *pictures, size_t i, const char *format, const char *path,
                 struct err *err)
{
    const struct picture *picture = &pictures->picture[i];
    const struct plot_request *request = picture->view == PANEL_PAPER ? &pictures->paper
                                                                      : &pictures->runs;
    if (pictures->study != NULL)
        return draw_study(pictures, picture->panel, format, path, err);
    return panel_draw(request, picture->panel, picture->view, picture->closer_to, format, path,
                      err);
}
