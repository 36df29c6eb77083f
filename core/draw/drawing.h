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
    const char *apart; /* sets_apart()'s, or NULL */
    /* 1: of a run that is not done what is there of it is drawn, by name; one without an epoch is
     * left out.  The files are called STEM-sSEED-so-far. */
    int unfinished;
    const char *share, *out; /* the folder of experiments/ and plots/, and where the files go */
};

/* The path of the files without an extension; freed with mem_free(), NULL when out of memory. */
char *drawing_stem(const struct drawing *drawing, struct err *err);

/* What stands under the figure; freed likewise. */
char *drawing_caption(const struct drawing *drawing, struct err *err);

/* What an unfinished drawing shows of a curve: its finished seeds, else what is there of the first
 * that is begun.  *going: that one, or NULL; *count: logs, 0 where there is no epoch yet. */
int drawing_unfinished(const struct curve *curve, struct stored **going, size_t *count,
                       struct err *err);

/* Writes the four files.  *stem, as above, is freed with mem_free().  ERR_INPUT where a seed of a
 * run is not done, naming it, or where an unfinished drawing has no curve at all; and the errors of
 * plot.h. */
int drawing_make(const struct drawing *drawing, char **stem, struct err *err);

#endif
