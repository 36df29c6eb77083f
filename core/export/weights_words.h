/* weights_words.h -- what a user of exported weights must get right, in words. */
#ifndef EXPORT_WEIGHTS_WORDS_H
#define EXPORT_WEIGHTS_WORDS_H

#include "export/export.h"

#include <jansson.h>

struct err;
struct net;
struct source;

/* The metadata of model.safetensors, strings all: "format" is "pt", as PyTorch's readers ask for.
 * NULL when out of memory. */
json_t *weights_metadata(const struct export_run *run, const struct net *net,
                         const struct source *source);

/* README.md; *text is freed with mem_free(). */
int weights_readme(const struct export_run *run, const struct net *net, const struct source *source,
                   char **text, struct err *err);

#endif
