/* series.h -- what a figure's curves are made of: the mean over seeds, epoch by epoch, and the
 * range around it. Between plot.c and this; not for others. */
#ifndef DRAW_SERIES_H
#define DRAW_SERIES_H

#include "draw/plot.h"
#include "results/runlog.h"

/* One curve.  Of the quantities that are measured (losses and accuracies) `low` and `high` hold the
 * lowest and highest over the seeds; the other columns are the same in all three. */
struct plot_series {
    struct runlog mean, low, high;
    size_t seeds;
};

/* Of the logs of every curve.  *series, request->curve_count long, is released by
 * plot_series_free(), also after a failure. */
int plot_series_make(const struct plot_request *request, struct plot_series **series,
                     struct err *err);
/* NULL is legal. */
void plot_series_free(struct plot_series *series, size_t count);

/* STEM.tsv as text, to be freed with mem_free(). */
int plot_series_text(const struct plot_request *request, const struct plot_series *series,
                     char **text, struct err *err);

#endif
