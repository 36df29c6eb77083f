/* curves.h -- the finished runs behind a figure: for each of its runs the seeds that are done. */
#ifndef RESULTS_CURVES_H
#define RESULTS_CURVES_H

#include "results/facts.h"
#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct curve {
    size_t count;
    struct stored **seeds; /* [count], rising; the store's */
    size_t begun;          /* further seeds: begun, not done */
    struct stored *going;  /* the first of those, or NULL */
};

struct curves {
    size_t count;        /* the experiment's runs */
    struct curve *curve; /* [count] */
    struct stored **all; /* what the above point into */
};

/* Looks for seeds first .. first + seeds - 1 of every run of facts->experiment, by identity: a run
 * that was trained under other settings, however it is named, is not found.  ERR_INPUT when the
 * manifest of one of them is damaged.  curves_release() is legal on a zeroed struct. */
int curves_find(const struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                struct curves *curves, struct err *err);
void curves_release(struct curves *curves);

/* The curve's run with that seed; NULL where it is not done. */
struct stored *curve_seed(const struct curve *curve, uint64_t seed);

/* 1 when every curve has that seed. */
int curves_have(const struct curves *curves, uint64_t seed);

#endif
