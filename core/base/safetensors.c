#include "base/safetensors.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text_json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors are written in the machine's own byte order, which must be little-endian"
#endif

#define MEND "put back a copy, or delete it to begin the run anew"
#define METADATA "__metadata__"

/* Checks the frame: header length and JSON. */
static int open_frame(struct safetensors *file, const char *path, size_t size, struct err *err)
{
    uint64_t length = 0;
    const char *text = file->bytes + sizeof length;
    if (size >= sizeof length)
        memcpy(&length, file->bytes, sizeof length);
    if (size < sizeof length || length > SAFETENSORS_HEADER_LIMIT ||
        length > size - sizeof length || length % 8 != 0)
        return err_set(err, ERR_INPUT, "%s: cut short or no safetensors file; " MEND, path);
    json_error_t where;
    file->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    /* Without memory the parser stops and gives no reason. */
    if (file->header == NULL && where.text[0] == '\0')
        return err_set(err, ERR_MEMORY, "%s: cannot be read: out of memory", path);
    if (file->header == NULL)
        return err_set(err, ERR_INPUT, "%s: damaged header (%s); " MEND, path, where.text);
    digest_bytes(text, length, 0, file->digest);
    file->meta = json_object_get(file->header, METADATA);
    file->data = (const float *)(const void *)(text + length);
    file->data_bytes = size - sizeof length - length;
    return 0;
}

int safetensors_read(const char *path, size_t limit, struct safetensors *file, struct err *err)
{
    size_t size = 0;
    *file = (struct safetensors){0};
    int code = file_read(path, limit, &file->bytes, &size, err);
    if (code == 0)
        code = open_frame(file, path, size, err);
    if (code != 0)
        safetensors_release(file);
    return code;
}

void safetensors_release(struct safetensors *file)
{
    json_decref(file->header);
    mem_free(file->bytes);
    *file = (struct safetensors){0};
}

int safetensors_seal(const json_t *meta, const void *data, size_t bytes, char digest[DIGEST_TEXT])
{
    struct text words = {0};
    text_put_json(&words, meta, JSON_COMPACT | JSON_SORT_KEYS);
    int failed = words.failed;
    if (!failed)
        digest_bytes(data, bytes, XXH3_64bits(words.bytes, words.size), digest);
    text_release(&words);
    return failed ? ERR_MEMORY : 0;
}

int safetensors_layout(const json_t *header, char digest[DIGEST_TEXT])
{
    struct text words = {0};
    json_t *entries = json_copy((json_t *)(uintptr_t)header); /* it only reads */
    if (entries != NULL)
        json_object_del(entries, METADATA);
    text_put_json(&words, entries, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(entries);
    int failed = words.failed;
    if (!failed)
        digest_bytes(words.bytes, words.size, 0, digest);
    text_release(&words);
    return failed ? ERR_MEMORY : 0;
}

int safetensors_check(struct safetensors *file, const char *path, struct err *err)
{
    char wanted[DIGEST_TEXT] = "", found[DIGEST_TEXT];
    const char *seal = json_string_value(json_object_get(file->meta, "xxh3"));
    const char *layout = json_string_value(json_object_get(file->meta, "layout"));
    if (seal == NULL)
        return err_set(err, ERR_INPUT, "%s: not a checkpoint of repro: 'xxh3' is missing", path);
    snprintf(wanted, sizeof wanted, "%s", seal);
    json_object_del(file->meta, "xxh3");
    if (safetensors_seal(file->meta, file->data, file->data_bytes, found) != 0)
        return err_set(err, ERR_MEMORY, "%s: cannot be checked: out of memory", path);
    if (strcmp(wanted, found) != 0)
        return err_set(err, ERR_INPUT, "%s: damaged: its checksum does not fit; " MEND, path);
    if (layout != NULL && safetensors_layout(file->header, found) != 0)
        return err_set(err, ERR_MEMORY, "%s: cannot be checked: out of memory", path);
    if (layout != NULL && strcmp(layout, found) != 0)
        return err_set(err, ERR_INPUT,
                       "%s: damaged: its header names other tensors than were written; " MEND,
                       path);
    return 0;
}
