/* meter.h -- measures the noise of gradients where a run stands, with the weights held.
 *
 * A measurement draws ghosts of training rows, each by itself and of distinct images, runs forward
 * and backward over every one in TRAIN mode, reads its gradient and takes all inner products.
 * Which rows follows from (seed, update, ghost) alone (RANDOM_NOISE); a row is varied as this epoch
 * varies it.  Between two updates no bit of a run is touched by it: weights, moments and running
 * statistics are only read, and what is written, PARTIAL and the metrics, the next leaf begins with
 * zeroes.  The rows do not pass through prefetch, which goes on as it was.
 *
 * Memory: ghosts * param_count floats of the host's.  Not thread-safe; allocates nothing after
 * meter_new(). */
#ifndef TRAIN_METER_H
#define TRAIN_METER_H

#include "schedule/noise.h"

#include <stdint.h>

struct err;
struct trainer;

struct meter;

/* The trainer is borrowed and outlives it.  NOISE_GHOSTS_MIN to NOISE_GHOSTS_MAX ghosts, of the
 * schedule's size; one is at most the training set. */
int meter_new(struct trainer *trainer, int64_t ghosts, struct meter **out, struct err *err);
/* NULL is legal. */
void meter_free(struct meter *meter);

/* One measurement, before the trainer's next update; among ranks by one alone.  *finite is 0, and
 * *out untouched, where a gradient holds what is no finite number: the next update will say so. */
int meter_measure(struct meter *meter, struct noise_estimate *out, int *finite, struct err *err);

#endif
