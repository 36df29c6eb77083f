/* figure.h -- a figure: the runs behind it, for one seed or several, and the pictures made of their
 * logs. */
#ifndef LAB_FIGURE_H
#define LAB_FIGURE_H

#include "lab/run.h"
#include "lab/session.h"

#include <stddef.h>

struct err;

#define FIGURE_SEED_MAX 64

struct figure {
    struct session session; /* with the first seed */
    struct session *seeded; /* one a seed; they borrow all of the above */
    size_t seed_count;
    size_t run_count; /* curves; 0 when the experiment trains nothing */
    struct run *runs; /* [seed][curve] */
    /* borrowed: the folder of experiments/ and plots/, and where results go */
    const char *share, *out;
};

/* Opens a session and looks up every run under `out`.  seeds: how many, from options->seed on, 1 to
 * FIGURE_SEED_MAX. Trains and writes nothing.  figure_release() is legal on a zeroed struct. */
int figure_init(struct figure *figure, const struct session_options *options, const char *share,
                const char *out, size_t seeds, struct err *err);
void figure_release(struct figure *figure);

struct run *figure_run(const struct figure *figure, size_t seed, size_t curve);

/* Draws the figure of finished runs, or of schedules where nothing is trained:
 * OUT/NAME-PROFILE-DATA-BACKEND-sSEED and .png, .svg, .pdf, .tsv.  *stem, that path without an
 * extension, is freed with mem_free().  Errors of plot.h. */
int figure_draw(const struct figure *figure, char **stem, struct err *err);

#endif
