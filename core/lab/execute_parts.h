/* execute_parts.h -- between execute.c (a run's life) and execute_epoch.c (its epochs).  Not for
 * others. */
#ifndef LAB_EXECUTE_PARTS_H
#define LAB_EXECUTE_PARTS_H

#include "base/digest.h"
#include "lab/execute.h"
#include "results/lock.h"
#include "results/runlog.h"
#include "train/trainer.h"
#include "train/writer.h"

#include <jansson.h>

struct execution {
    const struct session *session;
    struct run *run;
    struct session_device *device;
    const struct execute_options *options;
    struct ranks
        *ranks; /* that share it, or NULL; the first of them has folder, log and manifest */
    int is_first;
    struct net net; /* with the run's conventions */
    struct trainer *trainer;
    struct writer *writer; /* of checkpoints */
    struct runlog log;
    struct measuring measuring; /* of the noise; zeroes: none, or another rank's */
    json_t *manifest;
    struct run_lock lock;
    char checkpoint[DIGEST_TEXT]; /* digest of the last one; empty: none yet */
    double epoch_began, training, evaluating, checkpointed; /* seconds */
    int64_t rows_before; /* of this epoch, trained in an earlier session */
    /* Epochs that are to be told when they are kept: one at the writer's, and the next. */
    struct kept_epoch {
        const struct execute_options *options;
        struct execute_progress progress;
    } kept[2];
};

/* Updates until the epoch is done or the user wants to stop; then evaluates, logs and keeps it. */
int execution_epoch(struct execution *execution, struct err *err);

#endif
