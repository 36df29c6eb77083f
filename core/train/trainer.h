/* trainer.h -- one run's training: updates in order, evaluation, and the state that a checkpoint
 * holds.
 *
 * Where the schedule keeps an epoch's last, partial batch, its rows beyond whole ghosts form a
 * smaller ghost of their own: a second network of that size computes them, and their sums are the
 * last leaf of the update's tree.
 *
 * Several ranks share an update: each computes the leaves that are its own, and all of them make
 * the step.  All call the same functions in the same order.  The bits are the same.
 *
 * A backend that can (contract 1.3) is never waited for within an epoch: updates are queued, their
 * losses come back some updates later. What the state says of losses then lags behind what it says
 * of updates, until trainer_settle().  The bits are the same.
 *
 * Update u of epoch e takes rows u*B..(u+1)*B-1 of the epoch's order.  Its B rows are cut into
 * micros, dealt to groups and summed as reduction.h says; then comes one optimizer step.  The state
 * after an update depends only on the configuration and the update's number.  Not thread-safe;
 * allocates nothing after trainer_new(), and its memory does not grow with B.  A thread of its own
 * assembles rows ahead, for training and evaluation (prefetch.h). */
#ifndef TRAIN_TRAINER_H
#define TRAIN_TRAINER_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "net/net.h"
#include "schedule/schedule.h"
#include "train/ranks.h"
#include "train/resident.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* Everything is borrowed and outlives the trainer. */
struct trainer_config {
    const struct repro_backend *backend;
    struct repro_device *device;
    const struct net *net;
    const struct dataset *data;
    const struct resident *resident; /* the same data on the device; NULL: rows travel as pixels */
    const struct schedule *schedule;
    struct ranks *ranks; /* that share its updates; NULL: it is alone */
    uint64_t seed;
    int precision;  /* REPRO_PRECISION_* */
    int64_t micro;  /* rows of one forward call, a multiple of the schedule's ghost */
    int64_t groups; /* at least 1 */
    int evaluates;  /* trainer_evaluate() comes behind every epoch: its rows are made ahead too */
    double weight_decay;
    double beta1, beta2, epsilon; /* Adam */
};

/* Where a run stands.  Together with the arenas this is all that a later update depends on. */
struct trainer_state {
    int64_t update;          /* updates done */
    int epoch;               /* epochs finished */
    int64_t update_in_epoch; /* updates done of the current one */
    int64_t images;          /* rows trained on since the start */
    /* sums over the rows of the current epoch whose losses have come back */
    double loss;
    int64_t correct, rows;
};

/* Means over the rows of one pass. */
struct trainer_score {
    double loss;     /* cross-entropy, nats */
    double accuracy; /* 0..1 */
};

struct trainer;

/* Compiles the network, sets the initial weights, starts the thread that assembles batches. */
int trainer_new(const struct trainer_config *config, struct trainer **out, struct err *err);
/* NULL is legal. */
void trainer_free(struct trainer *trainer);

const struct trainer_state *trainer_state(const struct trainer *trainer);
const struct trainer_config *trainer_config(const struct trainer *trainer);

/* What the backend chose for each layer of each network, one line each, cut at a line's end when
 * `size` bytes do not hold it; empty when it does not say. */
int trainer_describe(struct trainer *trainer, char *text, size_t size, struct err *err);

/* One update.  ERR_NOT_FINITE when the loss is no finite number: says at which update, and
 * parameters and state are those before it; where updates are queued that can come some updates
 * later.  The last update of an epoch settles.  Needs state.epoch < schedule->epochs. */
int trainer_update(struct trainer *trainer, struct err *err);

/* Waits for the losses of all updates and counts them in the state.  ERR_NOT_FINITE as
 * trainer_update() says. */
int trainer_settle(struct trainer *trainer, struct err *err);

/* 1 when the last update of the current epoch is done and trainer_end_epoch() is due. */
int trainer_epoch_done(const struct trainer *trainer);

/* The mean loss and accuracy of the epoch's training rows as they were seen, all of them counted;
 * starts the next epoch. */
struct trainer_score trainer_end_epoch(struct trainer *trainer);

/* Loss and accuracy on the test set with the running statistics; the same on every rank. */
int trainer_evaluate(struct trainer *trainer, struct trainer_score *score, struct err *err);

/* The device's own clock, see net_mark and net_marks in backend.h; ERR_CANNOT_RUN where the backend
 * has none. */
int trainer_mark(struct trainer *trainer, struct err *err);
int trainer_marks(struct trainer *trainer, double *seconds, int64_t capacity, int64_t *count,
                  struct err *err);

/* The L2 term weight_decay / 2 * |w|^2 of the loss over what decays, summed in double. */
int trainer_l2(struct trainer *trainer, double *l2, struct err *err);

/* Arenas that this optimizer uses, for a checkpoint: bit k for arena k. */
uint32_t trainer_arenas(const struct trainer *trainer);
/* Floats in an arena. */
int64_t trainer_arena_count(const struct trainer *trainer, int arena);
/* Copies a whole arena. */
int trainer_read(struct trainer *trainer, int arena, float *values, struct err *err);
int trainer_write(struct trainer *trainer, int arena, const float *values, struct err *err);
/* Gives all ranks the state and the arenas of rank 0; alone it does nothing. */
int trainer_spread(struct trainer *trainer, struct err *err);
/* ERR_RANK on all ranks where the parameters of any are not those of rank 0, to the bit: they were
 * computed alike, so a machine has failed or is of another kind.  Alone it does nothing. */
int trainer_check_ranks(struct trainer *trainer, struct err *err);
/* What all ranks together have sent for updates since the start, on rank 0. */
int trainer_traffic(struct trainer *trainer, struct ranks_traffic *traffic, struct err *err);
/* Puts the trainer where a checkpoint says it was; ERR_INPUT when the schedule has no such
 * place. */
int trainer_restore(struct trainer *trainer, const struct trainer_state *state, struct err *err);

#endif
