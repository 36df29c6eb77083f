/* planned.h -- a schedule as the log of a run that follows it: what is drawn where nothing is
 * trained. */
#ifndef DRAW_PLANNED_H
#define DRAW_PLANNED_H

struct err;
struct runlog;
struct schedule;

/* Appends the two ends of every phase; what is measured stays 0.  ERR_MEMORY. */
int planned_log(const struct schedule *schedule, struct runlog *log, struct err *err);

#endif
