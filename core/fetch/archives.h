/* archives.h -- the data sets that can be fetched: where from, and what they must be.  They
 * stand in a text file (experiments/archives.conf), so that a host that moves needs no rebuild. */
#ifndef FETCH_ARCHIVES_H
#define FETCH_ARCHIVES_H

#include "fetch/link.h"

#include <libconfig.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define ARCHIVES_MAX 32

/* One of them; texts are borrowed from the file.  What cannot be fetched has a name and `why`
 * alone. */
struct archive {
    const char *name;      /* of the folder in the data folder: "cifar10" */
    const char *why;       /* it cannot be fetched; NULL: it can */
    const char *title;     /* "CIFAR-10, binary version" */
    const char *url;       /* of a .tar.gz */
    const char *folder;    /* that all of it lies in, in the archive */
    const char *then;      /* a command that trains on it */
    const char *md5;       /* in small hexadecimal digits */
    const char *md5_by;    /* who publishes it */
    const char *sha256;    /* NULL: none is known */
    const char *sha256_by; /* NULL: none is known */
    int64_t bytes;         /* of the archive */
    int64_t unpacked;      /* bytes, at most */
    int64_t files;         /* at most */
};

struct archives {
    struct archive archive[ARCHIVES_MAX];
    size_t count;
    config_t config;
    int open;
};

/* Reads the file; ERR_INPUT "path:line: ..." on what cannot be.  `path` must live as long;
 * archives_release() is legal on a zeroed struct. */
int archives_read(const char *path, struct archives *archives, struct err *err);
void archives_release(struct archives *archives);

/* The one of a name; NULL and ERR_USAGE with those there are, or ERR_INPUT where it cannot be
 * fetched, with the reason. */
const struct archive *archives_find(const struct archives *archives, const char *name,
                                    struct err *err);

#endif
