/* identity.h -- everything that can change a bit of a run's result, as JSON, and its hash.
 *
 * The hash names the run's folder, so figures that share a run train it once and runs of different
 * identity never meet.  It must never change for what has been trained: keys, order of digits and
 * words below are frozen, and a change of the arithmetic raises ARITHMETIC in identity.c. */
#ifndef RESULTS_IDENTITY_H
#define RESULTS_IDENTITY_H

#include "results/facts.h"
#include "schedule/schedule.h"

#include <jansson.h>
#include <stdint.h>

struct err;

#define IDENTITY_HASH 33

/* *out is released with json_decref(); hash is 32 hexadecimal digits.  ERR_MEMORY. */
int identity_make(const struct facts *facts, const struct experiment_run *what,
                  const struct schedule *schedule, uint64_t seed, json_t **out,
                  char hash[IDENTITY_HASH], struct err *err);

#endif
