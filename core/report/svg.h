/* svg.h -- gnuplot's SVG made part of a page: scaled by its viewBox, its ids its own, its colours
 * those of the page's style, its series groups of a class each. */
#ifndef REPORT_SVG_H
#define REPORT_SVG_H

#include <stddef.h>

struct err;
struct text;

struct svg_words {
    const char *id;    /* no other picture of the page has it: letters, digits, '-', '.' */
    const char *title; /* what is read aloud */
    const char *words; /* the same at length */
    /* of the groups "s1", "s2", ... and of "p1", ...: the names of their curves */
    size_t count;
    const char *const *series;
};

/* Appends <svg> for an HTML page.  A group titled "s2" gets the class "s2" and the second curve's
 * name as its title; a group of another title has neither.  gnuplot's colours become
 * var(--NAME,#RRGGBB), NAME being s1 to s8, printed, ink, axis or grid.  ERR_INPUT, naming `path`,
 * where it is no SVG of gnuplot's. */
int svg_put(struct text *out, const char *svg, const struct svg_words *words, const char *path,
            struct err *err);

#endif
