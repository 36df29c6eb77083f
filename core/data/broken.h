/* broken.h -- which images of a data set were found to be broken, each noted once.
 *
 * Threads may note and ask at once.  In memory: a byte an image, and the sentences. */
#ifndef DATA_BROKEN_H
#define DATA_BROKEN_H

#include "base/text.h"
#include "data/dataset.h"

#include <pthread.h>
#include <stdint.h>

struct err;

/* Zeroed and then broken_init(). */
struct broken {
    pthread_mutex_t lock; /* of all below */
    unsigned char *seen[DATASET_SPLITS];
    struct text words; /* a sentence an image, each with a NUL behind it */
    struct dataset_broken found;
};

/* Of so many images a split. */
int broken_init(struct broken *broken, const int64_t count[DATASET_SPLITS], struct err *err);
/* Legal on a zeroed struct. */
void broken_release(struct broken *broken);

/* Notes an image, unless it was noted before.  Out of memory it counts, without its sentence. */
void broken_note(struct broken *broken, int split, int64_t image, const char *sentence);
/* Notes a row that shows another image. */
void broken_replace(struct broken *broken);

/* As dataset_broken() and dataset_broken_words(). */
struct dataset_broken broken_found(struct broken *broken);
void broken_words(struct broken *broken, int64_t which, char *words, size_t size);

#endif
