/* trainer_parts.h -- between trainer.c (a trainer's life, arenas), trainer_update.c (one update),
 * trainer_sum.c and trainer_ranks.c (the sum over its leaves) and trainer_evaluate.c.  Not for
 * others. */
#ifndef TRAIN_TRAINER_PARTS_H
#define TRAIN_TRAINER_PARTS_H

#include "train/prefetch.h"
#include "train/reduction.h"
#include "train/trainer.h"

/* Of one micro of the test set, or several: sums. */
struct trainer_tested {
    double loss;
    int64_t correct, rows;
};

struct trainer {
    struct trainer_config config;
    struct trainer_state state;
    struct repro_net *net;
    struct repro_net *rest; /* for what a kept partial batch has beyond whole ghosts; or NULL */
    struct reduction sum;
    struct prefetch *ahead;
    float *scratch;                /* [param_count] */
    struct trainer_tested *tested; /* [micros of the test set] */
    struct ranks_traffic traffic;  /* that this rank has sent for updates */
    /* leaves that are computed before a sum of another rank is waited for: so many from early_first
     * on, in early[early_room] */
    struct partial *early;
    int64_t early_room, early_first, early_count;
    int joins;   /* the backend adds the sums of groups itself */
    int records; /* it records updates, so that nobody waits for a loss */
    /* updates recorded whose losses have not been counted; all of the current epoch */
    int64_t unread;
};

/* Counts the losses that have come back, at least `least` of the unread ones. */
int trainer_collect(struct trainer *trainer, int64_t least, struct err *err);

/* The rows of a place, made ready for a forward call; valid until the next call. */
int trainer_rows(struct trainer *trainer, struct prefetch_place place, struct repro_rows *rows,
                 struct err *err);

/* ---- The sum over an update's leaves ---- */

/* Who reads the walk: what a step means where the sums are. */
struct trainer_reader {
    int (*leaf)(struct trainer *trainer, const struct reduction_cut *cut,
                const struct reduction_step *step, struct err *err);
    int (*keep)(struct trainer *trainer, const struct reduction_cut *cut,
                const struct reduction_step *step, struct err *err);
    int (*join)(struct trainer *trainer, const struct reduction_cut *cut,
                const struct reduction_step *step, struct err *err);
};

int trainer_walk(struct trainer *trainer, const struct trainer_reader *reader,
                 const struct reduction_cut *cut, struct err *err);

/* Computes a leaf on the device and copies its sums into sum.current. */
int trainer_leaf(struct trainer *trainer, const struct reduction_cut *cut,
                 const struct reduction_step *step, struct err *err);

/* The update's sums: into the net's PARTIAL; the metrics into sum.current, or on the device those
 * of the net. */
int trainer_sum_on_host(struct trainer *trainer, const struct reduction_cut *cut, struct err *err);
int trainer_sum_on_device(struct trainer *trainer, const struct reduction_cut *cut,
                          struct err *err);

/* ---- Several ranks, trainer_ranks.c ---- */

/* 1 when others compute a part. */
int trainer_shares(const struct trainer *trainer);
/* Room for leaves computed early, of any update of the schedule; nothing where nobody shares. */
int trainer_early_init(struct trainer *trainer, struct err *err);
void trainer_early_release(struct trainer *trainer);
/* As trainer_sum_on_host(), each rank with its leaves. */
int trainer_sum_among_ranks(struct trainer *trainer, const struct reduction_cut *cut,
                            struct err *err);
/* Fills tested[] of rank 0 with the micros of all ranks, of which each has its deal. */
int trainer_gather_tested(struct trainer *trainer, int64_t micros, struct err *err);

/* Fills err with the backend's sentence, its name and the update. */
int trainer_failed(const struct trainer *trainer, const struct repro_error *error, struct err *err);

#endif
