#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gallery.h"

#include "base/err.h"
#include "base/random.h"
#include "data/whole.h"
#include "subject.h"

#include <string.h>

void gallery_init(struct gallery *gallery, const struct repro_graph *graph, uint64_t seed)
{
    struct repro_error error = {0};
    struct err err = {0};
    struct dataset *data = &gallery->data;
    memset(gallery, 0, sizeof *gallery);
    *data = (struct dataset){.train_n = GALLERY_IMAGES,
                             .test_n = 1,
                             .channels = graph->channels,
                             .height = graph->height,
                             .width = graph->width,
                             .classes = graph->classes};
    size_t bytes = GALLERY_IMAGES * dataset_image_bytes(data);
    if (whole_allocate(data, &err) != 0)
        fail_msg("%s", err.text);
    uint8_t *pixels = whole_pixels(data, DATASET_TRAIN);
    int32_t *labels = whole_labels(data, DATASET_TRAIN);
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)random_at(seed, RANDOM_SYNTHETIC, 4, i, 0).word[0];
    for (int i = 0; i < GALLERY_IMAGES; i++)
        labels[i] = (i * 7 + (int)seed) % graph->classes;
    struct repro_images images = {.struct_size = sizeof images,
                                  .channels = data->channels,
                                  .height = data->height,
                                  .width = data->width,
                                  .count = data->train_n,
                                  .pixels = pixels,
                                  .labels = labels};
    if (subject.backend.data_put != NULL)
        subject_done(subject.backend.data_put(subject.device, &images, &gallery->kept, &error),
                     &error);
}

void gallery_release(struct gallery *gallery)
{
    if (subject.backend.data_put != NULL)
        subject.backend.data_free(gallery->kept);
    dataset_release(&gallery->data);
}

static int8_t offset(uint32_t word, int reach)
{
    static const int8_t ends[] = {-128, 127, -127, 126, -65, 64, 0, -1};
    return reach == 128 ? ends[word % 8]
                        : (int8_t)((int)(word % (uint32_t)(2 * reach + 1)) - reach);
}

void gallery_crops(uint64_t seed, int reach, int64_t count, struct repro_crop *crops)
{
    for (int64_t i = 0; i < count; i++) {
        struct random_words words = random_at(seed, RANDOM_SYNTHETIC, 5, (uint64_t)i, 0);
        crops[i] = (struct repro_crop){.image = (int32_t)(words.word[0] % GALLERY_IMAGES),
                                       .top = offset(words.word[1], reach),
                                       .left = offset(words.word[2], reach),
                                       .flip = words.word[3] & 1};
    }
    crops[0].image = 0; /* the first and the last are always among them */
    crops[count - 1].image = GALLERY_IMAGES - 1;
}

/* The mirrored image repeats every 2 (size - 1) pixels. */
static int mirrored(int at, int size)
{
    int period = 2 * (size - 1);
    if (period == 0)
        return 0;
    int within = (at % period + period) % period;
    return within < size ? within : period - within;
}

void gallery_assemble(const struct gallery *gallery, const struct repro_crop *crops, int64_t count,
                      uint8_t *pixels, int32_t *labels)
{
    const struct dataset *data = &gallery->data;
    struct dataset_images whole = dataset_whole(data, DATASET_TRAIN);
    size_t channels = (size_t)data->channels;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *image = whole.pixels + (size_t)crops[i].image * dataset_image_bytes(data);
        labels[i] = whole.labels[crops[i].image];
        for (int y = 0; y < data->height; y++)
            for (int x = 0; x < data->width; x++, pixels += channels) {
                int from_y = mirrored(crops[i].top + y, data->height);
                int from_x = mirrored(crops[i].left + (crops[i].flip ? data->width - 1 - x : x),
                                      data->width);
                memcpy(pixels,
                       image + ((size_t)from_y * (size_t)data->width + (size_t)from_x) * channels,
                       channels);
            }
    }
}

struct repro_rows gallery_rows(const struct gallery *gallery, const struct repro_rows *rows,
                               const struct repro_crop *crops)
{
    struct repro_rows kept = *rows;
    kept.pixels = NULL;
    kept.labels = NULL;
    kept.data = gallery->kept;
    kept.crops = crops;
    return kept;
}
