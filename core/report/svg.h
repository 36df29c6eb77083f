/* svg.h -- gnuplot's SVG made part of a page: scaled by its viewBox, its ids its own, its colours
 * those of the page's style, its series groups of a class each. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stddef.h>

struct err;
struct text;

struct svg_words {
    const char *id;            /* no other picture of the page has it: letters, digits, '-', '.' */
    const char *title;         /* what is read aloud */
    const char *words;         /* the same at length */
    size_t count;              /* of curves, by their places in the panel */
    const char *const *series; /* their names */
    const char *reference;     /* of what is grey */
};

/* Appends <svg> for an HTML page.  gnuplot's colours become var(--NAME,#RRGGBB), NAME being s1 to
 * s8, which are the curves' by their places, printed, ink, axis or grid.  A group of gnuplot's,
 * which is what one element of its plot command drew, gets the class of its colour, "s2" or
 * "printed", and the curve's name as its title; one that drew nothing gets neither.  ERR_INPUT,
 * naming `path`, where it is no SVG of gnuplot's. */
int svg_put(struct text *out, const char *svg, const struct svg_words *words, const char *path,
            struct err *err);

#endif
