/* workers_figure.h -- what a figure's runs would take among more workers, as a table and as a
 * picture of its own: training time against workers, a curve a run.
 *
 *     OUT/FIGURE-PROFILE-workers.{tsv,png,svg,pdf} */
#ifndef LAB_WORKERS_FIGURE_H
#define LAB_WORKERS_FIGURE_H

#include "experiment/experiment.h"
#include "lab/workers.h"

#include <stddef.h>

struct err;
struct figure;
struct forecast_speed;

#define WORKERS_WORDS 500

struct workers_figure {
    const struct experiment *experiment;
    const struct experiment_profile *profile;
    struct workers_model model; /* in the experiment's groups */
    struct workers_model finer; /* in as many groups as workers, micros of one ghost batch */
    int list[WORKERS_LIST_MAX]; /* rising */
    size_t count;
    char words[WORKERS_WORDS]; /* where the speed is known from */
};

/* Of a profile, without data, backend or device.  speed: images a second of one worker; an
 * evaluated image counts as FORECAST_FORWARD_SHARE of one trained on.  The link is set by then;
 * list, count and words are the caller's.  Errors of anatomy_net(). */
int workers_figure_init(struct workers_figure *workers, const struct experiment *experiment,
                        const struct experiment_profile *profile, double speed, struct err *err);

/* Takes micro and times from a figure that is open here, and how fast it goes. */
void workers_figure_measured(struct workers_figure *workers, const struct figure *figure,
                             const struct forecast_speed *speed);

/* The table, in lines of at most 110 columns but for long lists.  *text is freed with mem_free().
 * Errors of experiment_schedule(). */
int workers_figure_text(const struct workers_figure *workers, char **text, struct err *err);

/* Writes the four files.  *stem, their path without an extension, is freed with mem_free().  share:
 * the folder of plots/.  Errors of page.h. */
int workers_figure_draw(const struct workers_figure *workers, const char *share, const char *out,
                        char **stem, struct err *err);

#endif
