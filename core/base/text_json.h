/* text_json.h -- JSON into a text that grows.
 *
 * jansson's own json_dumps() does not look whether an object's key found room: out of memory it may
 * return a text that lacks one. */
#ifndef BASE_TEXT_JSON_H
#define BASE_TEXT_JSON_H

#include "base/text.h"

#include <jansson.h>
#include <stddef.h>

/* Appends the value, all of it, or the text has failed.  NULL, what a failed json_pack() gives,
 * fails it.  flags are json_dumps()'s. */
void text_put_json(struct text *text, const json_t *value, size_t flags);

#endif
