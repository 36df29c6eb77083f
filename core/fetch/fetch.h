/* fetch.h -- brings a data set: downloads its archive, checks it, unpacks it beside and gives it
 * its name last.  Whatever goes wrong, what has the name is whole. */
#ifndef FETCH_FETCH_H
#define FETCH_FETCH_H

#include "fetch/archives.h"

#include <stdint.h>

struct err;

/* What is being done. */
enum { FETCH_DOWNLOADS, FETCH_CHECKS, FETCH_UNPACKS };

struct fetch_options {
    const struct archive *archive;
    const char *home;   /* the data folder */
    const char *mirror; /* a folder on the web that has the archive; NULL: the publisher's */
    const char *from;   /* the archive itself, a URL; NULL: the mirror's or the publisher's */
    const char *agent;  /* what the server is told that we are */
    /* done of all, in bytes; called often */
    void (*progress)(void *context, int stage, int64_t done, int64_t all);
    /* It began at that URL with so many bytes there; called at each try */
    void (*begin)(void *context, const char *url, int64_t have);
    void *context;
};

struct fetch_result {
    char *folder;  /* of the data set; owned */
    int before;    /* it was there before: nothing was done */
    int64_t files; /* unpacked */
    int64_t bytes;
};

/* A connection that breaks is taken up again while it brings anything.  ERR_IO, with what is kept,
 * where no more comes; ERR_INPUT where the archive is not the published one, which is then thrown
 * away; ERR_CANNOT_RUN without the module.  fetch_release() frees the result. */
int fetch_run(const struct fetch_options *options, struct fetch_result *result, struct err *err);
void fetch_release(struct fetch_result *result);

#endif
