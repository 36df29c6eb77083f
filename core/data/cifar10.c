/* The binary version of CIFAR-10.  A file is read whole before its first byte is believed: 30 MB
 * are cheap, and a download cut off or a file of another kind is then refused by its size. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/published.h"
#include "data/source.h"
#include "data/whole.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define SIDE 32
#define PLANE ((size_t)SIDE * SIDE)
#define CHANNELS 3
#define IMAGE (CHANNELS * PLANE)
#define RECORD (1 + IMAGE)
#define RECORDS 10000
#define FILE_BYTES (RECORDS * RECORD)
#define CLASSES 10
#define TRAIN_MAX 50000
#define TEST_MAX 10000
#define SUBFOLDER "cifar-10-batches-bin"
#define MEND "--data takes the folder that holds " SUBFOLDER
#define FETCH "; `repro fetch cifar10` brings them"

/* The folder of the files: folder/cifar-10-batches-bin where there is one, else folder itself. */
static int find_files(const char *folder, char **found, struct err *err)
{
    struct stat status;
    if (stat(folder, &status) != 0)
        return err_set(err, ERR_INPUT, "cannot find the folder '%s': %s; " MEND FETCH, folder,
                       strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is not a folder; " MEND, folder);
    char *path = mem_format(err, "%s/" SUBFOLDER, folder);
    if (path != NULL && !file_exists(path)) {
        mem_free(path);
        path = mem_string(folder, err);
    }
    if (path == NULL)
        return ERR_MEMORY;
    *found = path;
    return 0;
}

static int check_size(const char *path, intmax_t size, struct err *err)
{
    if (size == (intmax_t)FILE_BYTES)
        return 0;
    return err_set(
        err, ERR_INPUT,
        "'%s' is %jd bytes, not %zu: %d records of %zu bytes; unpack or download it again", path,
        size, FILE_BYTES, RECORDS, RECORD);
}

/* A whole batch file of the right size with every label in range; free *bytes with mem_free(). */
static int read_records(const char *path, char **bytes, struct err *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        if (errno == ENOENT)
            return err_set(err, ERR_INPUT,
                           "'%s' is missing; " MEND ", the binary version of CIFAR-10" FETCH, path);
        return err_errno(err, errno, "cannot read '%s'", path);
    }
    if (!S_ISREG(status.st_mode))
        return err_set(err, ERR_INPUT, "'%s' is not a regular file; " MEND, path);
    int code = check_size(path, (intmax_t)status.st_size, err);
    if (code != 0)
        return code;
    char *records = NULL;
    size_t size = 0;
    code = file_read(path, FILE_BYTES, &records, &size, err);
    if (code == 0)
        code = check_size(path, (intmax_t)size, err);
    for (size_t i = 0; code == 0 && i < RECORDS; i++) {
        unsigned label = (unsigned char)records[i * RECORD];
        if (label >= CLASSES)
            code = err_set(err, ERR_INPUT,
                           "'%s': record %zu has label %u, above 9; download the file again", path,
                           i, label);
    }
    if (code != 0)
        mem_free(records);
    else
        *bytes = records;
    return code;
}

/* Planes of red, green, blue become interleaved pixels. */
static void unpack(const char *records, size_t count, uint8_t *pixels, int32_t *labels)
{
    for (size_t i = 0; i < count; i++) {
        const unsigned char *record = (const unsigned char *)records + i * RECORD;
        labels[i] = record[0];
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t p = 0; p < PLANE; p++)
                pixels[i * IMAGE + p * CHANNELS + c] = record[1 + c * PLANE + p];
    }
}

static int load_file(const char *folder, const char *name, size_t count, uint8_t *pixels,
                     int32_t *labels, struct published *files, struct err *err)
{
    char *records = NULL, *path = mem_format(err, "%s/%s.bin", folder, name);
    int code = path == NULL ? ERR_MEMORY : read_records(path, &records, err);
    if (code == 0)
        code = published_look(files, name, path, records, RECORDS, RECORD, err);
    if (code == 0)
        unpack(records, count, pixels, labels);
    mem_free(records);
    mem_free(path);
    return code;
}

static int load_files(const char *folder, struct dataset *data, struct err *err)
{
    static const char *const names[] = {"data_batch_1", "data_batch_2", "data_batch_3",
                                        "data_batch_4", "data_batch_5"};
    struct published files = {0};
    uint8_t *pixels = whole_pixels(data, DATASET_TRAIN);
    int32_t *labels = whole_labels(data, DATASET_TRAIN);
    int code = 0;
    for (int64_t first = 0; code == 0 && first < data->train_n; first += RECORDS) {
        size_t count = (size_t)(data->train_n - first < RECORDS ? data->train_n - first : RECORDS);
        code = load_file(folder, names[first / RECORDS], count, pixels + (size_t)first * IMAGE,
                         labels + first, &files, err);
    }
    if (code == 0)
        code = load_file(folder, "test_batch", (size_t)data->test_n,
                         whole_pixels(data, DATASET_TEST), whole_labels(data, DATASET_TEST), &files,
                         err);
    data->own_files = (int)files.own;
    return code;
}

int source_cifar10(const char *folder, int64_t train_n, int64_t test_n, struct dataset *out,
                   struct err *err)
{
    if (train_n < 1 || train_n > TRAIN_MAX)
        return err_set(err, ERR_INPUT,
                       "CIFAR-10 has %d training images; %" PRId64 " cannot be taken", TRAIN_MAX,
                       train_n);
    if (test_n < 1 || test_n > TEST_MAX)
        return err_set(err, ERR_INPUT, "CIFAR-10 has %d test images; %" PRId64 " cannot be taken",
                       TEST_MAX, test_n);
    struct dataset data = {
        .train_n = train_n,
        .test_n = test_n,
        .channels = CHANNELS,
        .height = SIDE,
        .width = SIDE,
        .classes = CLASSES,
        .mean = {SOURCE_CIFAR10_MEAN},
        .deviation = {SOURCE_CIFAR10_DEVIATION},
    };
    char *files = NULL;
    int code = find_files(folder, &files, err);
    if (code == 0)
        code = whole_allocate(&data, err);
    if (code == 0)
        code = load_files(files, &data, err);
    if (code == 0)
        code = whole_digest(&data, err);
    mem_free(files);
    if (code != 0)
        dataset_release(&data);
    else
        *out = data;
    return code;
}
