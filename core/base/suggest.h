/* suggest.h -- "did you mean": the nearest of some names, and the one way in which that is said. */
#ifndef BASE_SUGGEST_H
#define BASE_SUGGEST_H

#include <stddef.h>

#define SUGGEST_TEXT 640

/* The candidate at the smallest edit distance (insert, delete, replace, swap of neighbours) from
 * word, if that is at most a third of the word's length rounded up; else NULL.  The first of
 * equals. */
const char *suggest(const char *word, const char *const *candidates, size_t count);

/* "paper, small, quick"; what does not fit is left out, and "..." stands for it.  Returns text. */
const char *suggest_names(char text[SUGGEST_TEXT], const char *const *names, size_t count);

/* What to say behind "unknown key 'momentun'" when the word is none of the candidates.
 *     otherwise "remove it"   "; did you mean 'momentum'?", or "; remove it" where none is near
 *     otherwise NULL          "; did you mean 'small'? (There are: paper, small.)", or
 *                             "; there are: paper, small"
 * `quote` stands on both sides of the name: '"' for what a file has in double quotes.  Returns
 * text. */
const char *suggest_phrase(char text[SUGGEST_TEXT], const char *word, const char *const *candidates,
                           size_t count, char quote, const char *otherwise);

#endif
