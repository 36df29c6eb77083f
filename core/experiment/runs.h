/* experiment_runs.h -- the keys `defaults` and `runs` of an experiment file: the curves and their
 * schedules. Between experiment.c and this; not for others. */
#ifndef EXPERIMENT_RUNS_H
#define EXPERIMENT_RUNS_H

#include "experiment/experiment.h"
#include "experiment/settings.h"

/* Reads both keys; train_n and epochs are known by now.  experiment->runs is freed with mem_free().
 * ERR_INPUT "path:line: ..." for anything unknown, missing or out of bounds, and for a schedule
 * that cannot be. */
int experiment_runs_parse(struct settings_view *top, struct experiment *experiment);

#endif
