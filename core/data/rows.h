/* rows.h -- the rows of one call to a set that makes each by itself, in the threads of a pool:
 * image files (folder.c) and scenes (drawn.c). */
#ifndef DATA_ROWS_H
#define DATA_ROWS_H

#include "data/dataset.h"
#include "data/pool.h"

#include <stdint.h>

struct err;

struct rows {
    const struct dataset *data;
    int split, varied; /* varied: as `seed` and `epoch` say, else as they are evaluated */
    uint64_t seed;
    uint32_t epoch;
    const int64_t *image; /* of each row: its number in the split */
    uint8_t *pixels;      /* [count][dataset_image_bytes()] */
    int32_t *labels;      /* [count] */
};

/* Makes row `piece` of the struct rows `context`, by that thread of the pool. */
typedef int rows_work(void *context, int64_t piece, int thread, struct err *err);

/* What a dataset_kind's functions of these names do, with the pool's threads; pool_run()'s
 * errors. */
int rows_augmented(const struct dataset *data, struct pool *pool, rows_work *work, uint64_t seed,
                   uint32_t epoch, const int64_t *image, int64_t count, uint8_t *pixels,
                   int32_t *labels, struct err *err);
int rows_plain(const struct dataset *data, struct pool *pool, rows_work *work, int split,
               const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
               struct err *err);

#endif
