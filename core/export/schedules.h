/* schedules.h -- a schedule as code and options of other programs: PyTorch, Keras, bs-scheduler,
 * Megatron-LM.
 *
 * The Python files are those of exports/ with the plan as a table in them; each prints, run by
 * itself, what its library makes of the plan. */
#ifndef EXPORT_SCHEDULES_H
#define EXPORT_SCHEDULES_H

#include "schedule/schedule.h"

struct err;

enum export_format {
    EXPORT_PYTORCH = 1,
    EXPORT_KERAS = 2,
    EXPORT_BS_SCHEDULER = 3,
    EXPORT_MEGATRON = 4,
};
#define EXPORT_FORMAT_COUNT 4

/* "pytorch", ...; the name of format f at [f - 1]. */
extern const char *const export_format_names[EXPORT_FORMAT_COUNT];

/* "schedule_pytorch.py": what the file is called. */
const char *export_format_file(enum export_format format);

/* A schedule and what a run says besides. */
struct export_plan {
    const char *name, *title;
    const struct schedule *schedule;
    double weight_decay;
    double beta1, beta2, epsilon; /* Adam */
};

/* The file's text, freed with mem_free(); share: the folder that has exports/.  ERR_INPUT where the
 * program has no words for the plan: Megatron-LM for Nesterov momentum, for a partial batch that is
 * kept, and for an optimizer that begins anew at a step. */
int export_schedule(const struct export_plan *plan, enum export_format format, const char *share,
                    char **text, struct err *err);

#endif
