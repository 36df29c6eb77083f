/* study.h -- the picture of a study: appendix A's measurements, drawn from its two tables.
 *
 *     STEM.tsv          every point, under two lines of comment: the title and the caption
 *     STEM-summary.tsv  a row a measurement */
#ifndef DRAW_STUDY_H
#define DRAW_STUDY_H

#include "experiment/experiment.h"

#include <stddef.h>

struct err;

/* Writes STEM.tsv from `points`, and STEM.png, .svg and .pdf; STEM-summary.tsv is there already.
 * share: the folder of plots/.  Errors of page.h. */
int study_draw(const struct experiment *experiment, const char *share, const char *stem,
               const char *caption, const char *points, size_t measurements, struct err *err);

/* Draws again from the two tables.  The caption is the one in STEM.tsv; where a table has none,
 * `caption`.  ERR_INPUT, ERR_IO where a table cannot be used. */
int study_redraw(const struct experiment *experiment, const char *share, const char *stem,
                 const char *caption, struct err *err);

/* The stems of a study's results in a folder: of every NAME-*-summary.tsv there, sorted, without
 * the folder.  Freed with study_stems_free(). */
int study_stems(const struct experiment *experiment, const char *out, char ***stems, size_t *count,
                struct err *err);
void study_stems_free(char **stems, size_t count);

#endif
