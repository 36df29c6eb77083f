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

int safetensors_open(const char *path, char *bytes, size_t size, struct safetensors *file,
                     struct err *err)
{
    *file = (struct safetensors){.bytes = bytes};
    int code = open_frame(file, path, size, err);
    if (code != 0)
        safetensors_release(file);
    return code;
}

int safetensors_read(const char *path, size_t limit, struct safetensors *file, struct err *err)
{
    size_t size = 0;
    char *bytes = NULL;
    *file = (struct safetensors){0};
    int code = file_read(path, limit, &bytes, &size, err);
    return code == 0 ? safetensors_open(path, bytes, size, file, err) : code;
}

void safetensors_release(struct safetensors *file)
{
    json_decref(file->header);
    mem_free(file->bytes);
    *file = (struct safetensors){0};
}

/* The product of a shape; -1 where it is none of counts, or does not fit. */
static int64_t shape_of(const json_t *entry, int64_t shape[SAFETENSORS_RANK_MAX], int *rank)
{
    const json_t *dims = json_object_get(entry, "shape");
    int64_t count = 1;
    if (!json_is_array(dims) || json_array_size(dims) > SAFETENSORS_RANK_MAX)
        return -1;
    *rank = (int)json_array_size(dims);
    for (int i = 0; i < *rank; i++) {
        shape[i] = json_integer_value(json_array_get(dims, (size_t)i));
        if (shape[i] < 1 || count > INT64_MAX / (int64_t)sizeof(float) / shape[i])
            return -1;
        count *= shape[i];
    }
    return count;
}

int safetensors_floats(const struct safetensors *file, const char *path, const char *name,
                       int64_t shape[SAFETENSORS_RANK_MAX], int *rank, const float **values,
                       struct err *err)
{
    const json_t *entry = json_object_get(file->header, name);
    const json_t *offsets = json_object_get(entry, "data_offsets");
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    json_int_t begin = json_integer_value(json_array_get(offsets, 0)),
               end = json_integer_value(json_array_get(offsets, 1));
    if (entry == NULL)
        return err_set(err, ERR_INPUT, "%s: has no tensor '%s'", path, name);
    int64_t count = shape_of(entry, shape, rank);
    if (type == NULL || strcmp(type, "F32") != 0 || count < 0 || begin < 0 || end < begin ||
        (uint64_t)end > file->data_bytes || end - begin != count * (int64_t)sizeof(float) ||
        begin % (json_int_t)sizeof(float) != 0)
        return err_set(err, ERR_INPUT, "%s: damaged: what it says of the tensor '%s' cannot be",
                       path, name);
    *values = file->data + begin / (json_int_t)sizeof(float);
    return 0;
}

json_t *safetensors_entry(const char *type, int rank, const int64_t *shape, size_t first,
                          size_t bytes)
{
    json_t *dims = json_array();
    int bad = dims == NULL;
    for (int i = 0; i < rank && !bad; i++)
        bad = json_array_append_new(dims, json_integer(shape[i]));
    if (bad) {
        json_decref(dims);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", type, "shape", dims, "data_offsets",
                     (json_int_t)first, (json_int_t)(first + bytes));
}

int safetensors_header(const json_t *header, char **text, struct err *err)
{
    struct text out = {0};
    text_put_json(&out, header, JSON_COMPACT);
    while (!out.failed && out.size % 8 != 0)
        text_put_char(&out, ' ');
    return text_take(&out, text, "a header of tensors", err);
}

int safetensors_write(const char *path, const char *header, const void *data, size_t size,
                      struct err *err)
{
    struct file_writer file = {0};
    uint64_t length = strlen(header);
    int code = file_open(&file, path, err);
    if (code == 0)
        code = file_put(&file, &length, sizeof length, err);
    if (code == 0)
        code = file_put(&file, header, length, err);
    if (code == 0)
        code = file_put(&file, data, size, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    return code;
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
