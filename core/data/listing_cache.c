/* The file: MAGIC; XXH3 (64 bits) of all that follows; the folder's path without links; whether val
 * is flat; then three lists, each behind its length: stamps, classes, and for each split images.
 * Numbers are 64 bits, little-endian, texts end in a NUL. */
#include "data/listing_cache.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <xxhash.h>

#define MAGIC "repro index 1\n\n"
#define HEAD (sizeof MAGIC + 8)
#define FILE_MAX ((size_t)4 << 30)
#define SETTLED 3 /* seconds after which a further change must show in a folder's time */

/* Where the listing of a folder is kept; NULL: nowhere. */
static char *place(const char *real, char **folder)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    XXH128_hash_t hash = XXH3_128bits(real, strlen(real));
    *folder = NULL;
    if (cache != NULL && cache[0] == '/')
        *folder = mem_format(NULL, "%s/repro/index", cache);
    else if (home != NULL && home[0] == '/')
        *folder = mem_format(NULL, "%s/.cache/repro/index", home);
    return *folder == NULL ? NULL
                           : mem_format(NULL, "%s/%016" PRIx64 "%016" PRIx64, *folder,
                                        (uint64_t)hash.high64, (uint64_t)hash.low64);
}

/* ---- Reading. ---- */

struct cursor {
    const char *at, *end;
    int bad; /* it holds less than was asked for */
};

static uint64_t take_number(struct cursor *cursor)
{
    if (cursor->bad || cursor->end - cursor->at < 8) {
        cursor->bad = 1;
        return 0;
    }
    cursor->at += 8;
    return bytes_get((const unsigned char *)cursor->at - 8, 8);
}

static const char *take_text(struct cursor *cursor)
{
    size_t left = (size_t)(cursor->end - cursor->at);
    const char *text = cursor->at, *nul = cursor->bad ? NULL : memchr(text, '\0', left);
    if (nul == NULL) {
        cursor->bad = 1;
        return "";
    }
    cursor->at = nul + 1;
    return text;
}

/* Whether a folder or file is as the stamp says. */
static int fits(const char *folder, const char *name, const struct listing_stamp *stamp)
{
    struct stat status;
    char *path = mem_format(NULL, "%s/%s", folder, name);
    int same = path != NULL && stat(path, &status) == 0 &&
               status.st_mtim.tv_sec == stamp->seconds &&
               status.st_mtim.tv_nsec == stamp->nanoseconds && status.st_size == stamp->bytes;
    mem_free(path);
    return same;
}

static int take_stamps(struct cursor *cursor, const char *folder, struct listing *out)
{
    uint64_t count = take_number(cursor);
    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        const char *name = take_text(cursor);
        struct listing_stamp stamp = {.seconds = (int64_t)take_number(cursor),
                                      .nanoseconds = (int64_t)take_number(cursor),
                                      .bytes = (int64_t)take_number(cursor)};
        if (cursor->bad || !fits(folder, name, &stamp) ||
            listing_add_name(out, name, &stamp.name, NULL) != 0 ||
            listing_add_stamp(out, stamp, NULL) != 0)
            return 0;
    }
    return !cursor->bad;
}

static int take_classes(struct cursor *cursor, struct listing *out)
{
    uint64_t count = take_number(cursor);
    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        size_t at;
        if (listing_add_name(out, take_text(cursor), &at, NULL) != 0 ||
            listing_add_class(out, at, NULL) != 0)
            return 0;
    }
    return !cursor->bad;
}

static int take_images(struct cursor *cursor, int split, struct listing *out)
{
    uint64_t count = take_number(cursor);
    for (uint64_t i = 0; i < count && !cursor->bad; i++) {
        const char *name = take_text(cursor);
        uint64_t bytes = take_number(cursor), label = take_number(cursor);
        struct listing_image image = {.bytes = (int64_t)bytes, .label = (int32_t)label};
        if (cursor->bad || label >= out->class_count ||
            listing_add_name(out, name, &image.name, NULL) != 0 ||
            listing_add_image(out, split, image, NULL) != 0)
            return 0;
    }
    return !cursor->bad;
}

/* 1 when the bytes are a listing of the folder as it is now. */
static int unpack(const char *bytes, size_t size, const char *real, struct listing *out)
{
    if (size < HEAD || memcmp(bytes, MAGIC, sizeof MAGIC) != 0 ||
        bytes_get((const unsigned char *)bytes + sizeof MAGIC, 8) !=
            XXH3_64bits(bytes + HEAD, size - HEAD))
        return 0;
    struct cursor cursor = {.at = bytes + HEAD, .end = bytes + size};
    int good = strcmp(take_text(&cursor), real) == 0;
    out->flat = take_number(&cursor) != 0;
    good = good && take_stamps(&cursor, real, out) && take_classes(&cursor, out);
    for (int split = 0; good && split < DATASET_SPLITS; split++)
        good = take_images(&cursor, split, out);
    return good && cursor.at == cursor.end;
}

static int load(const char *path, const char *real, struct listing *out)
{
    struct listing listing = {0};
    char *bytes = NULL;
    size_t size;
    int good = file_read(path, FILE_MAX, &bytes, &size, NULL) == 0 &&
               unpack(bytes, size, real, &listing);
    mem_free(bytes);
    if (good)
        *out = listing;
    else
        listing_release(&listing);
    return good;
}

/* ---- Writing. ---- */

static void put_number(struct text *text, uint64_t number)
{
    unsigned char bytes[8];
    bytes_put(bytes, 8, number);
    text_put_bytes(text, (const char *)bytes, sizeof bytes);
}

static void put_name(struct text *text, const struct listing *listing, size_t at)
{
    const char *name = listing_name(listing, at);
    text_put_bytes(text, name, strlen(name) + 1);
}

static void pack(const struct listing *listing, const char *real, struct text *text)
{
    static const char head[HEAD] = MAGIC;
    text_put_bytes(text, head, sizeof head);
    text_put_bytes(text, real, strlen(real) + 1);
    put_number(text, (uint64_t)listing->flat);
    put_number(text, listing->stamp_count);
    for (size_t i = 0; i < listing->stamp_count; i++) {
        put_name(text, listing, listing->stamps[i].name);
        put_number(text, (uint64_t)listing->stamps[i].seconds);
        put_number(text, (uint64_t)listing->stamps[i].nanoseconds);
        put_number(text, (uint64_t)listing->stamps[i].bytes);
    }
    put_number(text, listing->class_count);
    for (size_t i = 0; i < listing->class_count; i++)
        put_name(text, listing, listing->classes[i]);
    for (int split = 0; split < DATASET_SPLITS; split++) {
        put_number(text, (uint64_t)listing->count[split]);
        for (int64_t i = 0; i < listing->count[split]; i++) {
            put_name(text, listing, listing->images[split][i].name);
            put_number(text, (uint64_t)listing->images[split][i].bytes);
            put_number(text, (uint64_t)listing->images[split][i].label);
        }
    }
    if (!text->failed)
        bytes_put((unsigned char *)text->bytes + sizeof MAGIC, 8,
                  XXH3_64bits(text->bytes + HEAD, text->size - HEAD));
}

static void save(const struct listing *listing, const char *real, const char *folder,
                 const char *path, time_t begun)
{
    struct text text = {0};
    for (size_t i = 0; i < listing->stamp_count; i++)
        if (listing->stamps[i].seconds > (int64_t)begun - SETTLED)
            return;
    pack(listing, real, &text);
    if (!text.failed && file_make_folders(folder, NULL) == 0)
        file_replace(path, text.bytes, text.size, NULL);
    text_release(&text);
}

int listing_open(const char *folder, struct listing *out, struct err *err)
{
    char *cache = NULL, *real = realpath(folder, NULL);
    char *path = real == NULL ? NULL : place(real, &cache);
    time_t begun = time(NULL);
    int code = 0;
    if (path == NULL || !load(path, real, out)) {
        code = listing_scan(folder, out, err);
        if (code == 0 && path != NULL)
            save(out, real, cache, path, begun);
    }
    mem_free(path);
    mem_free(cache);
    free(real);
    return code;
}
