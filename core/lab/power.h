/* power.h -- how many seeds each claim of a figure takes for a verdict, and what training them
 * takes: to be asked before training, not after. */
#ifndef LAB_POWER_H
#define LAB_POWER_H

#include "judge/judge.h"
#include "lab/forecast.h"

struct err;

/* A table, a row for each claim on finished runs, by the spread between seeds that the evidence
 * shows, or that is supposed (judge/noise.h); a last row for all that are open together, where
 * each run counts once.  speed NULL: without times.  *text is freed with mem_free(). */
int power_text(const struct claim_evidence *evidence, const struct forecast_speed *speed,
               char **text, struct err *err);

/* One line of it for a plan: the seeds that the most demanding claim takes.  Empty where none is
 * open. */
int power_line(const struct claim_evidence *evidence, char **text, struct err *err);

#endif
