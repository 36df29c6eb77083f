/* source.h -- the sources of data sets, by the names that experiment files use.
 *
 * A row of the table and its open function are all that a new source takes, besides the kind of its
 * sets where they do not lie in memory whole (dataset.h, whole.h). */
#ifndef DATA_SOURCE_H
#define DATA_SOURCE_H

#include "data/dataset.h"
#include "data/folder.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* The ones usual for WRN on CIFAR-10; of a large synthetic set of ten classes; of a folder of
 * images, which puts pixels on -1..1. */
#define SOURCE_CIFAR10_MEAN 125.3f, 123.0f, 113.9f
#define SOURCE_CIFAR10_DEVIATION 63.0f, 62.1f, 66.7f
#define SOURCE_SYNTHETIC_MEAN 127.3f, 127.3f, 127.3f
#define SOURCE_SYNTHETIC_DEVIATION 53.4f, 53.4f, 53.4f
#define SOURCE_FOLDER_MEAN 127.5f, 127.5f, 127.5f
#define SOURCE_FOLDER_DEVIATION 127.5f, 127.5f, 127.5f

struct source {
    const char *name;  /* in experiment files, manifests and identities: frozen */
    const char *title; /* for captions */
    /* for captions, where files are not those that the name stands for; NULL: there is no way to
     * know */
    const char *own_title;
    const char *stand_in; /* the source taken where no folder is given; NULL: it needs none */
    const char *variable; /* of the environment: its folder where none is given; NULL: none */
    const char *fetched;  /* its folder in the data folder (home.h); NULL: it is not fetched */
    int decodes;          /* image files: all of folder_options is for it, not the side alone */
    /* of the whole set, where no other side is asked for; a folder may hold fewer classes */
    int channels, side, classes;
    /* per channel, of pixels on 0..255: a network's input is (pixel - mean) / deviation */
    float mean[DATASET_CHANNEL_MAX], deviation[DATASET_CHANNEL_MAX];
    /* Opens the first train_n training and test_n test images of a folder, side x side pixels each
     * (0: the source's own); fills *out but for name and title, on success only. */
    int (*open)(const char *folder, int64_t train_n, int64_t test_n,
                const struct folder_options *options, struct dataset *out, struct err *err);
};

/* All of them. */
const struct source *source_table(size_t *count);

/* The row of a name; NULL and ERR_USAGE with the names there are when it is none of them. */
const struct source *source_find(const char *name, struct err *err);

/* The folder that source_open() reads: `folder`, or the one of the source's name in there; where it
 * is NULL or empty the same of what the source's variable names; else the copy that was fetched
 * into the data folder, and *fetched is 1.  *path is NULL where there is none; freed with
 * mem_free(). */
int source_folder(const struct source *source, const char *folder, char **path, int *fetched,
                  struct err *err);

/* Opens the data set `name` from a folder, or from the folder of its name in there ("imagenet"), so
 * that one folder can hold every data set; where folder is NULL or empty, from the one that its
 * variable names, else from a fetched copy, else it is the stand-in.  Of the options a source that
 * decodes nothing takes the side alone, and so does what stands in for one that does.  ERR_USAGE
 * with the names there are when it is none of them, and where a source that decodes nothing is
 * itself named and is to make rows otherwise; ERR_INPUT where the source has no images of that
 * side, else as the source says.  dataset_release() closes it. */
int source_open(const char *name, const char *folder, int64_t train_n, int64_t test_n,
                const struct folder_options *options, struct dataset *out, struct err *err);

/* For captions: the title of the source of that name, and behind it in what the words of its
 * augmentation are not the default; empty where there is none. */
void source_title(const char *name, const char *augment, char *title, size_t size);

/* The same where its files are not the published ones; where nothing is known of that, title stays
 * as it was. */
void source_own_title(const char *name, char *title, size_t size);

/* ---- The sources by themselves.  Name and title are left NULL. ---- */

/* The first train_n images of data_batch_1..5.bin and the first test_n of test_batch.bin (one label
 * byte, then 1024 bytes each of red, green, blue), from folder or from folder/cifar-10-batches-bin.
 * Only the files needed are opened, but every file opened is checked whole: 10000 records of 3073
 * bytes, labels 0..9; one that ends in zeros, holds one label alone or is another one's copy is
 * refused.  own_files counts those that are not the published ones (published.h).  Mean and
 * deviation are the ones usual for WRN on CIFAR-10 (125.3 123.0 113.9
 * / 63.0 62.1 66.7).  ERR_INPUT names the file, the record and the mend. Needs 0 < train_n <= 50000
 * and 0 < test_n <= 10000. */
int source_cifar10(const char *folder, int64_t train_n, int64_t test_n, struct dataset *out,
                   struct err *err);

/* A procedural set, side x side x 3 (0: 32), keyed by seed: image i does not depend on train_n or
 * test_n, and of another side it is the same scene, finer or coarser.  Test images are drawn from
 * the same distribution, without label noise.  It has ten classes and lies in memory whole while
 * its pixels are at most 4 GiB; beyond, as at ImageNet's scale, it has a thousand and its rows are
 * drawn when they are asked for (drawn.h). */
int source_synthetic(uint64_t seed, int64_t train_n, int64_t test_n, int side, struct dataset *out,
                     struct err *err);

#endif
