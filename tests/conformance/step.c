/* usage: step BACKEND PRECISION NETWORK ROWS GHOST FOLDER [SIDE]
 *
 * Computes one training step (momentum) of a network from its initial weights on random rows of
 * SIDE x SIDE pixels (32) and writes what went in and what came out into FOLDER, for torch_step.py
 * or inception_torch.py to judge: network.txt, tensors.txt (name, arena, first, count, dims),
 * nodes.txt (their names, in order), pixels.u8, labels.i32, param.f32, logits.f32, grads.f32
 * (PARTIAL), updated.f32, running.f32, loss.txt.  Row i is image i of epoch EPOCH, for dropout.
 * Exits with 77 where the backend cannot run. */
#include "backend/loader.h"
#include "base/err.h"
#include "base/random.h"
#include "net/net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 32
#define CLASSES 10
#define SEED 11
#define EPOCH 3

static int complain(const char *what)
{
    fprintf(stderr, "step: %s\n", what);
    return 1;
}

static int write_file(const char *folder, const char *name, const void *data, size_t bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(data, 1, bytes, file) != bytes || fclose(file) != 0)
        return complain(path);
    return 0;
}

static int write_tensors(const char *folder, const struct net *net)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/tensors.txt", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return complain(path);
    for (size_t k = 0; k < net->tensor_count; k++) {
        const struct net_tensor *tensor = &net->tensors[k];
        fprintf(file, "%s %s %lld %lld", tensor->name,
                tensor->arena == REPRO_ARENA_PARAM ? "param" : "running", (long long)tensor->first,
                (long long)tensor->count);
        for (int d = 0; d < tensor->rank; d++)
            fprintf(file, " %lld", (long long)tensor->dims[d]);
        fputc('\n', file);
    }
    return fclose(file) != 0;
}

static int write_nodes(const char *folder, const struct net *net)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/nodes.txt", folder);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return complain(path);
    for (int i = 0; i < net->graph.node_count; i++)
        fprintf(file, "%s\n", net->names[i]);
    return fclose(file) != 0;
}

/* Reads an arena and writes it. */
static int write_arena(const struct repro_backend *backend, struct repro_net *compiled,
                       int32_t arena, int64_t count, const char *folder, const char *name)
{
    struct repro_error error = {0};
    float *values = calloc((size_t)count, sizeof *values);
    if (values == NULL)
        return complain("out of memory");
    int code = backend->net_read(compiled, arena, 0, count, values, &error) != 0
                   ? complain(error.text)
                   : write_file(folder, name, values, (size_t)count * 4);
    free(values);
    return code;
}

struct step_options {
    const char *folder;
    int32_t precision;
    int rows, ghost, side;
};

static int compute(const struct repro_backend *backend, struct repro_device *device,
                   const struct net *net, const struct step_options *options,
                   struct repro_rows *rows, float *param, float *running)
{
    struct repro_error error = {0};
    struct repro_net *compiled = NULL;
    struct repro_metrics metrics = {.struct_size = sizeof metrics};
    struct repro_net_options compile = {.struct_size = sizeof compile,
                                        .precision = options->precision,
                                        .micro = options->rows,
                                        .ghost = options->ghost};
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_MOMENTUM,
                              .lr = 0.1,
                              .momentum = 0.9,
                              .weight_decay = 5e-4,
                              .update = 1,
                              .keep = 0.9,
                              .ghosts = options->rows / options->ghost};
    int64_t params = net->graph.param_count, stats = net->graph.running_count;
    char loss[64];
    if (backend->net_compile(device, &net->graph, &compile, &compiled, &error) != 0)
        return complain(error.text);
    int code = backend->net_write(compiled, REPRO_ARENA_PARAM, 0, params, param, &error) != 0 ||
               backend->net_write(compiled, REPRO_ARENA_RUNNING, 0, stats, running, &error) != 0 ||
               backend->net_zero(compiled, &error) != 0 ||
               backend->net_forward(compiled, rows, &error) != 0;
    if (code == 0)
        code = write_arena(backend, compiled, REPRO_ARENA_OUTPUT,
                           (int64_t)options->rows * net->graph.classes, options->folder,
                           "logits.f32") ||
               backend->net_backward(compiled, 1.0 / options->rows, &error) != 0;
    if (code == 0)
        code = write_arena(backend, compiled, REPRO_ARENA_PARTIAL, params + stats, options->folder,
                           "grads.f32");
    if (code == 0)
        code = backend->net_update(compiled, &step, &error) != 0 ||
               backend->net_metrics(compiled, &metrics, &error) != 0;
    if (error.code != 0)
        complain(error.text);
    snprintf(loss, sizeof loss, "%.17g\n", metrics.loss / options->rows);
    if (code == 0)
        code = write_arena(backend, compiled, REPRO_ARENA_PARAM, params, options->folder,
                           "updated.f32") ||
               write_arena(backend, compiled, REPRO_ARENA_RUNNING, stats, options->folder,
                           "running.f32") ||
               write_file(options->folder, "loss.txt", loss, strlen(loss));
    backend->net_free(compiled);
    return code;
}

int main(int argc, char **argv)
{
    static const float mean[3] = {125.3f, 122.9f, 113.9f}, deviation[3] = {63.0f, 62.1f, 66.7f};
    struct repro_device_options open = {.struct_size = sizeof open};
    struct repro_backend backend;
    struct repro_device *device;
    struct repro_caps caps;
    struct err err = {0};
    struct net net;
    if (argc != 7 && argc != 8)
        return complain("usage: step BACKEND PRECISION NETWORK ROWS GHOST FOLDER [SIDE]") + 1;
    struct step_options options = {.folder = argv[6],
                                   .rows = atoi(argv[4]),
                                   .ghost = atoi(argv[5]),
                                   .side = argc == 8 ? atoi(argv[7]) : SIDE};
    options.precision = strcmp(argv[2], "bf16") == 0   ? REPRO_PRECISION_BF16
                        : strcmp(argv[2], "tf32") == 0 ? REPRO_PRECISION_TF32
                                                       : REPRO_PRECISION_F32;
    int code = backend_open(argv[1], &open, &backend, &device, &caps, &err);
    if (code != 0)
        return complain(err.text), code == ERR_CANNOT_RUN ? 77 : 1;
    if (options.rows < 1 || net_named(&net, argv[3], 3, options.side, options.side, CLASSES, mean,
                                      deviation, &err) != 0)
        return complain(err.text);
    size_t bytes = (size_t)options.rows * (size_t)options.side * (size_t)options.side * 3,
           params = (size_t)net.graph.param_count, stats = (size_t)net.graph.running_count;
    float *param = calloc(params, 4), *running = calloc(stats, 4);
    uint8_t *pixels = calloc(bytes, 1);
    int32_t *labels = calloc((size_t)options.rows, 4);
    int64_t *image = calloc((size_t)options.rows, 8);
    if (param == NULL || running == NULL || pixels == NULL || labels == NULL || image == NULL)
        return complain("out of memory");
    net_initial(&net, SEED, param, running);
    for (size_t i = 0; i < bytes; i++)
        pixels[i] = (uint8_t)random_at(SEED, RANDOM_SYNTHETIC, 4, i, 0).word[0];
    for (int i = 0; i < options.rows; i++) {
        labels[i] = (int32_t)(random_at(SEED, RANDOM_SYNTHETIC, 5, (uint64_t)i, 0).word[0] %
                              CLASSES);
        image[i] = i;
    }
    struct repro_rows rows = {.struct_size = sizeof rows,
                              .mode = REPRO_MODE_TRAIN,
                              .count = options.rows,
                              .pixels = pixels,
                              .labels = labels,
                              .image = image,
                              .seed = SEED,
                              .epoch = EPOCH};
    code = write_tensors(options.folder, &net) || write_nodes(options.folder, &net) ||
           write_file(options.folder, "network.txt", argv[3], strlen(argv[3])) ||
           write_file(options.folder, "pixels.u8", pixels, bytes) ||
           write_file(options.folder, "labels.i32", labels, (size_t)options.rows * 4) ||
           write_file(options.folder, "param.f32", param, params * 4) ||
           compute(&backend, device, &net, &options, &rows, param, running);
    printf("%s, %s: %s of %s, %d rows\n", caps.device, caps.library, argv[2], argv[3],
           options.rows);
    free(param);
    free(running);
    free(pixels);
    free(labels);
    free(image);
    net_release(&net);
    backend.device_close(device);
    return code;
}
