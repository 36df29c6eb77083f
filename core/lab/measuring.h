/* measuring.h -- a run's noise, measured while it is trained: when, with how many ghosts, and the
 * file that keeps it (results/noiselog.h).
 *
 * Of a run that is resumed the rows up to its checkpoint stay, and what comes behind is measured
 * again, to the same bits; so is nothing lost where a run is cut off between two checkpoints.  The
 * run itself is the same, to the bit, as without. */
#ifndef LAB_MEASURING_H
#define LAB_MEASURING_H

#include "results/noiselog.h"
#include "schedule/schedule.h"

#include <stdint.h>

struct err;
struct meter;
struct trainer;

/* What the user asks for. */
struct measuring_options {
    int on;
    int64_t every;  /* updates between two measurements; 0: default */
    int64_t ghosts; /* of each; 0: default */
};

/* Most of the rows of a training that the default measures, as a share. */
#define MEASURING_SHARE 0.02
/* Most ghosts that the default takes at a time, for the memory they need. */
#define MEASURING_GHOSTS 8

/* When a run is measured.  By default once an epoch, before the update in its middle, with as many
 * ghosts as MEASURING_SHARE of the epoch's rows have; where those are fewer than NOISE_GHOSTS_MIN,
 * every so many epochs. */
struct measuring_plan {
    int64_t every;  /* updates; 0: by epochs */
    int64_t epochs; /* epochs between two measurements, where `every` is 0 */
    int64_t ghosts;
    double share; /* rows measured to rows trained, of the whole run */
};
struct measuring_plan measuring_plan(const struct measuring_options *options,
                                     const struct schedule *schedule);

/* Whether the noise is measured before update `update_in_epoch` of `epoch`, from 0. */
int measuring_is_due(const struct measuring_plan *plan, const struct schedule *schedule, int epoch,
                     int64_t update_in_epoch);

struct measuring {
    struct measuring_plan plan;
    struct meter *meter;
    struct noiselog log;
    char *path;
};

/* Of a trainer that stands where the run goes on; `folder` is the run's.  measuring_release() is
 * legal on a zeroed struct. */
int measuring_init(struct measuring *measuring, const struct measuring_options *options,
                   struct trainer *trainer, const char *folder, struct err *err);
void measuring_release(struct measuring *measuring);

/* Before an update: measures and writes the file where it is due.  Does nothing on a zeroed
 * struct. */
int measuring_look(struct measuring *measuring, struct trainer *trainer, struct err *err);

#endif
