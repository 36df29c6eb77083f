#include "lab/bench_work.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "train/reduction.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define PROFILE_MICROS 3 /* the whole steps whose parts are timed hold at least so many */
#define LIMIT_REPEATS 7
#define DESCRIPTION_BYTES (64 << 10)

int bench_failed(const struct bench *bench, const struct repro_error *error, struct err *err)
{
    int code = error->code == REPRO_MEMORY   ? ERR_MEMORY
               : error->code == REPRO_DEVICE ? ERR_CANNOT_RUN
                                             : ERR_BACKEND;
    return err_set(err, code, "backend %s: %s", bench->backend.name, error->text);
}

static size_t image_bytes(const struct bench *bench)
{
    const struct repro_graph *graph = &bench->net.graph;
    return (size_t)graph->height * (size_t)graph->width * (size_t)graph->channels;
}

/* Pixels in blocks of random words, of which an image's last may be used in part. */
static int fill_rows(struct bench_work *work, struct err *err)
{
    size_t rows = (size_t)work->options->micro, image = image_bytes(work->bench);
    uint32_t classes = (uint32_t)work->bench->net.graph.classes;
    work->pixels = mem_new(rows, image, err);
    work->labels = mem_new(rows, sizeof *work->labels, err);
    work->image = mem_new(rows, sizeof *work->image, err);
    if (work->pixels == NULL || work->labels == NULL || work->image == NULL)
        return ERR_MEMORY;
    for (size_t r = 0; r < rows; r++) {
        work->image[r] = (int64_t)r;
        work->labels[r] = (int32_t)(random_at(BENCH_SEED, RANDOM_SYNTHETIC, 1, r, 0).word[0] %
                                    classes);
        for (size_t at = 0; at < image; at += sizeof(struct random_words)) {
            struct random_words words = random_at(BENCH_SEED, RANDOM_SYNTHETIC, 0, r,
                                                  (uint32_t)(at / sizeof words));
            size_t left = image - at;
            memcpy(work->pixels + r * image + at, &words,
                   left < sizeof words ? left : sizeof words);
        }
    }
    return 0;
}

static int set_weights(struct bench_work *work, struct err *err)
{
    const struct repro_graph *graph = &work->bench->net.graph;
    const struct repro_backend *backend = &work->bench->backend;
    struct repro_error error = {0};
    float *param = mem_new((size_t)graph->param_count, sizeof *param, err);
    float *running = mem_new((size_t)graph->running_count, sizeof *running, err);
    int code = param == NULL || running == NULL ? ERR_MEMORY : 0;
    if (code == 0) {
        net_initial(&work->bench->net, BENCH_SEED, param, running);
        if (backend->net_write(work->net, REPRO_ARENA_PARAM, 0, graph->param_count, param,
                               &error) != 0 ||
            backend->net_write(work->net, REPRO_ARENA_RUNNING, 0, graph->running_count, running,
                               &error) != 0)
            code = bench_failed(work->bench, &error, err);
    }
    mem_free(param);
    mem_free(running);
    return code;
}

int bench_work_init(struct bench_work *work, const struct bench *bench,
                    const struct bench_options *options, struct err *err)
{
    struct repro_error error = {0};
    struct repro_net_options compile = {.struct_size = sizeof compile,
                                        .precision = options->precision,
                                        .micro = (int32_t)options->micro,
                                        .ghost = (int32_t)options->ghost};
    *work = (struct bench_work){.bench = bench, .options = options};
    int code = fill_rows(work, err);
    if (code == 0 && bench->backend.net_compile(bench->device, &bench->net.graph, &compile,
                                                &work->net, &error) != 0)
        code = bench_failed(bench, &error, err);
    return code == 0 ? set_weights(work, err) : code;
}

void bench_work_release(struct bench_work *work)
{
    if (work->net != NULL)
        work->bench->backend.net_free(work->net);
    mem_free(work->pixels);
    mem_free(work->labels);
    mem_free(work->image);
    memset(work, 0, sizeof *work);
}

int bench_work_step(struct bench_work *work, struct err *err)
{
    const struct repro_backend *backend = &work->bench->backend;
    const struct bench_options *options = work->options;
    struct repro_error error = {0};
    int32_t code = backend->net_zero(work->net, &error);
    for (int64_t i = 0; code == 0 && i < reduction_micros(options->batch, options->micro); i++) {
        struct repro_rows rows = {.struct_size = sizeof rows,
                                  .mode = REPRO_MODE_TRAIN,
                                  .pixels = work->pixels,
                                  .labels = work->labels,
                                  .image = work->image,
                                  .seed = BENCH_SEED,
                                  .count = reduction_rows(options->batch, options->micro, i).count};
        code = backend->net_forward(work->net, &rows, &error);
        if (code == 0)
            code = backend->net_backward(work->net, 1.0 / (double)options->batch, &error);
    }
    struct repro_step step = {
        .struct_size = sizeof step,
        .optimizer = REPRO_OPTIMIZER_MOMENTUM,
        .lr = BENCH_LR,
        .momentum = BENCH_MOMENTUM,
        .weight_decay = BENCH_WEIGHT_DECAY,
        .update = work->update + 1,
        .keep = pow(0.9, (double)options->batch / 128.0),
        .ghosts = options->batch / options->ghost,
    };
    if (code == 0)
        code = backend->net_update(work->net, &step, &error);
    work->update++;
    return code == 0 ? 0 : bench_failed(work->bench, &error, err);
}

int bench_work_wait(struct bench_work *work, struct err *err)
{
    struct repro_error error = {0};
    return work->bench->backend.net_sync(work->net, &error) == 0
               ? 0
               : bench_failed(work->bench, &error, err);
}

int bench_work_mark(struct bench_work *work, struct err *err)
{
    struct repro_error error = {0};
    return work->bench->backend.net_mark(work->net, &error) == 0
               ? 0
               : bench_failed(work->bench, &error, err);
}

int bench_work_marks(struct bench_work *work, double *seconds, int64_t capacity, int64_t *count,
                     struct err *err)
{
    struct repro_error error = {0};
    return work->bench->backend.net_marks(work->net, seconds, capacity, count, &error) == 0
               ? 0
               : bench_failed(work->bench, &error, err);
}

/* Of `steps` steps to of one. */
static void keep_ops(const struct repro_profile *profile, int steps, struct bench_result *out)
{
    for (int op = 0; op < REPRO_PROFILE_OPS; op++) {
        out->ops.forward[op] = profile->forward[op] / steps;
        out->ops.backward[op] = profile->backward[op] / steps;
        out->ops.forward_bytes[op] = profile->forward_bytes[op] / steps;
        out->ops.backward_bytes[op] = profile->backward_bytes[op] / steps;
    }
    out->ops.reorder = profile->reorder / steps;
    out->ops.update = profile->update / steps;
    out->ops.reorder_bytes = profile->reorder_bytes / steps;
    out->ops.update_bytes = profile->update_bytes / steps;
    out->launches = (double)profile->launches / steps;
}

int bench_work_ops(struct bench_work *work, struct bench_result *out, struct err *err)
{
    const struct repro_backend *backend = &work->bench->backend;
    struct repro_error error = {0};
    struct repro_profile profile = {.struct_size = sizeof profile};
    int64_t micros = reduction_micros(work->options->batch, work->options->micro);
    int steps = (int)reduction_micros(PROFILE_MICROS,
                                      micros < PROFILE_MICROS ? micros : PROFILE_MICROS);
    if (backend->net_profile == NULL) {
        snprintf(out->ops_reason, sizeof out->ops_reason, "backend %s does not measure it",
                 backend->name);
        return 0;
    }
    int code = backend->net_profile(work->net, &profile, &error) == 0
                   ? 0
                   : bench_failed(work->bench, &error, err);
    double began = clock_seconds();
    for (int i = 0; code == 0 && i < steps; i++) {
        code = bench_work_step(work, err);
        code = code == 0 ? bench_work_wait(work, err) : code;
    }
    out->profiled = (clock_seconds() - began) / steps;
    profile = (struct repro_profile){.struct_size = sizeof profile};
    if (code == 0 && backend->net_profile(work->net, &profile, &error) != 0)
        code = bench_failed(work->bench, &error, err);
    keep_ops(&profile, steps, out);
    out->has_ops = code == 0;
    return code;
}

int bench_work_limit(struct bench_work *work, struct bench_result *out, struct err *err)
{
    const struct repro_backend *backend = &work->bench->backend;
    struct repro_error error = {0};
    double seconds = 0.0;
    if (backend->net_bare == NULL) {
        snprintf(out->limit_reason, sizeof out->limit_reason, "backend %s does not measure it",
                 backend->name);
        return 0;
    }
    int32_t code = backend->net_bare(work->net, REPRO_OP_CONV, LIMIT_REPEATS, &seconds, &error);
    if (code == REPRO_UNSUPPORTED) {
        snprintf(out->limit_reason, sizeof out->limit_reason, "backend %s: %.*s", backend->name,
                 BENCH_REASON - 64, error.text);
        return 0;
    }
    if (code != 0)
        return bench_failed(work->bench, &error, err);
    if (seconds > 0.0)
        out->limit = (double)work->options->micro / seconds;
    else
        snprintf(out->limit_reason, sizeof out->limit_reason,
                 "the network has no convolution that takes time");
    return 0;
}

int bench_work_rates(struct bench_work *work, struct bench_result *out, struct err *err)
{
    const struct bench *bench = work->bench;
    struct repro_error error = {0};
    struct repro_rates rates = {.struct_size = sizeof rates};
    if (bench->backend.device_rates == NULL)
        return 0;
    int32_t code = bench->backend.device_rates(bench->device, work->options->precision, &rates,
                                               &error);
    if (code == REPRO_UNSUPPORTED)
        return 0;
    if (code != 0)
        return bench_failed(bench, &error, err);
    out->rates = rates;
    return 0;
}

int bench_work_describe(struct bench_work *work, struct bench_result *out, struct err *err)
{
    struct repro_error error = {0};
    if (work->bench->backend.net_describe == NULL)
        return 0;
    out->description = mem_new(DESCRIPTION_BYTES, 1, err);
    if (out->description == NULL)
        return ERR_MEMORY;
    return work->bench->backend.net_describe(work->net, out->description, DESCRIPTION_BYTES,
                                             &error) == 0
               ? 0
               : bench_failed(work->bench, &error, err);
}
