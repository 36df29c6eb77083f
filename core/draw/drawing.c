#include "draw/drawing.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/planned.h"
#include "draw/plot.h"
#include "experiment/conventions.h"

#include <inttypes.h>
#include <stdio.h>

/* Whether a seed of it is missing. */
static int is_short(const struct drawing *drawing)
{
    for (size_t i = 0; drawing->unfinished && i < drawing->curves->count; i++)
        if (drawing->curves->curve[i].count < drawing->seeds)
            return 1;
    return 0;
}

/* What the figure shows, honestly: data, scale, backend, seeds. */
char *drawing_caption(const struct drawing *drawing, struct err *err)
{
    const struct facts *facts = drawing->facts;
    const struct experiment_profile *profile = facts->profile;
    const struct experiment *experiment = facts->experiment;
    char conventions[CONVENTIONS_TEXT], label[FACTS_LABEL], *words = NULL;
    struct text text = {0};
    struct schedule schedule;
    if (experiment->schedules_only)
        return mem_format(err,
                          "Profile %s: the schedules as planned for %" PRId64
                          " training images and %d epochs; "
                          "nothing was trained for this figure.",
                          profile->name, facts_train_n(facts), profile->epochs);
    if (experiment_schedule(experiment, profile, &experiment->runs[0], &schedule, err) != 0)
        return NULL;
    conventions_text(&schedule.conventions, conventions);
    text_put(&text,
             "%s, profile %s: %s, %" PRId64 " training and %" PRId64
             " test images, %d epochs%s%s; ",
             facts->data.title, profile->name, profile->network, facts_train_n(facts),
             profile->test_n, schedule.epochs, conventions[0] == '\0' ? "" : ", ", conventions);
    text_put(&text, "backend %s (%s), ", facts_label(&facts->backend, label),
             facts->backend.library);
    if (drawing->seeds == 1)
        text_put(&text, "seed %" PRIu64, drawing->first_seed);
    else
        text_put(&text,
                 "mean of seeds %" PRIu64 " to %" PRIu64 ", the band reaches from the lowest to "
                 "the highest of them",
                 drawing->first_seed, drawing->first_seed + drawing->seeds - 1);
    text_put(&text, ".%s Scale: %s.",
             is_short(drawing) ? " So far: runs that are not done are drawn up to the epoch named."
                               : "",
             profile->words);
    return text_take(&text, &words, "a figure's caption", err) == 0 ? words : NULL;
}

char *drawing_stem(const struct drawing *drawing, struct err *err)
{
    char last[32] = "", *path = NULL, *stem = facts_stem(drawing->facts, drawing->apart, err);
    if (drawing->seeds > 1)
        snprintf(last, sizeof last, "-%" PRIu64, drawing->first_seed + drawing->seeds - 1);
    if (stem != NULL && drawing->facts->experiment->schedules_only)
        path = mem_format(err, "%s/%s", drawing->out, stem);
    else if (stem != NULL)
        path = mem_format(err, "%s/%s-s%" PRIu64 "%s%s", drawing->out, stem, drawing->first_seed,
                          last, drawing->unfinished ? "-so-far" : "");
    mem_free(stem);
    return path;
}

/* Everything a request points to. */
struct parts {
    size_t curve_count, panel_count, seeds;
    size_t drawn_curves, drawn_panels; /* of those the first so many */
    struct plot_curve *curves;
    struct plot_panel *panels;
    struct plot_log *logs;  /* [curve][seed] */
    struct runlog *planned; /* of each curve, where nothing is trained */
    char **papers;          /* of each panel, or NULL */
    char **titles;          /* of each curve of an unfinished drawing, or NULL */
    size_t *places;         /* [panel][curve], of those of an unfinished drawing */
};

static void parts_release(struct parts *parts)
{
    for (size_t i = 0; parts->planned != NULL && i < parts->curve_count; i++)
        runlog_release(&parts->planned[i]);
    for (size_t i = 0; parts->papers != NULL && i < parts->panel_count; i++)
        mem_free(parts->papers[i]);
    for (size_t i = 0; parts->titles != NULL && i < parts->curve_count; i++)
        mem_free(parts->titles[i]);
    mem_free(parts->titles);
    mem_free(parts->places);
    mem_free(parts->curves);
    mem_free(parts->panels);
    mem_free(parts->logs);
    mem_free(parts->planned);
    mem_free(parts->papers);
}

static int fill_planned(const struct drawing *drawing, struct parts *parts, size_t i,
                        struct err *err)
{
    const struct experiment *experiment = drawing->facts->experiment;
    struct schedule schedule;
    int code = experiment_schedule(experiment, drawing->facts->profile, &experiment->runs[i],
                                   &schedule, err);
    parts->logs[i].log = &parts->planned[i];
    return code == 0 ? planned_log(&schedule, &parts->planned[i], err) : code;
}

static int fill_trained(const struct drawing *drawing, struct parts *parts, size_t i,
                        struct err *err)
{
    const struct experiment *experiment = drawing->facts->experiment;
    int code = 0;
    for (size_t s = 0; s < parts->seeds && code == 0; s++) {
        uint64_t seed = drawing->first_seed + s;
        struct plot_log *one = &parts->logs[i * parts->seeds + s];
        struct stored *run = curve_seed(&drawing->curves->curve[i], seed);
        if (run == NULL)
            return err_set(err, ERR_INPUT,
                           "%s: run '%s' with seed %" PRIu64 " is not done; train it first",
                           experiment->name, experiment->runs[i].name, seed);
        code = stored_log(run, &one->log, err);
        one->path = run->log_path;
    }
    return code;
}

int drawing_unfinished(const struct curve *curve, struct stored **going, size_t *count,
                       struct err *err)
{
    const struct runlog *log = NULL;
    *going = NULL;
    *count = curve->count;
    if (curve->count > 0 || curve->going == NULL || !file_exists(curve->going->log_path))
        return 0;
    int code = stored_log(curve->going, &log, err);
    if (code == 0 && log->count > 0) {
        *going = curve->going;
        *count = 1;
    }
    return code;
}

/* What is there of curve i, and what its title says of it. */
static int fill_unfinished(const struct drawing *drawing, struct parts *parts, size_t i,
                           struct err *err)
{
    const struct curve *curve = &drawing->curves->curve[i];
    struct plot_log *logs = &parts->logs[i * parts->seeds];
    const char *title = parts->curves[i].title;
    struct stored *going = NULL;
    int code = drawing_unfinished(curve, &going, &parts->curves[i].log_count, err);
    for (size_t s = 0; s < parts->curves[i].log_count && code == 0; s++) {
        struct stored *run = going != NULL ? going : curve->seeds[s];
        code = stored_log(run, &logs[s].log, err);
        logs[s].path = run->log_path;
    }
    if (code != 0 || curve->count == parts->seeds || parts->curves[i].log_count == 0)
        return code;
    if (going == NULL)
        parts->titles[i] = mem_format(err, "%s (%zu of %zu seeds)", title, curve->count,
                                      parts->seeds);
    else if (parts->seeds > 1)
        parts->titles[i] = mem_format(err, "%s (seed %" PRIu64 " up to epoch %d)", title,
                                      stored_seed(going),
                                      logs[0].log->rows[logs[0].log->count - 1].epoch);
    else
        parts->titles[i] = mem_format(err, "%s (up to epoch %d)", title,
                                      logs[0].log->rows[logs[0].log->count - 1].epoch);
    parts->curves[i].title = parts->titles[i];
    return parts->titles[i] == NULL ? ERR_MEMORY : 0;
}

/* Takes out the curves without a log, and the panels that have no others. */
static int leave_out(const struct drawing *drawing, struct parts *parts, struct err *err)
{
    size_t curves = 0, panels = 0, all = drawing->facts->experiment->run_count;
    size_t *now = mem_new(all, sizeof *now, err); /* a curve's place from 1; 0: left out */
    if (now == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < all; i++)
        if (parts->curves[i].log_count > 0) {
            parts->curves[curves++] = parts->curves[i];
            now[i] = curves;
        }
    for (size_t p = 0; p < parts->panel_count; p++) {
        struct plot_panel panel = parts->panels[p];
        size_t *places = parts->places + p * all, count = 0;
        for (size_t k = 0; k < panel.curve_count; k++)
            if (now[panel.curves[k]] > 0 && count < all)
                places[count++] = now[panel.curves[k]] - 1;
        panel.curves = places;
        panel.curve_count = count;
        if (count > 0)
            parts->panels[panels++] = panel;
    }
    parts->drawn_curves = curves;
    parts->drawn_panels = panels;
    mem_free(now);
    return panels > 0 ? 0
                      : err_set(err, ERR_INPUT, "%s: no run has finished an epoch yet",
                                drawing->facts->experiment->name);
}

static int fill_curves(const struct drawing *drawing, struct parts *parts, struct err *err)
{
    const struct experiment *experiment = drawing->facts->experiment;
    int code = 0;
    for (size_t i = 0; i < parts->curve_count && code == 0; i++) {
        const struct experiment_run *what = &experiment->runs[i];
        parts->curves[i] = (struct plot_curve){.title = what->title,
                                               .logs = &parts->logs[i * parts->seeds],
                                               .log_count = parts->seeds,
                                               .paper_series = what->paper_curve,
                                               .paper_series_count = what->paper_curve_count};
        code = experiment->schedules_only ? fill_planned(drawing, parts, i, err)
               : drawing->unfinished      ? fill_unfinished(drawing, parts, i, err)
                                          : fill_trained(drawing, parts, i, err);
    }
    return code;
}

/* The printed axes and curves belong under runs of the paper's own schedule, epoch by epoch and
 * update by update; the caption says where the network is another one. */
static int fill_panels(const struct drawing *drawing, struct parts *parts, struct err *err)
{
    const struct facts *facts = drawing->facts;
    const struct experiment *experiment = facts->experiment;
    int printed = !experiment_reduced(experiment, facts->profile);
    for (size_t i = 0; i < parts->panel_count; i++) {
        const struct experiment_panel *panel = &experiment->panels[i];
        if (printed && panel->paper_curves != NULL) {
            parts->papers[i] = mem_format(err, "%s/experiments/%s", drawing->share,
                                          panel->paper_curves);
            if (parts->papers[i] == NULL)
                return ERR_MEMORY;
        }
        parts->panels[i] = (struct plot_panel){.title = panel->title,
                                               .x = panel->x,
                                               .y = panel->y,
                                               .y_label = panel->y_label,
                                               .early = panel->early,
                                               .curve_count = panel->run_count,
                                               .curves = panel->runs,
                                               .paper_curves = parts->papers[i],
                                               .printed = printed && panel->x_range[1] > 0 &&
                                                          panel->y_range[1] > 0,
                                               .x_range = {panel->x_range[0], panel->x_range[1]},
                                               .y_range = {panel->y_range[0], panel->y_range[1]}};
    }
    return 0;
}

static int fill(const struct drawing *drawing, struct parts *parts, struct err *err)
{
    const struct experiment *experiment = drawing->facts->experiment;
    parts->seeds = experiment->schedules_only ? 1 : drawing->seeds;
    parts->curve_count = experiment->run_count;
    parts->panel_count = experiment->panel_count;
    parts->curves = mem_new(parts->curve_count, sizeof *parts->curves, err);
    parts->logs = mem_new(parts->curve_count * parts->seeds, sizeof *parts->logs, err);
    parts->planned = mem_new(parts->curve_count, sizeof *parts->planned, err);
    parts->panels = mem_new(parts->panel_count, sizeof *parts->panels, err);
    parts->papers = mem_new(parts->panel_count, sizeof *parts->papers, err);
    parts->titles = mem_new(parts->curve_count, sizeof *parts->titles, err);
    parts->places = mem_new(parts->panel_count * parts->curve_count, sizeof *parts->places, err);
    if (parts->curves == NULL || parts->logs == NULL || parts->planned == NULL ||
        parts->panels == NULL || parts->papers == NULL || parts->titles == NULL ||
        parts->places == NULL)
        return ERR_MEMORY;
    parts->drawn_curves = parts->curve_count;
    parts->drawn_panels = parts->panel_count;
    int code = fill_curves(drawing, parts, err);
    if (code == 0)
        code = fill_panels(drawing, parts, err);
    return code == 0 && drawing->unfinished ? leave_out(drawing, parts, err) : code;
}

int drawing_make(const struct drawing *drawing, char **stem, struct err *err)
{
    const struct experiment *experiment = drawing->facts->experiment;
    struct parts parts = {0};
    char *script = mem_format(err, "%s/plots/%s.gp", drawing->share, experiment->plot);
    char *path = drawing_stem(drawing, err), *words = drawing_caption(drawing, err);
    int code = script == NULL || path == NULL || words == NULL ? ERR_MEMORY
                                                               : fill(drawing, &parts, err);
    if (code == 0) {
        struct plot_request request = {.script = script,
                                       .stem = path,
                                       .title = experiment->title,
                                       .caption = words,
                                       .curve_count = parts.drawn_curves,
                                       .curves = parts.curves,
                                       .panel_count = parts.drawn_panels,
                                       .panels = parts.panels};
        code = plot_draw(&request, err);
    }
    if (code == 0) {
        *stem = path;
        path = NULL;
    }
    parts_release(&parts);
    mem_free(script);
    mem_free(path);
    mem_free(words);
    return code;
}
