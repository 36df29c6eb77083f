/* place.h -- where a data set is fetched to: one folder in the data folder, and what is under way
 * beside it.
 *
 *     HOME/NAME                        there only when all of it is
 *     HOME/downloads/NAME.part         the archive so far; kept after a failure, for the next try
 *     HOME/downloads/NAME.unpacking/   thrown away and begun anew by the next try
 *     HOME/downloads/NAME.lock         held while one process fetches it
 */
#ifndef FETCH_PLACE_H
#define FETCH_PLACE_H

#include <stdint.h>

struct err;

struct place {
    char *home, *folder, *part, *unpacking, *lock_path;
    int lock; /* descriptor; -1: not held */
};

/* Makes the folders and takes the lock; ERR_IO where another process holds it.  place_close()
 * releases both; legal on a zeroed struct. */
int place_open(struct place *place, const char *home, const char *name, struct err *err);
void place_close(struct place *place);

/* 1 when the data set is there. */
int place_filled(const struct place *place);

/* Bytes of the part; 0 where there is none. */
int64_t place_part(const struct place *place);

/* ERR_IO where fewer bytes are free than are needed. */
int place_check_room(const struct place *place, int64_t bytes, struct err *err);

/* An empty HOME/downloads/NAME.unpacking, and its descriptor, which the caller closes. */
int place_unpack_begin(const struct place *place, int *descriptor, struct err *err);
/* Makes the folder `inner` of it HOME/NAME, last on the disk before it has that name, and removes
 * part and rest.  ERR_INPUT where there is no such folder in it. */
int place_unpack_end(const struct place *place, const char *inner, struct err *err);
/* Removes what was unpacked so far; says nothing. */
void place_unpack_drop(const struct place *place);

#endif
