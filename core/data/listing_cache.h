/* listing_cache.h -- listings of folders, kept from one time to the next in
 * $XDG_CACHE_HOME/repro/index or ~/.cache/repro/index, a file a folder.
 *
 * One is taken where every folder that it was made from, and the file of labels, has the time and
 * size of then; so an image that came, went or was renamed is seen, one that was overwritten in its
 * place is not, until its size is found to differ when it is read.  A file that is damaged counts
 * as none.  Where there is no place for it, or a folder was changed within the last seconds, so
 * that a further change might not show in its time, nothing is kept; that is no error. */
#ifndef DATA_LISTING_CACHE_H
#define DATA_LISTING_CACHE_H

#include "data/listing.h"

/* The kept listing of a folder, or else listing_scan()'s, which is then kept. */
int listing_open(const char *folder, struct listing *out, struct err *err);

#endif
