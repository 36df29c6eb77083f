#include "data/drawn.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"
#include "data/bytes.h"
#include "data/rows.h"

#include <xxhash.h>

#define DIGESTED 64 /* images of a split */

/* What a thread draws with. */
struct easel {
    int *room;
    uint8_t *image;
};

struct drawn {
    struct scene scene;
    struct pool *pool;
    struct easel easel[POOL_MAX];
};

static int work(void *context, int64_t piece, int thread, struct err *err)
{
    const struct rows *rows = context;
    const struct dataset *data = rows->data;
    const struct drawn *drawn = data->own;
    const struct easel *easel = &drawn->easel[thread];
    uint8_t *dst = rows->pixels + (size_t)piece * dataset_image_bytes(data);
    struct repro_crop crop;
    (void)err;
    scene_make(&drawn->scene, rows->split, rows->image[piece], easel->room,
               rows->varied ? easel->image : dst, &rows->labels[piece]);
    if (!rows->varied)
        return 0;
    batch_crops(rows->seed, rows->epoch, rows->image + piece, 1, &crop);
    batch_cut(easel->image, data->height, data->width, data->channels, &crop, dst);
    return 0;
}

static int augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                     const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                     struct err *err)
{
    return rows_augmented(data, ((struct drawn *)data->own)->pool, work, seed, epoch, image, count,
                          pixels, labels, err);
}

static int plain(const struct dataset *data, int split, const int64_t *image, int64_t count,
                 uint8_t *pixels, int32_t *labels, struct err *err)
{
    return rows_plain(data, ((struct drawn *)data->own)->pool, work, split, image, count, pixels,
                      labels, err);
}

static void release(struct dataset *data)
{
    struct drawn *drawn = data->own;
    pool_free(drawn->pool);
    for (int i = 0; i < POOL_MAX; i++) {
        mem_free(drawn->easel[i].room);
        mem_free(drawn->easel[i].image);
    }
    mem_free(drawn);
}

static const struct dataset_kind kind = {
    .augmented = augmented, .plain = plain, .release = release};

static int digest_images(const struct dataset *data, XXH3_state_t *state)
{
    const struct drawn *drawn = data->own;
    const struct easel *easel = &drawn->easel[0];
    for (int split = 0; split < DATASET_SPLITS; split++)
        for (int64_t i = 0; i < dataset_count(data, split) && i < DIGESTED; i++) {
            unsigned char bytes[4];
            int32_t label;
            scene_make(&drawn->scene, split, i, easel->room, easel->image, &label);
            bytes_put(bytes, 4, (uint32_t)label);
            if (XXH3_64bits_update(state, easel->image, dataset_image_bytes(data)) != XXH_OK ||
                XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK)
                return 1;
        }
    return 0;
}

static int fill_digest(struct dataset *data, struct err *err)
{
    const struct drawn *drawn = data->own;
    const uint64_t words[] = {drawn->scene.seed,      (uint64_t)data->train_n,
                              (uint64_t)data->test_n, (uint64_t)data->channels,
                              (uint64_t)data->height, (uint64_t)data->width,
                              (uint64_t)data->classes};
    unsigned char bytes[sizeof words];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        bytes_put(bytes + 8 * i, 8, words[i]);
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return err_set(err, ERR_MEMORY, "cannot allocate the state of a digest: out of memory");
    int failed = XXH3_64bits_reset(state) != XXH_OK ||
                 XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK ||
                 digest_images(data, state);
    data->digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return failed ? err_set(err, ERR_INTERNAL, "cannot compute the digest of a data set") : 0;
}

int drawn_open(struct dataset *data, const struct scene *scene, struct err *err)
{
    struct drawn *drawn = mem_new(1, sizeof *drawn, err);
    size_t bytes = dataset_image_bytes(data);
    int threads = 0;
    if (drawn == NULL)
        return ERR_MEMORY;
    drawn->scene = *scene;
    data->own = drawn;
    data->kind = &kind;
    data->augment = BATCH_AUGMENT;
    int code = pool_threads(&threads, err);
    for (int i = 0; code == 0 && i < threads; i++) {
        struct easel *easel = &drawn->easel[i];
        easel->room = mem_new(bytes, sizeof *easel->room, err);
        easel->image = easel->room == NULL ? NULL : mem_new(bytes, 1, err);
        code = easel->image == NULL ? ERR_MEMORY : 0;
    }
    if (code == 0)
        code = pool_new(threads, &drawn->pool, err);
    return code == 0 ? fill_digest(data, err) : code;
}
