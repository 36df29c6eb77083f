/* plot.h -- a figure drawn by gnuplot from logs.
 *
 * The script gets what page.h says, and
 *   curves      how many; curve_title, curve_series (or ''), curve_seeds, last_epoch, last_updates,
 *               last_accuracy,
 *               last_loss: arrays [1..curves]
 *   panels      how many; panel_title, panel_x, panel_y (column names), panel_curves ("1 3 2":
 *               curves in legend order),
 *               panel_paper (digitised curves, or ''), panel_printed (1: draw on the printed axes),
 *                   panel_x_low,
 *               panel_x_high, panel_y_low, panel_y_high (as printed): arrays [1..panels]
 * STEM.tsv holds every point that is drawn: comment lines with '#', a header, then `curve` (1, 2,
 * ...), `title`, the columns of the logs (results/runlog.h) but the two on speed, each a mean over
 * the curve's seeds, then `seeds` and the lowest and highest value over them of what was measured:
 * NAME_low, NAME_high. */
#ifndef DRAW_PLOT_H
#define DRAW_PLOT_H

#include <stddef.h>

struct err;
struct runlog;

/* One seed's log. */
struct plot_log {
    const struct runlog *log;
    const char *path; /* for messages; NULL: no log but a schedule, the ends of every phase */
};

struct plot_curve {
    const char *title;               /* in the legend */
    const struct plot_log *logs;     /* one a seed */
    size_t log_count;                /* 0: not there; only panel_draw() takes such */
    const char *const *paper_series; /* names of its printed curves in a panel's paper_curves */
    size_t paper_series_count;       /* 0: none */
};

struct plot_panel {
    const char *title;   /* above the axes, or "" */
    const char *x, *y;   /* columns of STEM.tsv */
    const char *y_label; /* in place of the column's own words, or NULL */
    int early;           /* 1: nothing behind the first fifth lies below the axis */
    size_t curve_count;
    const size_t *curves;     /* indices of curves, in legend order */
    const char *paper_curves; /* digitised curves at the scale of these runs, or NULL */
    /* 1: the ranges are those of the printed axes, which the panel then has */
    int printed;
    double x_range[2], y_range[2];
};

struct plot_request {
    const char *script; /* ".../plots/figure5.gp"; look.gp lies beside it */
    const char *stem;   /* output path without extension; the folder exists */
    const char *title;  /* over the figure */
    /* what is shown: data, profile, network, N, epochs, backend, seeds; wrapped as needed */
    const char *caption;
    size_t curve_count; /* at least 1 */
    const struct plot_curve *curves;
    size_t panel_count; /* at least 1 */
    const struct plot_panel *panels;
};

/* Writes STEM.tsv, STEM.png, STEM.svg and STEM.pdf.  Every file is written whole beside its old
 * self before the first is replaced: where reading or drawing fails, all old ones stand. A log
 * needs at least one row; epochs and updates increase, test accuracies lie in 0..1, and the logs of
 * one curve have the same epochs and updates. ERR_INPUT "path:line: ..." for a log or a script that
 * cannot be used, ERR_CANNOT_RUN without gnuplot, ERR_IO. */
int plot_draw(const struct plot_request *request, struct err *err);

/* What a script draws from: the text of STEM.tsv and the gnuplot commands of the variables above,
 * but for those of page.h.  Both are freed with mem_free().  The errors of plot_draw(). */
int plot_texts(const struct plot_request *request, char **table, char **variables, struct err *err);

#endif
