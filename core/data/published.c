#include "data/published.h"

#include "base/err.h"

#include <assert.h>
#include <string.h>

/* XXH3 of 128 bits of the files in cifar-10-binary.tar.gz, whose MD5s are 0e0b475e, 191c3154,
 * bf64a10b, 47237958, d09a943d and ba382366 in their first eight digits. */
static const struct {
    const char *name, *digest;
} known[PUBLISHED_FILES] = {
    {"data_batch_1", "de604e0999f18791ac671d2456f021a1"},
    {"data_batch_2", "0403b7f6a92dac8b4657dd2ae28bd8c8"},
    {"data_batch_3", "94df736d1e1460ad709dc02989cfcf43"},
    {"data_batch_4", "0a8e275ecbf153c7d580d462a6e6bcb0"},
    {"data_batch_5", "dc454a155448a5b2d4cbf17bf6d432b6"},
    {"test_batch", "80dcbb5d3fb4a8d7aa77ccf53a7c6dde"},
};

static int is_known(const char *name, const char *digest)
{
    for (size_t i = 0; i < PUBLISHED_FILES; i++)
        if (strcmp(known[i].name, name) == 0)
            return strcmp(known[i].digest, digest) == 0;
    return 0;
}

/* The first of the records that are nothing but zeros and stand at the end; `records` where there
 * are none.  A tool that reserves a file's space and is cut off leaves such. */
static size_t zeros_from(const char *bytes, size_t records, size_t record)
{
    size_t end = records * record;
    while (end > 0 && bytes[end - 1] == 0)
        end--;
    return (end + record - 1) / record;
}

static int has_labels(const char *bytes, size_t records, size_t record)
{
    for (size_t i = 1; i < records; i++)
        if (bytes[i * record] != bytes[0])
            return 1;
    return 0;
}

int published_look(struct published *files, const char *name, const char *path, const char *bytes,
                   size_t records, size_t record, struct err *err)
{
    assert(files->count < PUBLISHED_FILES);
    char *digest = files->digest[files->count];
    digest_bytes(bytes, records * record, 0, digest);
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->digest[i], digest) == 0)
            return err_set(err, ERR_INPUT,
                           "'%s' holds the same bytes as %s.bin beside it; one of them is a wrong "
                           "copy: unpack or download it again",
                           path, files->name[i]);
    int published = is_known(name, digest);
    size_t zeros = published ? records : zeros_from(bytes, records, record);
    if (zeros < records)
        return err_set(err, ERR_INPUT,
                       "'%s' is nothing but zeros from record %zu on: a download that is not "
                       "whole; unpack or download it again",
                       path, zeros);
    if (!has_labels(bytes, records, record))
        return err_set(err, ERR_INPUT,
                       "'%s': all of its %zu labels are %u, so there is nothing to learn; unpack "
                       "or download it again",
                       path, records, (unsigned)(unsigned char)bytes[0]);
    files->own += !published;
    files->name[files->count++] = name;
    return 0;
}
