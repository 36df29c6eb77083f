/* drawing.h -- a figure drawn from results alone: what its caption says, what its files are called,
 * its curves and panels.
 *
 *     OUT/STEM-sSEED.{tsv,png,svg,pdf}, of several seeds -sFIRST-LAST
 *     OUT/STEM.{...} where nothing is trained
 *
 * STEM is facts_stem()'s: NAME-PROFILE-DATA-BACKEND, and what else tells results apart. */
#ifndef DRAW_DRAWING_H
#define DRAW_DRAWING_H

#include "results/curves.h"
#include "results/facts.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct drawing {
    const struct facts *facts;
    const struct curves *curves; /* of these facts; NULL where nothing is trained */
    uint64_t first_seed;         /* every curve has these */
    size_t seeds;
    const char *apart;       /* sets_apart()'s, or NULL */
    const char *share, *out; /* the folder of experiments/ and plots/, and where the files go */
};

/* The path of the files without an extension; freed with mem_free(), NULL when out of memory. */
char *drawing_stem(const struct drawing *drawing, struct err *err);

/* Writes the four files.  *stem, as above, is freed with mem_free().  ERR_INPUT where a seed of a
 * run is not done, naming it, and the errors of plot.h. */
int drawing_make(const struct drawing *drawing, char **stem, struct err *err);

#endif
