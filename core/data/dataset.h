/* dataset.h -- a labelled image set in memory, as bytes.
 *
 * A data set is read only once loaded and may be shared by threads.  Its order is part of what it
 * is: image i is the same image on every machine, and random choices are keyed by i. */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stdint.h>

struct err;

#define DATASET_CHANNEL_MAX 4

/* What batch.h does; part of identities, so the words are frozen. */
#define DATASET_AUGMENT "crop from 4-pixel reflection pad, flip"

struct dataset {
    char name[32];       /* "cifar10", "synthetic" */
    const char *title;   /* for captions: "CIFAR-10", "Synthetic data, not CIFAR-10" */
    const char *augment; /* how training images are varied, in the words of a run's identity */
    int64_t train_n, test_n;
    int channels, height, width, classes;
    uint8_t *train_pixels, *test_pixels; /* [n, height, width, channels], 0..255 */
    int32_t *train_labels, *test_labels; /* [n], 0..classes-1 */
    /* per channel, of pixels on 0..255 */
    float mean[DATASET_CHANNEL_MAX], deviation[DATASET_CHANNEL_MAX];
    uint64_t digest; /* XXH3 of the shape, pixels and labels in use */
};

/* The first train_n images of data_batch_1..5.bin and the first test_n of test_batch.bin (one label
 * byte, then 1024 bytes each of red, green, blue), from folder or from folder/cifar-10-batches-bin.
 * Only the files needed are opened, but every file opened is checked whole: 10000 records of 3073
 * bytes, labels 0..9.  Mean and deviation are the ones usual for WRN on CIFAR-10 (125.3 123.0 113.9
 * / 63.0 62.1 66.7).  ERR_INPUT names the file, the record and the mend. Needs 0 < train_n <= 50000
 * and 0 < test_n <= 10000. */
int dataset_cifar10(const char *folder, int64_t train_n, int64_t test_n, struct dataset *out,
                    struct err *err);

/* A procedural set of ten classes, 32 x 32 x 3, keyed by seed: image i does not depend on train_n
 * or test_n.  Test images are drawn from the same distribution, without label noise. */
int dataset_synthetic(uint64_t seed, int64_t train_n, int64_t test_n, struct dataset *out,
                      struct err *err);

/* Frees what a loader allocated; legal on a zeroed struct. */
void dataset_release(struct dataset *data);

#endif
