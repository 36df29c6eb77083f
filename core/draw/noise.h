/* noise.h -- a figure's runs once more: the noise that was planned beside the noise that was
 * measured, of runs that have a noise.tsv.
 *
 *     OUT/STEM-sSEED-noise.{tsv,png,svg,pdf}
 *
 * The script gets what page.h says, and `curves`, how many, and curve_title, an array [1..curves].
 * The table's rows, after comment lines and a header, are of a `kind`:
 *   measurement   one row of a run's noise.tsv
 *   phase         those of a phase and all seeds, pooled; a row at either end of it
 * each with low and high of B_simple and of the fluctuation, at 95 %. */
#ifndef DRAW_NOISE_H
#define DRAW_NOISE_H

#include "draw/drawing.h"

struct err;

/* Writes the four files.  *stem, freed with mem_free(), is NULL where no run of the drawing was
 * measured, and nothing is written then; runs that were not are left out.  The errors of page.h,
 * and ERR_INPUT for a damaged noise.tsv. */
int noise_draw(const struct drawing *drawing, char **stem, struct err *err);

#endif
