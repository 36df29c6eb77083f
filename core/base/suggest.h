/* suggest.h -- "did you mean": the nearest of some names. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

/* The candidate at the smallest edit distance (insert, delete, replace, swap of neighbours) from
 * word, if that is at most a third of the word's length rounded up; else NULL.  The first of
 * equals. */
const char *suggest(const char *word, const char *const *candidates, size_t count);

#endif
