/* The synthetic sets: in memory whole, or, where that would be too much, drawn row by row. */
#include "base/err.h"
#include "base/mem.h"
#include "data/drawn.h"
#include "data/scene.h"
#include "data/source.h"
#include "data/whole.h"

#include <inttypes.h>

#define SIDE_MAX 1024
#define IMAGES_MAX INT64_C(2147483647) /* as crops number them */
#define WHOLE_BYTES (INT64_C(4) << 30) /* of pixels at most in memory */

static void make_split(struct dataset *data, const struct scene *scene, int split, int *room)
{
    for (int64_t i = 0; i < dataset_count(data, split); i++)
        scene_make(scene, split, i, room,
                   whole_pixels(data, split) + (size_t)i * dataset_image_bytes(data),
                   whole_labels(data, split) + i);
}

static int make_whole(struct dataset *data, const struct scene *scene, struct err *err)
{
    int *room = mem_new(dataset_image_bytes(data), sizeof *room, err);
    int code = room == NULL ? ERR_MEMORY : whole_allocate(data, err);
    for (int split = 0; code == 0 && split < DATASET_SPLITS; split++)
        make_split(data, scene, split, room);
    if (code == 0)
        code = whole_digest(data, err);
    mem_free(room);
    return code;
}

int source_synthetic(uint64_t seed, int64_t train_n, int64_t test_n, int side, struct dataset *out,
                     struct err *err)
{
    if (train_n < 1 || test_n < 1 || train_n > IMAGES_MAX || test_n > IMAGES_MAX)
        return err_set(err, ERR_INPUT,
                       "a synthetic set needs at least one training and one test image, and at "
                       "most %" PRId64 " of each, not %" PRId64 " and %" PRId64,
                       IMAGES_MAX, train_n, test_n);
    if (side < 0 || side > SIDE_MAX)
        return err_set(err, ERR_INPUT,
                       "a synthetic set's images are 1 to %d pixels on a side; %d cannot be had",
                       SIDE_MAX, side);
    struct dataset data = {
        .train_n = train_n,
        .test_n = test_n,
        .channels = SCENE_CHANNELS,
        .height = side == 0 ? SCENE_SIDE : side,
        .width = side == 0 ? SCENE_SIDE : side,
        .mean = {SOURCE_SYNTHETIC_MEAN},
        .deviation = {SOURCE_SYNTHETIC_DEVIATION},
    };
    int whole = train_n + test_n <= WHOLE_BYTES / (int64_t)dataset_image_bytes(&data);
    data.classes = whole ? SCENE_FEW : SCENE_MANY;
    struct scene scene = {.seed = seed, .side = data.width, .classes = data.classes};
    int code = whole ? make_whole(&data, &scene, err) : drawn_open(&data, &scene, err);
    if (code != 0)
        dataset_release(&data);
    else
        *out = data;
    return code;
}
