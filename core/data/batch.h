/* batch.h -- the order of an epoch, and the crops of images that lie in memory.
 *
 * Order and crops are pure functions of (seed, epoch, image): nothing here depends on batch size,
 * threads or ranks. */
#ifndef DATA_BATCH_H
#define DATA_BATCH_H

#include "backend/backend.h"

#include <stdint.h>

/* A permutation of 0..n-1 for the epoch (Fisher-Yates; step i draws from random_at(seed,
 * RANDOM_SHUFFLE, epoch, i)). */
void batch_order(uint64_t seed, uint32_t epoch, int64_t n, int64_t *order);

/* What batch_crops() does, in the words of a run's identity: frozen. */
#define BATCH_AUGMENT "crop from 4-pixel reflection pad, flip"

/* How row r is cut from training image image[r] in an epoch: cropped at random from its
 * reflection-padded self (4 pixels; offsets uniform in 0..8 each way) and flipped left to right
 * with probability 1/2 (Zagoruyko & Komodakis, 2016). Word 0 of random_at(seed, RANDOM_AUGMENT,
 * epoch, image) gives the vertical offset, word 1 the horizontal, word 2 the flip. struct
 * repro_crop says what a crop is; image < 2^31. */
void batch_crops(uint64_t seed, uint32_t epoch, const int64_t *image, int64_t count,
                 struct repro_crop *crops);

/* The row that a crop says, from its image: both [height, width, channels], apart from each
 * other. */
void batch_cut(const uint8_t *src, int height, int width, int channels,
               const struct repro_crop *crop, uint8_t *dst);

#endif
