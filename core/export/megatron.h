/* megatron.h -- a schedule as options of Megatron-LM. */
#ifndef EXPORT_MEGATRON_H
#define EXPORT_MEGATRON_H

#include "export/schedules.h"

struct err;

/* A shell script that prints one line of options a launch.  Batch sizes are one
 * --step-batch-size-schedule over the whole run ("THRESHOLD:BATCH ...", of Megatron-LM since pull
 * request 4411).  Its learning rates are smooth, so each phase of another one is a launch of its
 * own: it goes on from the checkpoint of the one before with --override-opt_param-scheduler and
 * another --lr, and ends at --exit-interval, the updates done by then.  Thresholds are tokens, so
 * the script asks for SEQ_LENGTH, the tokens of a row.
 *
 * For each launch the text is freed with mem_free().  ERR_INPUT as export_schedule() says. */
int export_megatron(const struct export_plan *plan, char **text, struct err *err);

#endif
