/* forecast.h -- what is left to do of a figure, here: which runs are done, begun or stale, and the
 * time and memory that the rest takes on this backend. */
#ifndef LAB_FORECAST_H
#define LAB_FORECAST_H

#include "lab/figure.h"
#include "results/store.h"

#include <stdint.h>

struct err;

#define FORECAST_WORDS 400
#define FORECAST_FORWARD_SHARE (1.0 / 3) /* of the work of training on an image */

/* How fast training goes, and where that is known from. */
struct forecast_speed {
    double images_per_second;   /* of training alone */
    double epoch_overhead;      /* seconds an epoch besides: evaluation, checkpoint */
    int64_t memory;             /* bytes, the most that a process held; 0: unknown */
    char words[FORECAST_WORDS]; /* "from the logs of 2 runs under results/runs" */
};

/* From the store's logs of runs with the same network, micro, ghost, backend and threads, each
 * trained by one process; where there are none, from a few timed updates of the first run, which
 * takes some seconds and a run's memory. */
int forecast_speed(const struct figure *figure, const struct store *store,
                   struct forecast_speed *speed, struct err *err);

/* Where one run stands. */
struct forecast_run {
    int64_t updates_left;
    double images_left;
    int epochs_left;
    /* "done", "epoch 12 of 40", "not begun", "stale: optimizer.weight_decay was 0.0005, is
     * 0.001" */
    char words[FORECAST_WORDS];
};

/* A run that is not begun is stale where the store holds a run of the same figure, name, profile
 * and seed with another identity: the experiment, the program or the data changed since.  Reads
 * only. */
int forecast_run(const struct store *store, const struct run *run, struct forecast_run *out,
                 struct err *err);

/* Both for every run and seed, as a table.  The store is that of figure->out.  *text is freed with
 * mem_free(). */
int forecast_text(const struct figure *figure, const struct store *store, char **text,
                  struct err *err);

#endif
