/* export.h -- a run for other programs to read: which one, and what all of its exports say of where
 * it came from.
 *
 * This room writes; it trains nothing and opens neither a data set nor a device.  What it makes is
 * a function of the results and this program, so a second export gives the same bytes. */
#ifndef EXPORT_EXPORT_H
#define EXPORT_EXPORT_H

#include "experiment/experiment.h"
#include "results/facts.h"
#include "results/store.h"
#include "schedule/schedule.h"

#include <jansson.h>
#include <stdint.h>

struct err;

/* Everything is borrowed. */
struct export_run {
    const struct facts *facts;
    const struct experiment_run *what;
    struct schedule schedule;
    uint64_t seed;
    struct stored *stored; /* its folder, manifest and log; done */
};

/* "figure5-small-original-s1": what its files are called; freed with mem_free(). */
char *export_name(const struct export_run *run, struct err *err);

/* Figure, profile, run, seed, identity, result, and of every session its start, commit, version and
 * machine: what a reader needs to find or doubt it.  NULL when out of memory. */
json_t *export_provenance(const struct export_run *run);

/* The text of a file of exports/ under the share folder, freed with mem_free(). */
int export_template(const char *share, const char *name, char **text, struct err *err);

/* Puts a text in the place of a mark that stands in another one once; freed with mem_free().
 * ERR_INPUT where it does not; name is the file that it came from. */
int export_fill(const char *text, const char *mark, const char *with, const char *name, char **out,
                struct err *err);

#endif
