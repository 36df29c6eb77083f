/* training.h -- trains the runs of a figure, one after the other or several side by side.
 *
 * Side by side each run has a thread and a device of its own; data, network and experiment are
 * shared and only read. No bit of a run depends on what is trained beside it.  Two runs of one
 * identity are never trained at once: the later one waits and then finds its work done. */
#ifndef LAB_TRAINING_H
#define LAB_TRAINING_H

#include "lab/execute.h"
#include "lab/figure.h"

#include <stddef.h>

struct err;

struct training_options {
    const char *commit, *version, *command; /* execute_options' */
    double checkpoint_seconds;
    struct measuring_options measuring; /* execute_options' */
    const struct run *only;             /* one of the figure's, or NULL: all */
    void *context;
    /* A run has its turn, with what is there of it as its status; execute_options' two; its turn is
     * over, with 0 or its error.  All four are called by one thread at a time. */
    void (*begin)(void *context, const struct run *run);
    void (*progress)(void *context, const struct execute_progress *progress);
    void (*epoch)(void *context, const struct execute_progress *progress);
    void (*end)(void *context, const struct run *run, const struct err *err);
    int (*stop)(void *context); /* execute_options'; called by several threads at once */
};

/* Trains what is missing, as many runs at a time as the session's jobs say, begun in the order of
 * figure->runs; a run that is done before gets this figure's name for it noted.  When one fails or
 * stop() says so, the others write a checkpoint and stop too; the error is jobs_run()'s choice. */
int training_run(struct figure *figure, const struct training_options *options, struct err *err);

#endif
