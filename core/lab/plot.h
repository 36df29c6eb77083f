/* plot.h -- a figure drawn by gnuplot from result files only.
 *
 * The script and look.gp beside it get everything in variables:
 *   format      'png', 'svg' or 'pdf'          output   file to write
 *   data        STEM.tsv, see below            paper    digitised curves, or ''
 *   title, caption, caption_lines              look     path of look.gp, which the script loads first
 *   curves      how many
 *   curve_title, curve_series (or ''), last_epoch, last_updates, last_accuracy     arrays [1..curves]
 * STEM.tsv holds every point: comment lines with '#', a header, then `curve` (1, 2, ...), `title`, and the columns of
 * the logs (train/runlog.h) but the two on speed. */
#ifndef LAB_PLOT_H
#define LAB_PLOT_H

#include <stddef.h>

struct err;

struct plot_curve {
    const char *title;        /* in the legend */
    const char *log_path;     /* the run's log.tsv */
    const char *paper_series; /* the printed curve's name in paper_curves, or NULL */
};

struct plot_request {
    const char *script;       /* ".../plots/figure5.gp"; look.gp lies beside it */
    const char *stem;         /* output path without extension; the folder exists */
    const char *title;        /* over the figure */
    const char *caption;      /* what is shown: data, profile, network, N, epochs, backend, seed; wrapped as needed */
    const char *paper_curves; /* digitised curves at the scale of these runs, or NULL; the axes are then as printed */
    size_t curve_count;       /* at least 1 */
    const struct plot_curve *curves; /* in legend order */
};

/* Writes STEM.tsv, STEM.png, STEM.svg and STEM.pdf.  Every file is written whole beside its old self before the
 * first is replaced: where reading or drawing fails, all old ones stand.
 * A log needs at least one row; epochs and updates increase, test accuracies lie in 0..1.
 * ERR_INPUT "path:line: ..." for a log or a script that cannot be used, ERR_CANNOT_RUN without gnuplot, ERR_IO. */
int plot_draw(const struct plot_request *request, struct err *err);

#endif
