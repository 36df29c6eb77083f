/* listing_parts.h -- how a folder is listed; for listing_*.c. */
#ifndef DATA_LISTING_PARTS_H
#define DATA_LISTING_PARTS_H

#include "data/listing.h"

#include <sys/stat.h>

/* What is being listed.  `split` and `label` are those of the images that are found. */
struct scan {
    const char *folder;
    char *real; /* the folder without links */
    struct listing *listing;
    int split;
    int32_t label;
    struct err *err;
};

/* Takes an entry of a folder. */
typedef int scan_take(struct scan *scan, const char *name, const struct stat *status);

/* Stamps a folder and hands over what it holds; with `images` only what has the name of one. */
int scan_walk(struct scan *scan, const char *relative, int images, scan_take *take);
int scan_stamp(struct scan *scan, const char *relative, const struct stat *status);
/* Sets *status to that of what a link leads to, within the folder. */
int scan_follow(struct scan *scan, const char *path, struct stat *status);

int scan_is_image(const char *name);
/* Adds an image, where it is a regular file. */
int scan_image(struct scan *scan, const char *name, const struct stat *status);
/* The class of that name; -1: none. */
int32_t scan_class(const struct listing *listing, const char *name);

/* The images of val by a file of labels, with its path. */
int scan_labels(struct scan *scan, const char *path);

#endif
