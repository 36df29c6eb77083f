/* status.h -- what is done, in training and stopped among the runs of a store, from what is on the
 * disk alone: manifests, logs and locks.  Reads only, and takes no lock. */
#ifndef RESULTS_STATUS_H
#define RESULTS_STATUS_H

#include "results/lock.h"
#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum status_state {
    STATUS_RUNNING, /* its lock is held */
    STATUS_STOPPED, /* begun, and nobody trains it */
    STATUS_DONE,
    STATUS_DAMAGED, /* its manifest cannot be read: stored->damage */
};

struct status_run {
    const struct stored *stored;
    enum status_state state;
    /* Names by the manifest; never NULL, "" where it has none, or is damaged. */
    const char *figure, *profile, *name;
    uint64_t seed;
    int epoch, epochs;        /* finished, or while it runs the one being trained; planned, or 0 */
    int64_t update, updates;  /* done; planned */
    double test_accuracy;     /* of the last finished epoch, 0..1; negative before the first */
    double train_loss;        /* the same, nats; negative */
    double images_per_second; /* now, else of the last epoch; 0: not known */
    double seconds_left;      /* while it runs; 0: not known */
    struct run_holder holder; /* who trains it, or has last */
};

struct status {
    size_t count, states[4];
    struct status_run *runs; /* [count], by figure, profile, seed, order of beginning */
};

/* The store outlives it.  A log that cannot be read has no epochs.  ERR_IO where a lock cannot be
 * asked.  status_release() is legal on a zeroed struct. */
int status_find(struct store *store, struct status *status, struct err *err);
void status_release(struct status *status);

/* "running", "stopped", "done", "damaged". */
const char *status_word(enum status_state state);

#endif
