/* plan.h -- what an experiment comes to before anything is computed: the text of `repro plan`.
 *
 * Counts are those of schedule.h, which the trainer follows, so a plan's updates are the log's
 * updates. */
#ifndef EXPERIMENT_PLAN_H
#define EXPERIMENT_PLAN_H

#include "experiment/experiment.h"

struct err;

/* What the paper's words on the number of updates come to. */
enum plan_verdict {
    PLAN_SILENT = 0, /* the paper gives no number */
    PLAN_AGREES = 1, /* below the bound given, and within 5 % of the number given */
    PLAN_DIFFERS = 2,
};

/* The verdict on a count of updates at the paper's scale. */
enum plan_verdict plan_judge(const struct experiment_run *run, int64_t updates);

/* Writes a table per run (phases, B, lr, m, updates, noise scale, N_lost, dropped images, ghosts
 * per update) and a summary beside the paper's words, in lines of at most 110 bytes unless a title
 * or a sentence in the file is longer. *text is freed with mem_free().  ERR_INPUT when a schedule
 * cannot be scaled, ERR_MEMORY. */
int plan_text(const struct experiment *experiment, const struct experiment_profile *profile,
              char **text, struct err *err);

#endif
