/* listing.h -- which images a folder holds, by class, in an order that is the same everywhere.
 *
 *     train/CLASS/IMAGE           the folders of train are the classes, sorted by bytes
 *     val/CLASS/IMAGE             of the same classes
 *     val_labels.txt, val/IMAGE   or so, where there is that file: lines "IMAGE CLASS", split at
 *                                 the last blank
 *
 * Images are the regular files whose names end in .jpeg, .jpg or .png, in any case, sorted by class
 * and then by bytes.  A class may have none.  Passed over: names that begin with a dot, other
 * files, folders within a class, and in val what val_labels.txt does not name.  Refused: a symbolic
 * link that leads out of the folder, or nowhere, where an image or a class could be (train and val
 * themselves may be links); a class of val that train lacks; a line that names no image or no
 * class, or an image twice. */
#ifndef DATA_LISTING_H
#define DATA_LISTING_H

#include "base/text.h"
#include "data/dataset.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct listing_image {
    size_t name; /* of names */
    int64_t bytes;
    int32_t label;
};

/* A folder or file that the listing was made from, as it was then. */
struct listing_stamp {
    size_t name; /* path below the folder */
    int64_t seconds, nanoseconds, bytes;
};

/* Zeroed: empty. */
struct listing {
    struct text names; /* each with a NUL behind it; referred to by where it begins */
    size_t *classes;   /* [class_count], of names */
    struct listing_image *images[DATASET_SPLITS]; /* [count[split]] */
    struct listing_stamp *stamps;                 /* [stamp_count] */
    size_t class_count, stamp_count;
    int64_t count[DATASET_SPLITS];
    int flat; /* val has no folders of classes */
};

/* Lists a folder; ERR_INPUT names what is in the way. */
int listing_scan(const char *folder, struct listing *out, struct err *err);

const char *listing_name(const struct listing *listing, size_t name);

/* Path of an image below the folder, "train/CLASS/IMAGE"; ERR_INPUT where it does not fit. */
int listing_path(const struct listing *listing, int split, int64_t image, char *path, size_t size,
                 struct err *err);

/* Legal on a zeroed struct. */
void listing_release(struct listing *listing);

/* ---- For those who fill one. ---- */

/* Append, in any order; a name first. */
int listing_add_name(struct listing *listing, const char *name, size_t *at, struct err *err);
int listing_add_class(struct listing *listing, size_t name, struct err *err);
int listing_add_image(struct listing *listing, int split, struct listing_image image,
                      struct err *err);
int listing_add_stamp(struct listing *listing, struct listing_stamp stamp, struct err *err);

#endif
