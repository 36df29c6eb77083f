/* report_parts.h -- between report.c, set.c and study.c.  Not for others. */
#ifndef REPORT_REPORT_PARTS_H
#define REPORT_REPORT_PARTS_H

#include "report/report.h"

/* Fills a set whose `found` and `trained` stand; released by report_set_release(), also after a
 * failure. */
int report_set_read(struct report *report, const struct report_figure *figure,
                    struct report_set *set, struct err *err);
void report_set_release(struct report_set *set);

/* Every measurement of the study under the options' folder that the choice does not exclude. */
int report_studies_read(const struct report *report, struct report_figure *figure, struct err *err);
void report_study_release(struct report_study *study);

#endif
