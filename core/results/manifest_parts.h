/* manifest_parts.h -- between manifest.c (reading) and manifest_write.c.  Not for others. */
#ifndef RESULTS_MANIFEST_PARTS_H
#define RESULTS_MANIFEST_PARTS_H

#include <jansson.h>

struct err;

/* The manifest at path of the run of that identity; ERR_INPUT when it is damaged or another's. */
int manifest_load(const char *path, const char *hash, json_t **out, struct err *err);

#endif
