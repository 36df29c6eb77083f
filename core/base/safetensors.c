#include "base/safetensors.h"

#include "base/err.h"
#include "base/file.h"
#include "base/text_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors are written in the machine's own byte order, which must be little-endian"
#endif

int safetensors_open(const char *path, const char *bytes, size_t size, const char *mend,
                     struct safetensors *out, struct err *err)
{
    uint64_t length = 0;
    if (size >= sizeof length)
        memcpy(&length, bytes, sizeof length);
    if (size < sizeof length || length > SAFETENSORS_HEADER_LIMIT ||
        length > size - sizeof length || length % 8 != 0)
        return err_set(err, ERR_INPUT, "%s: cut short or no safetensors file; %s", path, mend);
    json_error_t where;
    json_t *header = json_loadb(bytes + sizeof length, length, JSON_REJECT_DUPLICATES, &where);
    if (header == NULL)
        return err_set(err, ERR_INPUT, "%s: damaged header (%s); %s", path, where.text, mend);
    *out = (struct safetensors){header, bytes + sizeof length + length,
                                size - sizeof length - length};
    return 0;
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
        (uint64_t)end > file->size || end - begin != count * (int64_t)sizeof(float) ||
        begin % (json_int_t)sizeof(float) != 0)
        return err_set(err, ERR_INPUT, "%s: damaged: what it says of the tensor '%s' cannot be",
                       path, name);
    *values = (const float *)(const void *)(file->data + begin);
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

int safetensors_sum(const json_t *meta, const void *data, size_t size, char sum[SAFETENSORS_SUM])
{
    struct text words = {0};
    text_put_json(&words, meta, JSON_COMPACT | JSON_SORT_KEYS);
    int failed = words.failed;
    if (!failed) {
        XXH128_hash_t hash = XXH3_128bits_withSeed(data, size,
                                                   XXH3_64bits(words.bytes, words.size));
        snprintf(sum, SAFETENSORS_SUM, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
                 (uint64_t)hash.low64);
    }
    text_release(&words);
    return failed ? ERR_MEMORY : 0;
}
