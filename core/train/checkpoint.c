#include "train/checkpoint.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/safetensors.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "repro-checkpoint-2"
#define MEND "delete it to begin the run anew"

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

/* What a checkpoint is made of besides the trainer's own state. */
struct content {
    const char *identity, *log; /* log: NULL for none */
    const float *data;
    size_t floats;
};

static json_t *metadata(const struct trainer *trainer, const struct content *content,
                        const char *layout)
{
    char hash[DIGEST_TEXT];
    const struct trainer_state *state = trainer_state(trainer);
    json_t *object = json_object();
    int bad = json_object_set_new(object, "format", json_string(FORMAT)) |
              json_object_set_new(object, "identity", json_string(content->identity)) |
              set_integer(object, "update", state->update) |
              set_integer(object, "epoch", state->epoch) |
              set_integer(object, "update_in_epoch", state->update_in_epoch) |
              set_integer(object, "images", state->images) |
              set_integer(object, "correct", state->correct) |
              set_integer(object, "rows", state->rows) |
              json_object_set_new(object, "loss", json_sprintf("%a", state->loss)) |
              json_object_set_new(object, "layout", json_string(layout));
    if (content->log != NULL)
        bad |= json_object_set_new(object, "log", json_string(content->log));
    if (bad ||
        safetensors_seal(object, content->data, content->floats * sizeof(float), hash) != 0 ||
        json_object_set_new(object, "xxh3", json_string(hash)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *tensor_entry(const struct net_tensor *tensor, size_t first_float)
{
    return safetensors_entry("F32", tensor->rank, tensor->dims,
                             (first_float + (size_t)tensor->first) * sizeof(float),
                             (size_t)tensor->count * sizeof(float));
}

/* Every tensor by name; NULL when out of memory. */
static json_t *tensors_json(const struct trainer *trainer)
{
    const struct net *net = trainer_config(trainer)->net;
    json_t *tensors = json_object();
    int bad = tensors == NULL;
    size_t first = 0;
    for (size_t s = 0; s < SECTION_COUNT; s++) {
        if (!uses(trainer, s))
            continue;
        for (size_t t = 0; t < net->tensor_count; t++) {
            char name[sizeof net->tensors->name + 16];
            if (net->tensors[t].arena != sections[s].layout)
                continue;
            snprintf(name, sizeof name, "%s/%s", sections[s].prefix, net->tensors[t].name);
            bad |= json_object_set_new(tensors, name, tensor_entry(&net->tensors[t], first));
        }
        first += (size_t)trainer_arena_count(trainer, sections[s].arena);
    }
    if (bad) {
        json_decref(tensors);
        return NULL;
    }
    return tensors;
}

/* The header around the metadata, whose reference it takes; NULL when out of memory. */
static json_t *header_json(json_t *meta, json_t *tensors)
{
    json_t *header = json_object();
    int bad = json_object_set_new(header, "__metadata__", meta);
    bad |= json_object_update(header, tensors);
    if (bad) {
        json_decref(header);
        return NULL;
    }
    return header;
}

/* The header as text, freed with mem_free(). */
static int header_text(const struct trainer *trainer, const struct content *content, char **text,
                       struct err *err)
{
    char layout[DIGEST_TEXT];
    json_t *header = NULL, *tensors = tensors_json(trainer);
    if (tensors != NULL && safetensors_layout(tensors, layout) == 0)
        header = header_json(metadata(trainer, content, layout), tensors);
    int code = safetensors_header(header, text, err);
    json_decref(header);
    json_decref(tensors);
    return code;
}

int checkpoint_take(struct trainer *trainer, const char *path, const char *identity,
                    const char *log, struct checkpoint_image *out, struct err *err)
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
        struct content content = {identity, log, image.data, image.floats};
        code = header_text(trainer, &content, &image.header, err);
    }
    if (code == 0)
        digest_bytes(image.header, strlen(image.header), 0, image.digest);
    if (code != 0)
        checkpoint_image_release(&image);
    else
        *out = image;
    return code;
}

int checkpoint_write(const struct checkpoint_image *image, struct err *err)
{
    return safetensors_write(image->path, image->header, image->data,
                             image->floats * sizeof *image->data, err);
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
    int code = checkpoint_take(trainer, path, identity, NULL, &image, err);
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

/* It is of this version and of that run. */
static int check_kind(const struct safetensors *file, const char *path, const char *identity,
                      struct err *err)
{
    struct reader reader = {path, file->meta, err, 0};
    const char *format = text_of(&reader, "format"), *found = text_of(&reader, "identity");
    text_of(&reader, "xxh3");
    if (reader.failed)
        return reader.failed;
    if (strcmp(format, FORMAT) != 0)
        return err_set(err, ERR_INPUT, "%s: no checkpoint of this version; " MEND, path);
    if (strcmp(found, identity) != 0)
        return err_set(err, ERR_INPUT, "%s: belongs to another run (identity %s, wanted %s)", path,
                       found, identity);
    return 0;
}

int checkpoint_check(struct safetensors *file, const char *path, const char *identity,
                     struct err *err)
{
    int code = check_kind(file, path, identity, err);
    return code == 0 ? safetensors_check(file, path, err) : code;
}

/* The tensors are this network's. */
static int check_tensors(const struct trainer *trainer, const struct safetensors *file,
                         const char *path, struct err *err)
{
    json_t *tensors = tensors_json(trainer);
    json_t *own = tensors == NULL ? NULL : header_json(json_incref(file->meta), tensors);
    int known = own != NULL, same = known && json_equal(own, file->header);
    json_decref(own);
    json_decref(tensors);
    if (!known)
        return err_set(err, ERR_MEMORY, "%s: cannot be checked: out of memory", path);
    if (!same)
        return err_set(err, ERR_INPUT, "%s: its tensors are not those of this network; " MEND,
                       path);
    return 0;
}

static int put_arenas(struct trainer *trainer, const float *data, struct err *err)
{
    int code = 0;
    for (size_t s = 0; code == 0 && s < SECTION_COUNT; s++) {
        if (!uses(trainer, s))
            continue;
        code = trainer_write(trainer, sections[s].arena, data, err);
        data += trainer_arena_count(trainer, sections[s].arena);
    }
    return code;
}

int checkpoint_load(struct trainer *trainer, const char *path, const char *identity,
                    struct checkpoint_marks *marks, struct err *err)
{
    size_t wanted = data_floats(trainer) * sizeof(float);
    struct safetensors file = {0};
    struct trainer_state state = {0};
    int code = safetensors_read(path, wanted + SAFETENSORS_HEADER_LIMIT + 8, &file, err);
    if (code == 0 && file.data_bytes != wanted)
        code = err_set(err, ERR_INPUT,
                       "%s: holds %zu bytes of tensors where this network needs %zu; " MEND, path,
                       file.data_bytes, wanted);
    if (code == 0)
        code = check_kind(&file, path, identity, err);
    if (code == 0)
        code = check_tensors(trainer, &file, path, err);
    if (code == 0)
        code = safetensors_check(&file, path, err);
    struct reader reader = {path, file.meta, err, 0};
    if (code == 0)
        code = read_state(&reader, &state);
    if (code == 0)
        code = put_arenas(trainer, file.data, err);
    if (code == 0) {
        code = trainer_restore(trainer, &state, err);
        if (code != 0)
            err_prefix(err, "%s", path);
    }
    if (code == 0 && marks != NULL) {
        const char *log = json_string_value(json_object_get(file.meta, "log"));
        snprintf(marks->log, sizeof marks->log, "%s", log == NULL ? "" : log);
        memcpy(marks->digest, file.digest, sizeof marks->digest);
    }
    safetensors_release(&file);
    return code;
}
