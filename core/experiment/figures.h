/* figures.h -- the experiment files of a folder, by the names of their figures. */
#ifndef EXPERIMENT_FIGURES_H
#define EXPERIMENT_FIGURES_H

#include <stddef.h>

struct err;
struct experiment;

/* The names of a folder's .exp files, sorted, without ".exp"; ERR_INPUT where there is none.
 * Released with figures_free(). */
int figures_list(const char *folder, char ***names, size_t *count, struct err *err);
void figures_free(char **names, size_t count);

/* The experiment file of a figure, by name or, with a slash in it, by path; ERR_USAGE with the
 * figures there are when the name is unknown. */
int figures_load(const char *folder, const char *figure, struct experiment **out, struct err *err);

#endif
