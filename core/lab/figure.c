#include "lab/figure.h"

#include "base/err.h"
#include "base/mem.h"
#include "experiment/conventions.h"
#include "draw/plot.h"
#include "results/runlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int figure_init(struct figure *figure, const struct session_options *options, const char *share,
                const char *out, size_t seeds, struct err *err)
{
    memset(figure, 0, sizeof *figure);
    figure->share = share;
    figure->out = out;
    int code = session_open(options, &figure->session, err);
    if (code != 0 || figure->session.experiment->schedules_only)
        return code;
    figure->run_count = figure->session.experiment->run_count;
    figure->seed_count = seeds;
    figure->seeded = mem_new(seeds, sizeof *figure->seeded, err);
    figure->runs = mem_new(seeds * figure->run_count, sizeof *figure->runs, err);
    code = figure->seeded == NULL || figure->runs == NULL ? ERR_MEMORY : 0;
    for (size_t s = 0; s < seeds && code == 0; s++) {
        figure->seeded[s] = figure->session;
        figure->seeded[s].seed += s;
        for (size_t i = 0; code == 0 && i < figure->run_count; i++)
            code = run_init(figure_run(figure, s, i), &figure->seeded[s],
                            &figure->session.experiment->runs[i], out, err);
    }
    if (code != 0)
        figure_release(figure);
    return code;
}

void figure_release(struct figure *figure)
{
    for (size_t i = 0; figure->runs != NULL && i < figure->seed_count * figure->run_count; i++)
        run_release(&figure->runs[i]);
    mem_free(figure->runs);
    mem_free(figure->seeded);
    session_close(&figure->session);
    memset(figure, 0, sizeof *figure);
}

struct run *figure_run(const struct figure *figure, size_t seed, size_t curve)
{
    return &figure->runs[seed * figure->run_count + curve];
}

/* What the figure shows, honestly: data, scale, backend, seeds. */
static char *caption(const struct figure *figure, struct err *err)
{
    const struct session *session = &figure->session;
    const struct experiment_profile *profile = session->profile;
    const struct experiment *experiment = session->experiment;
    if (experiment->schedules_only)
        return mem_format(err,
                          "Profile %s: the schedules as planned for %" PRId64
                          " training images and %d epochs; "
                          "nothing was trained for this figure.",
                          profile->name, experiment->train_n / profile->divide, profile->epochs);
    char seeds[160];
    uint64_t first = session->seed, last = session->seed + figure->seed_count - 1;
    if (figure->seed_count == 1)
        snprintf(seeds, sizeof seeds, "seed %" PRIu64, first);
    else
        snprintf(seeds, sizeof seeds,
                 "mean of seeds %" PRIu64 " to %" PRIu64
                 ", the band reaches from the lowest to the "
                 "highest of them",
                 first, last);
    const struct schedule *schedule = &figure_run(figure, 0, 0)->schedule;
    char conventions[CONVENTIONS_TEXT];
    conventions_text(&schedule->conventions, conventions);
    int synthetic = strcmp(session->data.name, "synthetic") == 0;
    return mem_format(err,
                      "%s, profile %s: %s, %" PRId64 " training and %" PRId64
                      " test images, %d epochs%s%s; backend "
                      "%s (%s), %s. Scale: %s.",
                      synthetic ? "Synthetic data, not CIFAR-10" : "CIFAR-10", profile->name,
                      profile->network, session->data.train_n, session->data.test_n,
                      schedule->epochs, conventions[0] == '\0' ? "" : ", ", conventions,
                      session->label, session->caps.library, seeds, profile->words);
}

static char *stem_path(const struct figure *figure, struct err *err)
{
    const struct session *session = &figure->session;
    const char *name = session->experiment->name, *profile = session->profile->name;
    if (session->experiment->schedules_only)
        return mem_format(err, "%s/%s-%s", figure->out, name, profile);
    char last[32] = "";
    if (figure->seed_count > 1)
        snprintf(last, sizeof last, "-%" PRIu64, session->seed + figure->seed_count - 1);
    return mem_format(err, "%s/%s-%s-%s-%s-s%" PRIu64 "%s", figure->out, name, profile,
                      session->data.name, session->label, session->seed, last);
}

/* A schedule as the log of a run that follows it: the two ends of every phase.  What is measured
 * stays 0. */
static int schedule_log(const struct schedule *schedule, struct runlog *log, struct err *err)
{
    int code = 0;
    for (int i = 0; i < 2 * schedule->phase_count && code == 0; i++) {
        const struct phase *phase = &schedule->phase[i / 2];
        int epoch = phase->first_epoch + i % 2 * phase->epochs;
        struct runlog_row row = {
            .epoch = epoch,
            .updates = schedule_updates_before(schedule, epoch),
            .lr = phase->lr,
            .batch = phase->batch,
            .momentum = phase->momentum,
            .noise_scale = noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch),
        };
        code = runlog_append(log, &row, err);
    }
    return code;
}

/* Everything a request points to. */
struct parts {
    size_t curve_count, panel_count;
    struct plot_curve *curves;
    struct plot_panel *panels;
    const char **paths;   /* [curve][seed] */
    struct runlog *known; /* of each curve, where nothing is trained */
    char **papers;        /* of each panel, or NULL */
};

static void parts_release(struct parts *parts)
{
    for (size_t i = 0; parts->known != NULL && i < parts->curve_count; i++)
        runlog_release(&parts->known[i]);
    for (size_t i = 0; parts->papers != NULL && i < parts->panel_count; i++)
        mem_free(parts->papers[i]);
    mem_free(parts->curves);
    mem_free(parts->panels);
    mem_free(parts->paths);
    mem_free(parts->known);
    mem_free(parts->papers);
}

static int fill_curves(const struct figure *figure, struct parts *parts, struct err *err)
{
    const struct experiment *experiment = figure->session.experiment;
    for (size_t i = 0; i < parts->curve_count; i++) {
        const struct experiment_run *what = &experiment->runs[i];
        struct plot_curve *curve = &parts->curves[i];
        *curve = (struct plot_curve){.title = what->title, .paper_series = what->paper_curve};
        if (experiment->schedules_only) {
            struct schedule schedule;
            int code = experiment_schedule(experiment, figure->session.profile, what, &schedule,
                                           err);
            if (code == 0)
                code = schedule_log(&schedule, &parts->known[i], err);
            if (code != 0)
                return code;
            curve->known = &parts->known[i];
            continue;
        }
        curve->logs = &parts->paths[i * figure->seed_count];
        curve->log_count = figure->seed_count;
        for (size_t s = 0; s < figure->seed_count; s++)
            parts->paths[i * figure->seed_count + s] = figure_run(figure, s, i)->log_path;
    }
    return 0;
}

/* The printed axes and curves belong under runs of the paper's own scale and network. */
static int fill_panels(const struct figure *figure, struct parts *parts, struct err *err)
{
    const struct experiment *experiment = figure->session.experiment;
    int printed = experiment_is_paper(experiment, figure->session.profile);
    for (size_t i = 0; i < parts->panel_count; i++) {
        const struct experiment_panel *panel = &experiment->panels[i];
        if (printed && panel->paper_curves != NULL) {
            parts->papers[i] = mem_format(err, "%s/experiments/%s", figure->share,
                                          panel->paper_curves);
            if (parts->papers[i] == NULL)
                return ERR_MEMORY;
        }
        parts->panels[i] = (struct plot_panel){.title = panel->title,
                                               .x = panel->x,
                                               .y = panel->y,
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

static int fill(const struct figure *figure, struct parts *parts, struct err *err)
{
    const struct experiment *experiment = figure->session.experiment;
    size_t seeds = figure->seed_count == 0 ? 1 : figure->seed_count;
    parts->curve_count = experiment->run_count;
    parts->panel_count = experiment->panel_count;
    parts->curves = mem_new(parts->curve_count, sizeof *parts->curves, err);
    parts->paths = mem_new(parts->curve_count * seeds, sizeof *parts->paths, err);
    parts->known = mem_new(parts->curve_count, sizeof *parts->known, err);
    parts->panels = mem_new(parts->panel_count, sizeof *parts->panels, err);
    parts->papers = mem_new(parts->panel_count, sizeof *parts->papers, err);
    if (parts->curves == NULL || parts->paths == NULL || parts->known == NULL ||
        parts->panels == NULL || parts->papers == NULL)
        return ERR_MEMORY;
    int code = fill_curves(figure, parts, err);
    return code == 0 ? fill_panels(figure, parts, err) : code;
}

int figure_draw(const struct figure *figure, char **stem, struct err *err)
{
    const struct experiment *experiment = figure->session.experiment;
    struct parts parts = {0};
    char *script = mem_format(err, "%s/plots/%s.gp", figure->share, experiment->plot);
    char *path = stem_path(figure, err), *words = caption(figure, err);
    int code = script == NULL || path == NULL || words == NULL ? ERR_MEMORY
                                                               : fill(figure, &parts, err);
    if (code == 0) {
        struct plot_request request = {.script = script,
                                       .stem = path,
                                       .title = experiment->title,
                                       .caption = words,
                                       .curve_count = parts.curve_count,
                                       .curves = parts.curves,
                                       .panel_count = parts.panel_count,
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
