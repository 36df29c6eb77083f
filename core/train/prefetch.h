/* prefetch.h -- one thread that assembles the rows of micros to come, in the order of the schedule:
 * augmented ones of the training updates and, behind every epoch of a run that evaluates, plain
 * ones of the test set.
 *
 * Invariants.  The thread runs at most PREFETCH_DEPTH micros ahead and then sleeps.  Rows depend on
 * (seed, epoch, image) alone, so running ahead changes no bit.  Of an update it makes only the
 * micros of its share (reduction_share()), and of the test set those of its deal
 * (reduction_deal()).  Whoever takes a place that is not the next of the share (a resumed run, a
 * look at the test set in mid-epoch) makes it begin again there.  Nothing is allocated after
 * prefetch_new(); the thread blocks all signals; prefetch_free() ends it within one micro.  One
 * consumer. */
#ifndef TRAIN_PREFETCH_H
#define TRAIN_PREFETCH_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "schedule/schedule.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define PREFETCH_DEPTH 3

/* data and schedule are borrowed and outlive the thread. */
struct prefetch_config {
    const struct dataset *data;
    const struct schedule *schedule;
    uint64_t seed;
    int64_t micro;  /* most rows of one, a multiple of the schedule's ghost */
    int64_t groups; /* that an update's micros are dealt to, at least 1 */
    int rank;       /* makes this rank's share */
    int ranks;      /* of so many; 0: all micros */
    int resident;   /* the backend keeps the data set: rows are crops and no pixel is touched */
    int evaluates;  /* the test set is taken behind every epoch */
};

/* A micro of a run, all from 0: of an update of an epoch, or of the test set as evaluated before
 * that update. */
struct prefetch_place {
    int epoch;
    int64_t update, micro;
    int split; /* DATASET_TRAIN, DATASET_TEST */
};

struct prefetch_rows {
    int64_t count;
    const uint8_t *pixels; /* [count, height, width, channels]; NULL for a resident data set */
    const int32_t *labels; /* [count]; NULL likewise */
    const struct repro_crop *crops; /* [count], for a resident data set, else NULL */
    const int64_t *image;           /* [count], index in the split */
};

struct prefetch;

/* Bytes of all rows that are held at a time, of a data set of which rows travel as pixels; it does
 * not grow with B. */
size_t prefetch_bytes(const struct dataset *data, int64_t micro);

/* ERR_MEMORY, also when there is no thread to be had. */
int prefetch_new(const struct prefetch_config *config, struct prefetch **out, struct err *err);
/* NULL is legal. */
void prefetch_free(struct prefetch *ahead);

/* Sets *rows to those of a place within the schedule, waiting for them if need be; valid until the
 * next call.  A place of the test set may also be behind the last update, and behind the last
 * epoch.  Fails as the data set does when an image cannot be had. */
int prefetch_take(struct prefetch *ahead, struct prefetch_place place,
                  const struct prefetch_rows **rows, struct err *err);

/* How often a place was taken that did not follow, the first one included. */
uint64_t prefetch_beginnings(const struct prefetch *ahead);

#endif
