/* The tensors of a checkpoint are looked up by the names of the run's own network, which is built
 * for it: so a checkpoint that lacks one, or has one of another shape, is refused, and epsilon is
 * the network's. */
#include "export/weights.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "data/source.h"
#include "export/weights_words.h"
#include "net/net.h"
#include "results/manifest.h"
#include "train/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 30)
#define NAME_MAX_BYTES (sizeof(struct net_tensor) + 16)

/* What is being written, and from what. */
struct writing {
    const struct net *net;
    const struct safetensors *file;
    const char *path; /* of the checkpoint */
    json_t *header;
    char *data;
    size_t used;
    int64_t updates;
    struct err *err;
};

/* ---- Names ---- */

/* What PyTorch calls the part of a node behind the last dot. */
static const char *part_name(const char *part)
{
    static const char *const names[][2] = {{"weights", "weight"},    {"gamma", "weight"},
                                           {"bias", "bias"},         {"beta", "bias"},
                                           {"mean", "running_mean"}, {"variance", "running_var"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(part, names[i][0]) == 0)
            return names[i][1];
    return part;
}

/* "reduction-a.branch1.bn1.gamma" is "reduction_a.branch1.bn1.weight"; part: instead of its own. */
static void torch_name(const char *own, const char *part, char name[NAME_MAX_BYTES])
{
    const char *dot = strrchr(own, '.');
    snprintf(name, NAME_MAX_BYTES, "%.*s.%s", (int)(dot - own), own,
             part != NULL ? part : part_name(dot + 1));
    for (char *at = name; *at != '\0'; at++)
        if (*at == '-')
            *at = '_';
}

/* ---- Tensors ---- */

static int put(struct writing *writing, const char *name, const char *type, int rank,
               const int64_t *shape, const void *values, size_t bytes)
{
    json_t *entry = safetensors_entry(type, rank, shape, writing->used, bytes);
    if (json_object_set_new(writing->header, name, entry) != 0)
        return err_set(writing->err, ERR_MEMORY, "%s: out of memory", writing->path);
    memcpy(writing->data + writing->used, values, bytes);
    writing->used += bytes;
    return 0;
}

static int copy_tensor(struct writing *writing, const struct net_tensor *tensor)
{
    char found[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
    int64_t shape[SAFETENSORS_RANK_MAX];
    const float *values;
    int rank;
    snprintf(found, sizeof found, "%s/%s",
             tensor->arena == REPRO_ARENA_RUNNING ? "running" : "param", tensor->name);
    int code = safetensors_floats(writing->file, writing->path, found, shape, &rank, &values,
                                  writing->err);
    if (code != 0)
        return code;
    if (rank != tensor->rank || memcmp(shape, tensor->dims, (size_t)rank * sizeof *shape) != 0)
        return err_set(writing->err, ERR_INPUT,
                       "%s: the tensor '%s' has another shape than the "
                       "network's",
                       writing->path, found);
    torch_name(tensor->name, NULL, name);
    return put(writing, name, "F32", rank, shape, values, (size_t)tensor->count * sizeof(float));
}

/* What a batch norm of PyTorch's has besides: the number of its updates, and ones where the run
 * had no gamma. */
static int complete_norm(struct writing *writing, const struct net_tensor *beta)
{
    char name[NAME_MAX_BYTES];
    torch_name(beta->name, "num_batches_tracked", name);
    int code = put(writing, name, "I64", 0, NULL, &writing->updates, sizeof writing->updates);
    if (code != 0 || !writing->net->ways.no_gamma)
        return code;
    float *ones = mem_new((size_t)beta->count, sizeof *ones, writing->err);
    if (ones == NULL)
        return ERR_MEMORY;
    for (int64_t i = 0; i < beta->count; i++)
        ones[i] = 1.0f;
    torch_name(beta->name, "weight", name);
    code = put(writing, name, "F32", beta->rank, beta->dims, ones,
               (size_t)beta->count * sizeof *ones);
    mem_free(ones);
    return code;
}

static int is_beta(const struct net_tensor *tensor)
{
    return strcmp(strrchr(tensor->name, '.'), ".beta") == 0;
}

/* Room for all of it: gammas that are made up are as many as betas. */
static size_t bytes_needed(const struct net *net)
{
    size_t bytes = 0;
    for (size_t i = 0; i < net->tensor_count; i++)
        bytes += (size_t)net->tensors[i].count * sizeof(float) *
                     (is_beta(&net->tensors[i]) ? 2 : 1) +
                 sizeof(int64_t);
    return bytes;
}

/* F32 and I64 of one file: the numbers of updates come first, so that all are aligned. */
static int put_all(struct writing *writing)
{
    const struct net *net = writing->net;
    int code = 0;
    for (size_t i = 0; i < net->tensor_count && code == 0; i++)
        if (is_beta(&net->tensors[i]))
            code = complete_norm(writing, &net->tensors[i]);
    for (size_t i = 0; i < net->tensor_count && code == 0; i++)
        code = copy_tensor(writing, &net->tensors[i]);
    return code;
}

/* ---- The network ---- */

static const struct net_tensor *dense_weights(const struct net *net)
{
    for (size_t i = 0; i < net->tensor_count; i++)
        if (net->tensors[i].rank == 2)
            return &net->tensors[i];
    return NULL;
}

/* Builds the run's network for as many classes as the checkpoint's dense layer has: a folder of
 * images may hold fewer than its source. */
static int build_network(const struct export_run *run, const struct source *source,
                         const struct safetensors *file, const char *path, struct net *net,
                         struct err *err)
{
    const char *name = run->facts->profile->network;
    const struct network *row = net_find(name, err);
    struct net_ways ways = {.no_gamma = run->schedule.conventions.no_gamma};
    int classes = source->classes;
    for (;;) {
        char found[NAME_MAX_BYTES];
        int64_t shape[SAFETENSORS_RANK_MAX];
        const float *values;
        int rank, code = row == NULL ? ERR_INPUT : 0;
        if (code == 0)
            code = net_named_with(net, name, &ways, source->channels, row->side, row->side, classes,
                                  source->mean, source->deviation, err);
        const struct net_tensor *dense = code == 0 ? dense_weights(net) : NULL;
        if (dense == NULL)
            return code;
        snprintf(found, sizeof found, "param/%s", dense->name);
        code = safetensors_floats(file, path, found, shape, &rank, &values, err);
        if (code == 0 && (rank != 2 || shape[0] > INT32_MAX))
            code = err_set(err, ERR_INPUT, "%s: '%s' is no dense layer's", path, found);
        if (code != 0 || shape[0] == dense->dims[0]) {
            if (code != 0)
                net_release(net);
            return code;
        }
        classes = (int)shape[0];
        net_release(net);
    }
}

/* ---- Files ---- */

static int write_tensors(struct writing *writing, const struct export_run *run,
                         const struct source *source, const char *folder)
{
    struct err *err = writing->err;
    char *text = NULL, *path = mem_format(err, "%s/model.safetensors", folder);
    writing->header = json_object();
    writing->data = mem_new(bytes_needed(writing->net), 1, err);
    int code = path == NULL || writing->data == NULL ? ERR_MEMORY : 0;
    if (code == 0 && json_object_set_new(writing->header, "__metadata__",
                                         weights_metadata(run, writing->net, source)) != 0)
        code = err_set(err, ERR_MEMORY, "%s: out of memory", path);
    if (code == 0)
        code = put_all(writing);
    if (code == 0)
        code = safetensors_header(writing->header, &text, err);
    if (code == 0)
        code = safetensors_write(path, text, writing->data, writing->used, err);
    mem_free(text);
    mem_free(path);
    return code;
}

/* A text as a file of the folder. */
static int write_file(const char *folder, const char *name, const char *text, struct err *err)
{
    char *path = mem_format(err, "%s/%s", folder, name);
    int code = path == NULL ? ERR_MEMORY : file_replace(path, text, strlen(text), err);
    mem_free(path);
    return code;
}

static int write_beside(const struct writing *writing, const struct export_run *run,
                        const struct source *source, const char *share, const char *folder)
{
    char *module = NULL, *readme = NULL;
    int code = export_template(share, "network.py", &module, writing->err);
    if (code == 0)
        code = write_file(folder, "network.py", module, writing->err);
    if (code == 0)
        code = weights_readme(run, writing->net, source, &readme, writing->err);
    if (code == 0)
        code = write_file(folder, "README.md", readme, writing->err);
    mem_free(module);
    mem_free(readme);
    return code;
}

int export_weights(const struct export_run *run, const char *share, const char *folder,
                   struct err *err)
{
    struct safetensors file = {0};
    struct net net = {0};
    const char *hash = json_string_value(json_object_get(run->stored->manifest, "identity_hash"));
    const struct source *source = source_find(run->facts->data.name, err);
    char *path = mem_format(err, "%s/checkpoint.safetensors", run->stored->folder);
    struct writing writing = {.net = &net, .file = &file, .path = path, .err = err};
    int code = source == NULL ? ERR_INPUT : path == NULL ? ERR_MEMORY : 0;
    if (code == 0 && !file_exists(path))
        code = err_set(err, ERR_INPUT,
                       "%s: is not there: a run's parameters lie in its checkpoint; bring it from "
                       "where the run was trained",
                       path);
    if (code == 0)
        code = safetensors_read(path, BYTES_MAX + SAFETENSORS_HEADER_LIMIT + 8, &file, err);
    if (code == 0)
        code = checkpoint_check(&file, path, hash == NULL ? "" : hash, err);
    if (code == 0)
        code = build_network(run, source, &file, path, &net, err);
    if (code == 0)
        code = file_make_folders(folder, err);
    if (code == 0) {
        writing.updates = run->schedule.updates;
        code = write_tensors(&writing, run, source, folder);
    }
    if (code == 0)
        code = write_beside(&writing, run, source, share, folder);
    json_decref(writing.header);
    mem_free(writing.data);
    net_release(&net);
    safetensors_release(&file);
    mem_free(path);
    return code;
}
