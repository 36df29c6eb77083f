/* trainer_parts.h -- between trainer.c (a trainer's life, evaluation, arenas) and trainer_update.c
 * (one update).  Not for others. */
#ifndef TRAIN_TRAINER_PARTS_H
#define TRAIN_TRAINER_PARTS_H

#include "train/prefetch.h"
#include "train/reduction.h"
#include "train/trainer.h"

struct trainer {
    struct trainer_config config;
    struct trainer_state state;
    struct repro_net *net;
    struct repro_net *rest; /* for what a kept partial batch has beyond whole ghosts; or NULL */
    struct reduction sum;
    struct prefetch *ahead;
    float *scratch; /* [param_count] */
    int joins;      /* the backend adds the sums of groups itself */
    int records;    /* it records updates, so that nobody waits for a loss */
    /* updates recorded whose losses have not been counted; all of the current epoch */
    int64_t unread;
};

/* Counts the losses that have come back, at least `least` of the unread ones. */
int trainer_collect(struct trainer *trainer, int64_t least, struct err *err);

/* The rows of a place, made ready for a forward call; valid until the next call. */
int trainer_rows(struct trainer *trainer, struct prefetch_place place, struct repro_rows *rows,
                 struct err *err);

/* Fills err with the backend's sentence, its name and the update. */
int trainer_failed(const struct trainer *trainer, const struct repro_error *error, struct err *err);

#endif
