#include "data/dataset.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/dataset_build.h"

#include <stddef.h>
#include <xxhash.h>

#define WORDS_MAX 256

static size_t image_bytes(const struct dataset *data)
{
    return (size_t)data->channels * (size_t)data->height * (size_t)data->width;
}

int dataset_allocate(struct dataset *data, struct err *err)
{
    data->train_pixels = mem_new((size_t)data->train_n, image_bytes(data), err);
    data->train_labels = data->train_pixels == NULL
                             ? NULL
                             : mem_new((size_t)data->train_n, sizeof *data->train_labels, err);
    data->test_pixels = data->train_labels == NULL
                            ? NULL
                            : mem_new((size_t)data->test_n, image_bytes(data), err);
    data->test_labels = data->test_pixels == NULL
                            ? NULL
                            : mem_new((size_t)data->test_n, sizeof *data->test_labels, err);
    if (data->test_labels != NULL)
        return 0;
    dataset_release(data);
    return ERR_MEMORY;
}

/* Little-endian bytes, so that the digest is the same on every machine. */
static void put_word(unsigned char *bytes, int size, uint64_t word)
{
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)(word >> 8 * i);
}

static int hash_labels(XXH3_state_t *state, const int32_t *labels, int64_t count)
{
    unsigned char bytes[4 * WORDS_MAX];
    for (int64_t first = 0; first < count; first += WORDS_MAX) {
        int64_t words = count - first < WORDS_MAX ? count - first : WORDS_MAX;
        for (int64_t i = 0; i < words; i++)
            put_word(bytes + 4 * i, 4, (uint32_t)labels[first + i]);
        if (XXH3_64bits_update(state, bytes, 4 * (size_t)words) != XXH_OK)
            return 1;
    }
    return 0;
}

int dataset_digest(struct dataset *data, struct err *err)
{
    const uint64_t shape[] = {(uint64_t)data->train_n,  (uint64_t)data->test_n,
                              (uint64_t)data->channels, (uint64_t)data->height,
                              (uint64_t)data->width,    (uint64_t)data->classes};
    unsigned char bytes[sizeof shape];
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        put_word(bytes + 8 * i, 8, shape[i]);
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return err_set(err, ERR_MEMORY, "cannot allocate the state of a digest: out of memory");
    int failed = XXH3_64bits_reset(state) != XXH_OK ||
                 XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK ||
                 XXH3_64bits_update(state, data->train_pixels,
                                    (size_t)data->train_n * image_bytes(data)) != XXH_OK ||
                 hash_labels(state, data->train_labels, data->train_n) ||
                 XXH3_64bits_update(state, data->test_pixels,
                                    (size_t)data->test_n * image_bytes(data)) != XXH_OK ||
                 hash_labels(state, data->test_labels, data->test_n);
    uint64_t digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    if (failed)
        return err_set(err, ERR_INTERNAL, "cannot compute the digest of data set '%s'", data->name);
    data->digest = digest;
    return 0;
}

void dataset_release(struct dataset *data)
{
    mem_free(data->train_pixels);
    mem_free(data->test_pixels);
    mem_free(data->train_labels);
    mem_free(data->test_labels);
    *data = (struct dataset){0};
}
