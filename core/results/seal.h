/* seal.h -- the last line of a manifest: a digest of every byte before it, so that no flipped bit
 * passes for what was written.
 *
 *     ...
 *       "digest": "0123456789abcdef0123456789abcdef"
 *     }
 *
 * A manifest says in its first line which format it has: 1 was never sealed, 2 always is, so that
 * a seal that is lost is seen. */
#ifndef RESULTS_SEAL_H
#define RESULTS_SEAL_H

#include "base/text.h"

#include <jansson.h>

struct err;

#define SEAL_KEY "digest"
#define SEAL_FORMAT 2

/* Replaces the end of a JSON object's text, "\n}", by the seal.  A text that failed stays so. */
void seal_put(struct text *text);

/* Whether the bytes, parsed as *manifest, are what was written; takes the seal out of *manifest.
 * ERR_INPUT "path: damaged ..." with the mend. */
int seal_check(const char *path, const char *bytes, size_t size, json_t *manifest, struct err *err);

#endif
