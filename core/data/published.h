/* published.h -- whether the files of CIFAR-10 are those that were published, and what cannot be
 * images with labels at all.
 *
 * Own files of the form are welcome, and whoever shows what was made of them says so: they are not
 * CIFAR-10.  A download that was cut off, and a copy of one file under two names, are none. */
#ifndef DATA_PUBLISHED_H
#define DATA_PUBLISHED_H

#include "base/digest.h"

#include <stddef.h>

struct err;

#define PUBLISHED_FILES 6

/* The files that were looked at so far.  Zeroed: none. */
struct published {
    size_t count, own; /* own: those that are not the published ones */
    char digest[PUBLISHED_FILES][DIGEST_TEXT];
    const char *name[PUBLISHED_FILES]; /* borrowed */
};

/* Looks at a whole file of `records` records of `record` bytes, a label first: name ("test_batch")
 * is borrowed, path is for the error.  ERR_INPUT where it holds one label alone, ends in records of
 * zeros, or has the bytes of a file that was looked at before. */
int published_look(struct published *files, const char *name, const char *path, const char *bytes,
                   size_t records, size_t record, struct err *err);

#endif
