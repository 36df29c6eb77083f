/* experiment_panels.h -- the key `panels` of an experiment file: which runs are drawn against which
 * axes.
 *     panels = ( { title = "(a) SGD with momentum"; x = "epoch"; y = "test_accuracy"; runs = [
 *         "hybrid", ... ];
 *                  paper_curves = "paper/figure3a.tsv"; x_range = [ 0.0, 200.0 ]; y_range = [ 0.75,
 *                      0.95 ]; }, ... );
 * Between experiment.c and this; not for others. */
#ifndef EXPERIMENT_PANELS_H
#define EXPERIMENT_PANELS_H

#include "experiment/experiment.h"
#include "experiment/settings.h"

/* Reads `panels` once the runs are known; without the key, one panel shows every run's test
 * accuracy against updates. experiment->panels is freed with mem_free().  ERR_INPUT "path:line:
 * ..." for anything unknown, missing or out of bounds, and for a trained quantity in an experiment
 * that trains nothing. */
int experiment_panels_parse(struct settings_view *top, struct experiment *experiment);

#endif
