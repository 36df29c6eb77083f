#include "data/dataset.h"

int64_t dataset_count(const struct dataset *data, int split)
{
    return split == DATASET_TRAIN ? data->train_n : data->test_n;
}

size_t dataset_image_bytes(const struct dataset *data)
{
    return (size_t)data->channels * (size_t)data->height * (size_t)data->width;
}

int dataset_augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                      const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                      struct err *err)
{
    return data->kind->augmented(data, seed, epoch, image, count, pixels, labels, err);
}

int dataset_plain(const struct dataset *data, int split, const int64_t *image, int64_t count,
                  uint8_t *pixels, int32_t *labels, struct err *err)
{
    return data->kind->plain(data, split, image, count, pixels, labels, err);
}

struct dataset_images dataset_whole(const struct dataset *data, int split)
{
    if (data->kind->whole == NULL)
        return (struct dataset_images){NULL, NULL};
    return data->kind->whole(data, split);
}

void dataset_crops(const struct dataset *data, uint64_t seed, uint32_t epoch, const int64_t *image,
                   int64_t count, struct repro_crop *crops)
{
    data->kind->crops(data, seed, epoch, image, count, crops);
}

struct dataset_broken dataset_broken(const struct dataset *data)
{
    if (data->kind == NULL || data->kind->broken == NULL)
        return (struct dataset_broken){0, 0};
    return data->kind->broken(data);
}

void dataset_broken_words(const struct dataset *data, int64_t which, char *words, size_t size)
{
    data->kind->broken_words(data, which, words, size);
}

void dataset_release(struct dataset *data)
{
    if (data->kind != NULL)
        data->kind->release(data);
    *data = (struct dataset){0};
}
