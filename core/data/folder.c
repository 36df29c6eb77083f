#include "data/folder.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"
#include "data/broken.h"
#include "data/bytes.h"
#include "data/colour.h"
#include "data/decoder.h"
#include "data/listing_cache.h"
#include "data/rows.h"
#include "data/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#define CHANNELS 3
#define ORDER_SEED UINT64_C(0x666f6c6465727331) /* "folders1": of the permutations, frozen */
#define PATH 4096

struct folder {
    char *root;
    int descriptor; /* of root; -1: none */
    struct folder_options options;
    struct listing listing;
    int64_t *order[DATASET_SPLITS]; /* of all images, into the listing */
    char augment[FOLDER_WORDS];
    struct pool *pool;
    struct decoder decoder[POOL_MAX];
    struct broken broken;
};

/* ---- A row. ---- */

static int show(const struct rows *rows, int64_t image, struct decoder *decoder, uint8_t *dst,
                struct err *err)
{
    const struct folder_options *options = &((const struct folder *)rows->data->own)->options;
    int width = decoder->width, height = decoder->height;
    struct frame frame = rows->varied ? frame_train(rows->seed, rows->epoch, image, width, height)
                                      : frame_test(width, height);
    int code = decoder_show(decoder, &frame, options->side, !options->aliased, dst, err);
    if (code == 0 && rows->varied && options->coloured) {
        struct colour colour = colour_train(rows->seed, rows->epoch, image);
        colour_apply(&colour, dst, (size_t)options->side * (size_t)options->side);
    }
    return code;
}

static int make_row(const struct rows *rows, int64_t image, struct decoder *decoder, uint8_t *dst,
                    int32_t *label, struct err *err)
{
    const struct folder *folder = rows->data->own;
    int64_t at = folder->order[rows->split][image];
    const struct listing_image *listed = &folder->listing.images[rows->split][at];
    char path[PATH];
    int code = listing_path(&folder->listing, rows->split, at, path, sizeof path, err);
    if (code != 0)
        return code;
    code = decoder_open(decoder, folder->descriptor, path, listed->bytes, folder->options.oriented,
                        err);
    if (code == 0)
        code = show(rows, image, decoder, dst, err);
    if (code != 0) {
        char reason[ERR_TEXT];
        snprintf(reason, sizeof reason, "%s", err->text);
        return err_set(err, code, "'%s/%s' %s", folder->root, path, reason);
    }
    *label = listed->label;
    return 0;
}

static int work(void *context, int64_t piece, int thread, struct err *err)
{
    const struct rows *rows = context;
    struct folder *folder = rows->data->own;
    uint8_t *dst = rows->pixels + (size_t)piece * dataset_image_bytes(rows->data);
    int64_t count = dataset_count(rows->data, rows->split);
    for (int64_t tried = 0;; tried++) {
        int64_t image = (rows->image[piece] + tried) % count;
        int code = make_row(rows, image, &folder->decoder[thread], dst, &rows->labels[piece], err);
        if (code == 0 && tried > 0)
            broken_replace(&folder->broken);
        if (code != ERR_INPUT || !folder->options.skip_broken)
            return code;
        broken_note(&folder->broken, rows->split, image, err->text);
        if (tried + 1 == count)
            return code;
    }
}

/* ---- The kind. ---- */

static int augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                     const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                     struct err *err)
{
    return rows_augmented(data, ((struct folder *)data->own)->pool, work, seed, epoch, image, count,
                          pixels, labels, err);
}

static int plain(const struct dataset *data, int split, const int64_t *image, int64_t count,
                 uint8_t *pixels, int32_t *labels, struct err *err)
{
    return rows_plain(data, ((struct folder *)data->own)->pool, work, split, image, count, pixels,
                      labels, err);
}

static void release(struct dataset *data)
{
    struct folder *folder = data->own;
    pool_free(folder->pool);
    broken_release(&folder->broken);
    for (int i = 0; i < POOL_MAX; i++)
        decoder_release(&folder->decoder[i]);
    for (int split = 0; split < DATASET_SPLITS; split++)
        mem_free(folder->order[split]);
    listing_release(&folder->listing);
    if (folder->descriptor >= 0)
        close(folder->descriptor);
    mem_free(folder->root);
    mem_free(folder);
}

static struct dataset_broken found_broken(const struct dataset *data)
{
    return broken_found(&((struct folder *)data->own)->broken);
}

static void say_broken(const struct dataset *data, int64_t which, char *words, size_t size)
{
    broken_words(&((struct folder *)data->own)->broken, which, words, size);
}

static const struct dataset_kind kind = {.augmented = augmented,
                                         .plain = plain,
                                         .release = release,
                                         .broken = found_broken,
                                         .broken_words = say_broken};

/* ---- Opening. ---- */

static int digest_images(const struct dataset *data, XXH3_state_t *state, int split,
                         struct err *err)
{
    const struct folder *folder = data->own;
    for (int64_t i = 0; i < dataset_count(data, split); i++) {
        int64_t at = folder->order[split][i];
        const struct listing_image *image = &folder->listing.images[split][at];
        char path[PATH];
        unsigned char bytes[12];
        int code = listing_path(&folder->listing, split, at, path, sizeof path, err);
        if (code != 0)
            return code;
        bytes_put(bytes, 4, (uint32_t)image->label);
        bytes_put(bytes + 4, 8, (uint64_t)image->bytes);
        if (XXH3_64bits_update(state, path, strlen(path) + 1) != XXH_OK ||
            XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK)
            return err_set(err, ERR_INTERNAL, "cannot compute the digest of a data set");
    }
    return 0;
}

static int fill_digest(struct dataset *data, struct err *err)
{
    const int64_t shape[] = {data->train_n, data->test_n, data->channels,
                             data->height,  data->width,  data->classes};
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL)
        return err_set(err, ERR_MEMORY, "cannot allocate the state of a digest: out of memory");
    unsigned char bytes[sizeof shape];
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++)
        bytes_put(bytes + 8 * i, 8, (uint64_t)shape[i]);
    int code = 0;
    if (XXH3_64bits_reset(state) != XXH_OK ||
        XXH3_64bits_update(state, bytes, sizeof bytes) != XXH_OK)
        code = err_set(err, ERR_INTERNAL, "cannot compute the digest of a data set");
    for (int split = 0; code == 0 && split < DATASET_SPLITS; split++)
        code = digest_images(data, state, split, err);
    data->digest = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return code;
}

static int fill_order(struct folder *folder, int split, int64_t wanted, struct err *err)
{
    int64_t count = folder->listing.count[split];
    if (wanted < 1 || wanted > count)
        return err_set(err, ERR_INPUT,
                       "'%s/%s' has %" PRId64 " images; %" PRId64 " cannot be taken", folder->root,
                       split == DATASET_TRAIN ? "train" : "val", count, wanted);
    folder->order[split] = mem_new((size_t)count, sizeof *folder->order[split], err);
    if (folder->order[split] == NULL)
        return ERR_MEMORY;
    batch_order(ORDER_SEED, (uint32_t)split, count, folder->order[split]);
    return 0;
}

static int open_listing(struct folder *folder, const char *path, struct err *err)
{
    folder->root = mem_string(path, err);
    if (folder->root == NULL)
        return ERR_MEMORY;
    int code = listing_open(path, &folder->listing, err);
    if (code != 0)
        return code;
    folder->descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder->descriptor >= 0 ? 0 : err_errno(err, errno, "cannot open '%s'", path);
}

static int check_options(struct folder_options *options, struct err *err)
{
    if (options->side == 0)
        options->side = FOLDER_SIDE;
    if (options->side < 1 || options->side > FOLDER_SIDE_MAX)
        return err_set(err, ERR_INPUT, "images of %d pixels on a side cannot be had; 1 to %d can",
                       options->side, FOLDER_SIDE_MAX);
    return picture_check(err);
}

static const float mean[CHANNELS] = {SOURCE_FOLDER_MEAN},
                   deviation[CHANNELS] = {SOURCE_FOLDER_DEVIATION};

int folder_open(const char *path, int64_t train_n, int64_t test_n,
                const struct folder_options *options, struct dataset *out, struct err *err)
{
    struct folder *folder = mem_new(1, sizeof *folder, err);
    struct dataset data = {.kind = &kind, .own = folder, .train_n = train_n, .test_n = test_n};
    int threads;
    if (folder == NULL)
        return ERR_MEMORY;
    folder->descriptor = -1;
    folder->options = *options;
    int code = check_options(&folder->options, err);
    if (code == 0)
        code = open_listing(folder, path, err);
    if (code == 0)
        code = fill_order(folder, DATASET_TRAIN, train_n, err);
    if (code == 0)
        code = fill_order(folder, DATASET_TEST, test_n, err);
    if (code == 0) {
        folder_augment(&folder->options, folder->augment);
        data.augment = folder->augment;
        data.channels = CHANNELS;
        data.height = data.width = folder->options.side;
        data.classes = (int)folder->listing.class_count;
        memcpy(data.mean, mean, sizeof mean);
        memcpy(data.deviation, deviation, sizeof deviation);
        code = fill_digest(&data, err);
    }
    if (code == 0)
        code = broken_init(&folder->broken, (const int64_t[]){train_n, test_n}, err);
    if (code == 0)
        code = pool_threads(&threads, err);
    if (code == 0)
        code = pool_new(threads, &folder->pool, err);
    if (code != 0)
        dataset_release(&data);
    else
        *out = data;
    return code;
}
