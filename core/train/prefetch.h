/* prefetch.h -- one thread that assembles and augments the rows of micros to come, in the order of
 * the schedule.
 *
 * Invariants.  The thread runs at most PREFETCH_DEPTH micros ahead and then sleeps.  Rows depend on
 * (seed, epoch, image) alone, so running ahead changes no bit.  Whoever takes a place that does not
 * follow the last one (a resumed run) makes it begin again there.  Nothing is allocated after
 * prefetch_new(); the thread blocks all signals; prefetch_free() ends it within one micro. One
 * consumer. */
#ifndef TRAIN_PREFETCH_H
#define TRAIN_PREFETCH_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "schedule/schedule.h"

#include <stdint.h>

struct err;

#define PREFETCH_DEPTH 3

/* A micro of a run: of update `update` of an epoch, both from 0. */
struct prefetch_place {
    int epoch;
    int64_t update, micro;
};

struct prefetch_rows {
    int64_t count;
    const uint8_t *pixels; /* [count, height, width, channels]; NULL for a resident data set */
    const int32_t *labels; /* [count]; NULL likewise */
    const struct repro_crop *crops; /* [count], for a resident data set, else NULL */
    const int64_t *image;           /* [count], index in the training set */
};

struct prefetch;

/* For micros of `micro` rows; resident: the backend keeps the data set, so that rows are crops and
 * no pixel is touched.  data and schedule are borrowed and outlive it.  ERR_MEMORY, also when there
 * is no thread to be had. */
int prefetch_new(const struct dataset *data, const struct schedule *schedule, uint64_t seed,
                 int64_t micro, int resident, struct prefetch **out, struct err *err);
/* NULL is legal. */
void prefetch_free(struct prefetch *ahead);

/* The rows of a place within the schedule, waiting for them if need be; valid until the next
 * call. */
const struct prefetch_rows *prefetch_take(struct prefetch *ahead, struct prefetch_place place);

#endif
