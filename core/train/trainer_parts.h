/* trainer_parts.h -- between trainer.c (a trainer's life, evaluation, arenas) and trainer_update.c (one update).  Not for
 * others. */
#ifndef TRAIN_TRAINER_PARTS_H
#define TRAIN_TRAINER_PARTS_H

#include "train/prefetch.h"
#include "train/reduction.h"
#include "train/trainer.h"

struct trainer {
    struct trainer_config config;
    struct trainer_state state;
    struct repro_net *net;
    struct repro_net *rest;  /* for what a kept partial batch has beyond whole ghosts; or NULL */
    struct reduction sum;
    struct prefetch *ahead;
    float *arena;          /* scratch of the largest arena */
};

/* Fills err with the backend's sentence, its name and the update. */
int trainer_failed(const struct trainer *trainer, const struct repro_error *error, struct err *err);

#endif
