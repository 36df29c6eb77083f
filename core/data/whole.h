/* whole.h -- data sets that lie in memory whole: their arrays, their rows, their digest.  For those
 * who make such sets. */
#ifndef DATA_WHOLE_H
#define DATA_WHOLE_H

#include "data/dataset.h"

/* The four arrays for the shape and counts set in *data, zeroed; the set's kind, and the words of
 * its augmentation, which is batch_crops()'s.  dataset_release() frees them.  On failure nothing
 * stays allocated. */
int whole_allocate(struct dataset *data, struct err *err);

/* The arrays of a split, to be filled before the set is used: [n, height, width, channels] and
 * [n]. */
uint8_t *whole_pixels(struct dataset *data, int split);
int32_t *whole_labels(struct dataset *data, int split);

/* Fills data->digest: XXH3 (64 bits, seed 0) of: train_n, test_n, channels, height, width, classes
 * as little-endian 64-bit words; the training pixels; the training labels as little-endian 32-bit
 * words; the test pixels; the test labels likewise. */
int whole_digest(struct dataset *data, struct err *err);

#endif
