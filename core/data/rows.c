#include "data/rows.h"

int rows_augmented(const struct dataset *data, struct pool *pool, rows_work *work, uint64_t seed,
                   uint32_t epoch, const int64_t *image, int64_t count, uint8_t *pixels,
                   int32_t *labels, struct err *err)
{
    struct rows rows = {.data = data,
                        .split = DATASET_TRAIN,
                        .varied = 1,
                        .seed = seed,
                        .epoch = epoch,
                        .image = image,
                        .pixels = pixels,
                        .labels = labels};
    return pool_run(pool, count, work, &rows, err);
}

int rows_plain(const struct dataset *data, struct pool *pool, rows_work *work, int split,
               const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
               struct err *err)
{
    struct rows rows = {
        .data = data, .split = split, .image = image, .pixels = pixels, .labels = labels};
    return pool_run(pool, count, work, &rows, err);
}
