/* dataset.h -- a labelled image set: rows by split and index, as bytes in the caller's memory.
 *
 * An open data set is read only and may be used by several threads at once.  Its order is part of
 * what it is: image i is the same image on every machine, and random choices are keyed by i, so
 * that a row depends on nothing but (split, image) or (seed, epoch, image).  Where rows come from
 * is the kind's matter: a call may spread its rows over a pool of threads of the set's own, and
 * returns when all of them are there.  Whoever wants rows before they are needed asks before
 * (train/prefetch.h).  Only a set that lies in memory whole shows its images. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include "backend/backend.h"

#include <stddef.h>
#include <stdint.h>

struct dataset;
struct err;

#define DATASET_CHANNEL_MAX 4

enum { DATASET_TRAIN, DATASET_TEST, DATASET_SPLITS };

/* A split that lies in memory whole. */
struct dataset_images {
    const uint8_t *pixels; /* [n, height, width, channels], 0..255; NULL: it does not lie there */
    const int32_t *labels; /* [n], 0..classes-1 */
};

/* What was found broken so far, where a set goes on without it. */
struct dataset_broken {
    int64_t images; /* each counted once */
    int64_t rows;   /* that were another image's */
};

/* How a kind of data set does what the functions below say; of the same names, each. */
struct dataset_kind {
    int (*augmented)(const struct dataset *data, uint64_t seed, uint32_t epoch,
                     const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                     struct err *err);
    int (*plain)(const struct dataset *data, int split, const int64_t *image, int64_t count,
                 uint8_t *pixels, int32_t *labels, struct err *err);
    void (*release)(struct dataset *data);
    /* Both or neither: the set lies in memory whole, and its augmented rows are crops. */
    struct dataset_images (*whole)(const struct dataset *data, int split);
    void (*crops)(const struct dataset *data, uint64_t seed, uint32_t epoch, const int64_t *image,
                  int64_t count, struct repro_crop *crops);
    /* Both or neither: the set can go on without an image. */
    struct dataset_broken (*broken)(const struct dataset *data);
    void (*broken_words)(const struct dataset *data, int64_t which, char *words, size_t size);
};

struct dataset {
    const char *name;    /* its source's: "cifar10", "synthetic" */
    const char *title;   /* for captions: "CIFAR-10", "Synthetic data, not CIFAR-10" */
    const char *augment; /* how training images are varied, in the words of a run's identity */
    int64_t train_n, test_n;
    int channels, height, width, classes;
    /* per channel, of pixels on 0..255 */
    float mean[DATASET_CHANNEL_MAX], deviation[DATASET_CHANNEL_MAX];
    uint64_t digest; /* of the shape and the images and labels in use */
    int own_files;   /* files of it that are not those that the name stands for; 0 also where there
                        is no way to know */
    const struct dataset_kind *kind;
    void *own; /* the kind's */
};

/* Images of a split. */
int64_t dataset_count(const struct dataset *data, int split);
/* Bytes of one image. */
size_t dataset_image_bytes(const struct dataset *data);

/* Training images image[0..count-1] as an epoch of a run sees them, varied as data->augment says:
 * pixels [count, height, width, channels], labels [count].  ERR_INPUT or ERR_IO when an image
 * cannot be had. */
int dataset_augmented(const struct dataset *data, uint64_t seed, uint32_t epoch,
                      const int64_t *image, int64_t count, uint8_t *pixels, int32_t *labels,
                      struct err *err);
/* Images of a split as they are evaluated, likewise. */
int dataset_plain(const struct dataset *data, int split, const int64_t *image, int64_t count,
                  uint8_t *pixels, int32_t *labels, struct err *err);

/* A split in memory, as long as the set is open; pixels are NULL where it does not lie there. */
struct dataset_images dataset_whole(const struct dataset *data, int split);
/* Of a set that lies in memory whole: the crops of the training split that are the rows of
 * dataset_augmented().  Needs train_n <= 2^31. */
void dataset_crops(const struct dataset *data, uint64_t seed, uint32_t epoch, const int64_t *image,
                   int64_t count, struct repro_crop *crops);

/* Zeroes of a set that fails at the first broken image. */
struct dataset_broken dataset_broken(const struct dataset *data);
/* What there is to say of the broken image that was found as number `which`, from 0: a sentence
 * that begins with its file.  Needs which < images. */
void dataset_broken_words(const struct dataset *data, int64_t which, char *words, size_t size);

/* Frees what its source allocated; legal on a zeroed struct. */
void dataset_release(struct dataset *data);

#endif
