/* usage: rows FOLDER SIDE train|test PASSES: makes every row of a folder of images so often, once
 * more before the clock runs, and prints how many there were and in how many seconds of
 * processor time.  For
 * bench/decode. */
#include "base/err.h"
#include "base/mem.h"
#include "data/folder.h"
#include "data/listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHUNK 64 /* rows of a call, as of a micro */

static int make_rows(const struct dataset *data, int split, uint32_t pass, uint8_t *pixels,
                     struct err *err)
{
    int64_t image[CHUNK], count = dataset_count(data, split);
    int32_t labels[CHUNK];
    int code = 0;
    for (int64_t first = 0; first < count && code == 0; first += CHUNK) {
        int64_t rows = count - first < CHUNK ? count - first : CHUNK;
        for (int64_t i = 0; i < rows; i++)
            image[i] = first + i;
        code = split == DATASET_TRAIN
                   ? dataset_augmented(data, 1, pass, image, rows, pixels, labels, err)
                   : dataset_plain(data, split, image, rows, pixels, labels, err);
    }
    return code;
}

static int measure(const struct dataset *data, int split, int passes, struct err *err)
{
    uint8_t *pixels = mem_new(CHUNK, dataset_image_bytes(data), err);
    int code = pixels == NULL ? ERR_MEMORY : make_rows(data, split, 0, pixels, err);
    clock_t began = clock();
    for (int pass = 1; pass <= passes && code == 0; pass++)
        code = make_rows(data, split, (uint32_t)pass, pixels, err);
    if (code == 0)
        printf("{\"rows\": %" PRId64 ", \"seconds\": %.6f}\n", passes * dataset_count(data, split),
               (double)(clock() - began) / CLOCKS_PER_SEC);
    mem_free(pixels);
    return code;
}

static int open_all(const char *path, int side, struct dataset *data, struct err *err)
{
    struct listing listing;
    struct folder_options options = {.side = side};
    int code = listing_scan(path, &listing, err);
    if (code != 0)
        return code;
    code = folder_open(path, listing.count[DATASET_TRAIN], listing.count[DATASET_TEST], &options,
                       data, err);
    listing_release(&listing);
    return code;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct dataset data = {0};
    if (argc != 5) {
        fprintf(stderr, "usage: rows FOLDER SIDE train|test PASSES\n");
        return 2;
    }
    int split = strcmp(argv[3], "train") == 0 ? DATASET_TRAIN : DATASET_TEST;
    int code = open_all(argv[1], atoi(argv[2]), &data, &err);
    if (code == 0)
        code = measure(&data, split, atoi(argv[4]), &err);
    if (code != 0)
        fprintf(stderr, "rows: %s\n", err.text);
    dataset_release(&data);
    return code == 0 ? 0 : 1;
}
