/* drawn.h -- synthetic sets that are too large for memory: a row is drawn when it is asked for, by
 * a pool of threads.
 *
 * Augmented rows are batch_crops()'s, as of a set that lies in memory.  The digest is XXH3 (64
 * bits, seed 0) of the seed, train_n, test_n, channels, height, width, classes as little-endian
 * 64-bit words, then of the first 64 images of each split, or all, each with its label behind it as
 * a 32-bit word: an image is a function of these and its number, so that the rest says nothing
 * more. */
#ifndef DATA_DRAWN_H
#define DATA_DRAWN_H

#include "data/dataset.h"
#include "data/scene.h"

struct err;

/* The kind, the words of its augmentation and the digest of *data, whose counts, shape and classes
 * are set and are the scene's.  dataset_release() frees it, also after a failure. */
int drawn_open(struct dataset *data, const struct scene *scene, struct err *err);

#endif
