/* choices.h -- where a backend keeps what it found fastest: the file behind
 * repro_device_options.plans. */
#ifndef BACKEND_CHOICES_H
#define BACKEND_CHOICES_H

struct err;

/* $REPRO_PLANS, else repro/plans/NAME.tsv under $XDG_CACHE_HOME, else under ~/.cache.  Creates its
 * folder.  Freed with mem_free(). */
int choices_path(const char *name, char **path, struct err *err);

#endif
