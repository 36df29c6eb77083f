/* dataset_build.h -- what the loaders share; for core/data alone. */
#ifndef DATA_DATASET_BUILD_H
#define DATA_DATASET_BUILD_H

#include "data/dataset.h"

/* Allocates the four arrays for the shape and counts set in *data, zeroed.  On failure nothing
 * stays allocated. */
int dataset_allocate(struct dataset *data, struct err *err);

/* XXH3 (64 bits, seed 0) of: train_n, test_n, channels, height, width, classes as little-endian
 * 64-bit words; the training pixels; the training labels as little-endian 32-bit words; the test
 * pixels; the test labels likewise. */
int dataset_digest(struct dataset *data, struct err *err);

#endif
