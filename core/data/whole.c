#include "data/whole.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"
#include "data/bytes.h"

#include <string.h>
#include <xxhash.h>

#define WORDS_MAX 256

struct whole {
    uint8_t *pixels[DATASET_SPLITS];
    int32_t *labels[DATASET_SPLITS];
};

static int augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                     const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                     struct err *err)
{
    const struct whole *whole = data->own;
    size_t bytes = dataset_image_bytes(data);
    (void)err;
    for (int64_t r = 0; r < count; r++) {
        struct repro_crop crop;
        batch_crops(seed, epoch, image + r, 1, &crop);
        batch_cut(whole->pixels[DATASET_TRAIN] + (size_t)crop.image * bytes, data->height,
                  data->width, data->channels, &crop, pixels + (size_t)r * bytes);
        labels[r] = whole->labels[DATASET_TRAIN][image[r]];
    }
    return 0;
}

static int plain(const struct dataset *data, int split, const int64_t *image, int64_t count,
                 uint8_t *pixels, int32_t *labels, struct err *err)
{
    const struct whole *whole = data->own;
    size_t bytes = dataset_image_bytes(data);
    (void)err;
    for (int64_t r = 0; r < count; r++) {
        memcpy(pixels + (size_t)r * bytes, whole->pixels[split] + (size_t)image[r] * bytes, bytes);
        labels[r] = whole->labels[split][image[r]];
    }
    return 0;
}

static struct dataset_images images(const struct dataset *data, int split)
{
    const struct whole *whole = data->own;
    return (struct dataset_images){whole->pixels[split], whole->labels[split]};
}

static void crops(const struct dataset *data, uint64_t seed, uint32_t epoch, const int64_t *image,
                  int64_t count, struct repro_crop *out)
{
    (void)data;
    batch_crops(seed, epoch, image, count, out);
}

static void release(struct dataset *data)
{
    struct whole *whole = data->own;
    for (int split = 0; split < DATASET_SPLITS; split++) {
        mem_free(whole->pixels[split]);
        mem_free(whole->labels[split]);
    }
    mem_free(whole);
}

static const struct dataset_kind kind = {
    .augmented = augmented, .plain = plain, .release = release, .whole = images, .crops = crops};

int whole_allocate(struct dataset *data, struct err *err)
{
    struct whole *whole = mem_new(1, sizeof *whole, err);
    if (whole == NULL)
        return ERR_MEMORY;
    data->kind = &kind;
    data->own = whole;
    data->augment = BATCH_AUGMENT;
    for (int split = 0; split < DATASET_SPLITS; split++) {
        size_t n = (size_t)dataset_count(data, split);
        whole->pixels[split] = mem_new(n, dataset_image_bytes(data), err);
        if (whole->pixels[split] != NULL)
            whole->labels[split] = mem_new(n, sizeof *whole->labels[split], err);
        if (whole->labels[split] == NULL) {
            dataset_release(data);
            return ERR_MEMORY;
        }
    }
    return 0;
}

uint8_t *whole_pixels(struct dataset *data, int split)
{
    return ((struct whole *)data->own)->pixels[split];
}

int32_t *whole_labels(struct dataset *data, int split)
{
    return ((struct whole *)data->own)->labels[split];
}

static int hash_labels(XXH3_state_t *state, const int32_t *labels, int64_t count)
{
    unsigned char bytes[4 * WORDS_MAX];
    for (int64_t first = 0; first < count; first += WORDS_MAX) {
        int64_t words = count - first < WORDS_MAX ? count - first : WORDS_MAX;
        for (int64_t i = 0; i < words; i++)
            bytes_put(bytes + 4 * i, 4, (uint32_t)labels[first + i]);
        if (XXH3_64bits_update(state, bytes, 4 * (size_t)words) != XXH_OK)
            return 1;
    }
    return 0;
}

int whole_digest(struct dataset *data, struct err *err)
{
    const struct whole *whole = data->own;
    const uint64_t shape[] = {(uint64_t)data->train_n,  (uint64_t)data->test_n,
                              (uint64_t)data->channels, (uint64_t)data->height,
                              (uint64_t)data->width,    (uint64_t)data->classes};
    unsigned char bytes[sizeof shape];
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        bytes_put(bytes + 8 * i, 8, shape[i]);
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return err_set(err, ERR_MEMORY, "cannot allocate the state of a digest: out of memory");
    int failed = XXH3_64bits_reset(state) != XXH_OK ||
                 XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK;
    for (int split = 0; !failed && split < DATASET_SPLITS; split++) {
        int64_t n = dataset_count(data, split);
        failed = XXH3_64bits_update(state, whole->pixels[split],
                                    (size_t)n * dataset_image_bytes(data)) != XXH_OK ||
                 hash_labels(state, whole->labels[split], n);
    }
    uint64_t digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    if (failed)
        return err_set(err, ERR_INTERNAL, "cannot compute the digest of a data set");
    data->digest = digest;
    return 0;
}
