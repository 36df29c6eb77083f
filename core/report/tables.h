/* tables.h -- the tables of a report, in words. */
#ifndef REPORT_TABLES_H
#define REPORT_TABLES_H

#include "report/report.h"
#include "report/table.h"

struct err;

/* Each fills *table, which is released with table_release(), also after a failure. */

/* Numbers of updates beside the paper's words, by the plan. */
int tables_updates(struct table *table, const struct report_set *set, struct err *err);
/* Final test accuracies, their seeds and spread, beside the printed ones. */
int tables_accuracies(struct table *table, const struct report_set *set, struct err *err);
/* The claims: verdict, words, what was measured and its power, what was needed, where the tolerance
 * is from. */
int tables_verdicts(struct table *table, const struct report_set *set, struct err *err);
/* Profile, data, backend, conventions, program, machine, time, and the command: a row each. */
int tables_origin(struct table *table, const struct report_set *set, struct err *err);
/* A row a finished run: seed, updates, accuracy, time, folder. */
int tables_runs(struct table *table, const struct report_set *set, struct err *err);
/* What a study measured. */
int tables_study(struct table *table, const struct report_study *study, struct err *err);
/* All sets of the report, a row each: runs and verdicts. */
int tables_contents(struct table *table, const struct report *report, struct err *err);

/* "3 h 12 min", "11 min 49 s", "0.4 s". */
#define TABLES_TIME 32
const char *tables_time(double seconds, char text[TABLES_TIME]);

#endif
