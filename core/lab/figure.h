/* figure.h -- the runs behind a figure that is being trained, for one seed or several. */
#ifndef LAB_FIGURE_H
#define LAB_FIGURE_H

#include "lab/session.h"
#include "results/run.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define FIGURE_SEED_MAX EXPERIMENT_SEED_MAX

struct figure {
    struct session session;
    uint64_t first_seed;
    size_t seed_count;
    size_t run_count;        /* curves; 0 when the experiment trains nothing */
    struct run *runs;        /* [seed][curve] */
    const char *share, *out; /* borrowed: the folder of experiments/ and plots/, and of results */
};

/* Opens a session and looks up every run under `out`, with seeds first .. first + seeds - 1; seeds
 * is 1 to FIGURE_SEED_MAX, or 0: as many as the experiment says.  Trains and writes nothing.  Among
 * ranks it fails on all of them where it fails on one, or where they differ (sameness.h).  The
 * figure must not be moved: its runs point into it.  figure_release() is legal on a zeroed
 * struct. */
int figure_init(struct figure *figure, const struct session_options *options, const char *out,
                uint64_t first, size_t seeds, struct err *err);
void figure_release(struct figure *figure);

struct run *figure_run(const struct figure *figure, size_t seed, size_t curve);

/* Draws the figure of finished runs, or of schedules where nothing is trained, see drawing.h, and
 * its measured noise: *noise is the stem of that, NULL where there is none (draw/noise.h). */
struct store;
int figure_draw(const struct figure *figure, const struct store *store, char **stem, char **noise,
                struct err *err);

#endif
