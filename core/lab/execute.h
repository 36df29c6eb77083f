/* execute.h -- trains a run to its end: resumes what is there, logs every epoch, keeps a
 * checkpoint. */
#ifndef LAB_EXECUTE_H
#define LAB_EXECUTE_H

#include "lab/measuring.h"
#include "results/run.h"

struct err;
struct session;
struct session_device;

/* Where a run stands. */
struct execute_progress {
    const struct run *run;
    int epoch;                /* being trained, or just finished, from 1 */
    int64_t update;           /* done */
    int64_t images;           /* trained on since the start */
    double loss;              /* mean of this epoch so far, nats */
    double train_accuracy;    /* of this epoch so far, 0..1 */
    double test_accuracy;     /* of the last finished epoch, 0..1; negative before the first */
    double images_per_second; /* of this epoch so far */
    double seconds_left;      /* of this run, at this speed */
};

struct execute_options {
    const char *commit, *version; /* of the program, for the manifest */
    const char *command;          /* that goes on with the run, for its lock; NULL: not said */
    double checkpoint_seconds;    /* a checkpoint at least this often, besides one an epoch */
    struct measuring_options measuring; /* of its noise */
    void *context;                      /* handed to the three below; each may be NULL */
    /* after every update, by the thread that trains */
    void (*progress)(void *context, const struct execute_progress *progress);
    /* of an epoch that is evaluated, logged and has its checkpoint on the disk, in their order;
     * by the thread that writes checkpoints, while the next epoch is trained */
    void (*epoch)(void *context, const struct execute_progress *progress);
    /* asked after every update; non-zero ends the run with ERR_STOPPED */
    int (*stop)(void *context);
};

/* Trains what is missing on a device of the session, whose facts are the run's.  A run that is done
 * is left alone. ERR_STOPPED and ERR_NOT_FINITE leave a good checkpoint. One process a run: another
 * one that tries gets ERR_IO.  Several runs may be trained at once, each by a thread on a device of
 * its own. */
int execute_run(const struct session *session, struct run *run, struct session_device *device,
                const struct execute_options *options, struct err *err);

#endif
