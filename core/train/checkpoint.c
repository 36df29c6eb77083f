#include "train/checkpoint.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "checkpoints are written in the machine's own byte order, which must be little-endian"
#endif

#define FORMAT "repro-checkpoint-2"
#define HEADER_LIMIT (16u << 20)
#define HASH_TEXT 33

/* Arenas in file order, with the prefix of their tensors' names. */
static const struct {
    int arena, layout; /* layout: the arena whose tensors it shares */
    const char *prefix;
} sections[] = {
    {REPRO_ARENA_PARAM, REPRO_ARENA_PARAM, "param"},
    {REPRO_ARENA_MOMENT1, REPRO_ARENA_PARAM, "moment1"},
    {REPRO_ARENA_MOMENT2, REPRO_ARENA_PARAM, "moment2"},
    {REPRO_ARENA_RUNNING, REPRO_ARENA_RUNNING, "running"},
};
#define SECTION_COUNT (sizeof sections / sizeof *sections)

static int uses(const struct trainer *trainer, size_t section)
{
    return trainer_arenas(trainer) >> sections[section].arena & 1;
}

static size_t data_floats(const struct trainer *trainer)
{
    size_t floats = 0;
    for (size_t s = 0; s < SECTION_COUNT; s++)
        if (uses(trainer, s))
            floats += (size_t)trainer_arena_count(trainer, sections[s].arena);
    return floats;
}

/* Of the data, seeded with the metadata so far, so that a flipped digit of the state is found as
 * well. */
static int hash_text(const json_t *meta, const void *data, size_t bytes, char text[HASH_TEXT])
{
    struct text words = {0};
    text_put_json(&words, meta, JSON_COMPACT | JSON_SORT_KEYS);
    int failed = words.failed;
    if (!failed) {
        XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes,
                                                   XXH3_64bits(words.bytes, words.size));
        snprintf(text, HASH_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
                 (uint64_t)hash.low64);
    }
    text_release(&words);
    return failed ? ERR_MEMORY : 0;
}

static int all_finite(const float *data, size_t floats)
{
    int finite = 1;
    for (size_t i = 0; i < floats; i++)
        finite &= isfinite(data[i]) != 0;
    return finite;
}

/* ---- Header ---- */

static int set_integer(json_t *object, const char *key, int64_t value)
{
    return json_object_set_new(object, key, json_sprintf("%" PRId64, value));
}

static json_t *metadata(const struct trainer *trainer, const char *identity, const float *data,
                        size_t floats)
{
    char hash[HASH_TEXT];
    const struct trainer_state *state = trainer_state(trainer);
    json_t *object = json_object();
    int bad = json_object_set_new(object, "format", json_string(FORMAT)) |
              json_object_set_new(object, "identity", json_string(identity)) |
              set_integer(object, "update", state->update) |
              set_integer(object, "epoch", state->epoch) |
              set_integer(object, "update_in_epoch", state->update_in_epoch) |
              set_integer(object, "images", state->images) |
              set_integer(object, "correct", state->correct) |
              set_integer(object, "rows", state->rows) |
              json_object_set_new(object, "loss", json_sprintf("%a", state->loss));
    if (bad || hash_text(object, data, floats * sizeof *data, hash) != 0 ||
        json_object_set_new(object, "xxh3", json_string(hash)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *tensor_entry(const struct net_tensor *tensor, size_t first_float)
{
    json_t *shape = json_array();
    int bad = shape == NULL;
    for (int i = 0; i < tensor->rank && !bad; i++)
        bad = json_array_append_new(shape, json_integer(tensor->dims[i]));
    if (bad) {
        json_decref(shape);
        return NULL;
    }
    size_t begin = (first_float + (size_t)tensor->first) * sizeof(float);
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape", shape, "data_offsets",
                     (json_int_t)begin,
                     (json_int_t)(begin + (size_t)tensor->count * sizeof(float)));
}

/* The header around the metadata, whose reference it takes; NULL when out of memory. */
static json_t *header_json(const struct trainer *trainer, json_t *meta)
{
    const struct net *net = trainer_config(trainer)->net;
    json_t *header = json_object();
    int bad = json_object_set_new(header, "__metadata__", meta);
    size_t first = 0;
    for (size_t s = 0; s < SECTION_COUNT; s++) {
        if (!uses(trainer, s))
            continue;
        for (size_t t = 0; t < net->tensor_count; t++) {
            char name[sizeof net->tensors->name + 16];
            if (net->tensors[t].arena != sections[s].layout)
                continue;
            snprintf(name, sizeof name, "%s/%s", sections[s].prefix, net->tensors[t].name);
            bad |= json_object_set_new(header, name, tensor_entry(&net->tensors[t], first));
        }
        first += (size_t)trainer_arena_count(trainer, sections[s].arena);
    }
    if (bad) {
        json_decref(header);
        return NULL;
    }
    return header;
}

/* The header as text, padded with spaces to a multiple of 8; freed with mem_free(). */
static char *header_text(const struct trainer *trainer, const char *identity, const float *data,
                         size_t floats, struct err *err)
{
    json_t *header = header_json(trainer, metadata(trainer, identity, data, floats));
    struct text out = {0};
    char *text = NULL;
    text_put_json(&out, header, JSON_COMPACT);
    json_decref(header);
    while (!out.failed && out.size % 8 != 0)
        text_put_char(&out, ' ');
    return text_take(&out, &text, "a checkpoint's header", err) == 0 ? text : NULL;
}

int checkpoint_take(struct trainer *trainer, const char *path, const char *identity,
                    struct checkpoint_image *out, struct err *err)
{
    size_t first = 0;
    struct checkpoint_image image = {.floats = data_floats(trainer)};
    image.data = mem_new(image.floats, sizeof *image.data, err);
    image.path = mem_string(path, err);
    int code = image.data == NULL || image.path == NULL ? ERR_MEMORY : trainer_settle(trainer, err);
    for (size_t s = 0; code == 0 && s < SECTION_COUNT; s++) {
        if (!uses(trainer, s))
            continue;
        code = trainer_read(trainer, sections[s].arena, image.data + first, err);
        first += (size_t)trainer_arena_count(trainer, sections[s].arena);
    }
    if (code == 0 && !all_finite(image.data, image.floats))
        code = err_set(err, ERR_NOT_FINITE,
                       "%s: after update %" PRId64 " a parameter is no finite number; the last "
                       "checkpoint is kept; lower the learning rate",
                       path, trainer_state(trainer)->update);
    if (code == 0) {
        image.header = header_text(trainer, identity, image.data, image.floats, err);
        code = image.header == NULL ? ERR_MEMORY : 0;
    }
    if (code != 0)
        checkpoint_image_release(&image);
    else
        *out = image;
    return code;
}

int checkpoint_write(const struct checkpoint_image *image, struct err *err)
{
    struct file_writer file = {0};
    uint64_t length = strlen(image->header);
    int code = file_open(&file, image->path, err);
    if (code == 0)
        code = file_put(&file, &length, sizeof length, err);
    if (code == 0)
        code = file_put(&file, image->header, length, err);
    if (code == 0)
        code = file_put(&file, image->data, image->floats * sizeof *image->data, err);
    if (code == 0)
        code = file_commit(&file, err);
    file_abandon(&file);
    return code;
}

void checkpoint_image_release(struct checkpoint_image *image)
{
    mem_free(image->path);
    mem_free(image->header);
    mem_free(image->data);
    memset(image, 0, sizeof *image);
}

int checkpoint_save(struct trainer *trainer, const char *path, const char *identity,
                    struct err *err)
{
    struct checkpoint_image image = {0};
    int code = checkpoint_take(trainer, path, identity, &image, err);
    if (code == 0)
        code = checkpoint_write(&image, err);
    checkpoint_image_release(&image);
    return code;
}

/* ---- Loading ---- */

struct reader {
    const char *path;
    json_t *meta; /* borrowed from the header */
    struct err *err;
    int failed;
};

static const char *text_of(struct reader *reader, const char *key)
{
    const char *text = json_string_value(json_object_get(reader->meta, key));
    if (text == NULL && !reader->failed)
        reader->failed = err_set(reader->err, ERR_INPUT,
                                 "%s: not a checkpoint of repro: '%s' is missing", reader->path,
                                 key);
    return text == NULL ? "" : text;
}

static int64_t integer_of(struct reader *reader, const char *key)
{
    const char *text = text_of(reader, key);
    char *end;
    int64_t value = strtoll(text, &end, 10);
    if (!reader->failed && (end == text || *end != '\0' || value < 0))
        reader->failed = err_set(reader->err, ERR_INPUT, "%s: damaged: '%s' is no count",
                                 reader->path, key);
    return value;
}

static int read_state(struct reader *reader, struct trainer_state *state)
{
    state->update = integer_of(reader, "update");
    state->epoch = (int)integer_of(reader, "epoch");
    state->update_in_epoch = integer_of(reader, "update_in_epoch");
    state->images = integer_of(reader, "images");
    state->correct = integer_of(reader, "correct");
    state->rows = integer_of(reader, "rows");
    state->loss = strtod(text_of(reader, "loss"), NULL);
    return reader->failed;
}

/* Checks the frame: header length, JSON, size of the data; *data points into bytes. */
static int open_frame(const char *path, const char *bytes, size_t size, size_t wanted,
                      json_t **header, const float **data, struct err *err)
{
    uint64_t length = 0;
    if (size >= sizeof length)
        memcpy(&length, bytes, sizeof length);
    if (size < sizeof length || length > HEADER_LIMIT || length > size - sizeof length ||
        length % 8 != 0)
        return err_set(err, ERR_INPUT,
                       "%s: cut short or no safetensors file; delete it to begin the run anew",
                       path);
    json_error_t where;
    *header = json_loadb(bytes + sizeof length, length, JSON_REJECT_DUPLICATES, &where);
    if (*header == NULL)
        return err_set(err, ERR_INPUT, "%s: damaged header (%s); delete it to begin the run anew",
                       path, where.text);
    size_t rest = size - sizeof length - length;
    if (rest != wanted)
        return err_set(err, ERR_INPUT,
                       "%s: holds %zu bytes of tensors where this network needs %zu; delete it to "
                       "begin the run anew",
                       path, rest, wanted);
    *data = (const float *)(const void *)(bytes + sizeof length + length);
    return 0;
}

/* The tensors are this network's, the checksum fits, and *state holds what the metadata say. */
static int check_content(struct trainer *trainer, struct reader *reader, const json_t *header,
                         const char *identity, const float *data, size_t bytes,
                         struct trainer_state *state)
{
    const char *path = reader->path, *format = text_of(reader, "format"),
               *found = text_of(reader, "identity");
    char hash[HASH_TEXT], wanted[HASH_TEXT];
    snprintf(wanted, sizeof wanted, "%s", text_of(reader, "xxh3"));
    if (reader->failed)
        return reader->failed;
    if (strcmp(format, FORMAT) != 0)
        return err_set(reader->err, ERR_INPUT,
                       "%s: no checkpoint of this version; delete it to begin the run anew", path);
    if (strcmp(found, identity) != 0)
        return err_set(reader->err, ERR_INPUT,
                       "%s: belongs to another run (identity %s, wanted %s)", path, found,
                       identity);
    json_t *own = header_json(trainer, json_incref(reader->meta));
    int same = own != NULL && json_equal(own, header);
    json_decref(own);
    if (!same)
        return err_set(reader->err, ERR_INPUT,
                       "%s: its tensors are not those of this network; delete it to begin the "
                       "run anew",
                       path);
    json_object_del(reader->meta, "xxh3");
    if (hash_text(reader->meta, data, bytes, hash) != 0)
        return err_set(reader->err, ERR_MEMORY, "%s: cannot be checked: out of memory", path);
    if (strcmp(wanted, hash) != 0)
        return err_set(reader->err, ERR_INPUT,
                       "%s: damaged: its checksum does not fit; delete it to begin the run anew",
                       path);
    return read_state(reader, state);
}

int checkpoint_load(struct trainer *trainer, const char *path, const char *identity,
                    struct err *err)
{
    size_t wanted = data_floats(trainer) * sizeof(float), size = 0;
    char *bytes = NULL;
    json_t *header = NULL;
    const float *data = NULL;
    struct trainer_state state = {0};
    int code = file_read(path, wanted + HEADER_LIMIT + 8, &bytes, &size, err);
    if (code == 0)
        code = open_frame(path, bytes, size, wanted, &header, &data, err);
    if (code != 0)
        goto out;
    struct reader reader = {path, json_object_get(header, "__metadata__"), err, 0};
    code = check_content(trainer, &reader, header, identity, data, wanted, &state);
    for (size_t s = 0; code == 0 && s < SECTION_COUNT; s++) {
        if (!uses(trainer, s))
            continue;
        code = trainer_write(trainer, sections[s].arena, data, err);
        data += trainer_arena_count(trainer, sections[s].arena);
    }
    if (code == 0) {
        code = trainer_restore(trainer, &state, err);
        if (code != 0)
            err_prefix(err, "%s", path);
    }
out:
    json_decref(header);
    mem_free(bytes);
    return code;
}
