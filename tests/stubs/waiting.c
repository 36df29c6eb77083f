/* A plugin that waits in the place of computing: REPRO_WAIT_US microseconds for a row that is
 * trained on, a third of it for one that is evaluated.  Gradients are 0.  For bench/workers: as
 * many processes as one likes compute at once on a machine of few cores. */
#include "backend/backend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct repro_device {
    double seconds; /* a row */
};

struct repro_net {
    double seconds;
    int64_t size[REPRO_ARENA_OUTPUT];
    float *arena[REPRO_ARENA_OUTPUT];
    struct repro_metrics metrics;
};

static int32_t fail(struct repro_error *err, int32_t code, const char *text)
{
    err->code = code;
    snprintf(err->text, sizeof err->text, "%s", text);
    return code;
}

static int32_t device_open(const struct repro_device_options *options, struct repro_device **out,
                           struct repro_error *err)
{
    const char *text = getenv("REPRO_WAIT_US");
    char *end = NULL;
    double wait = text == NULL ? 0.0 : strtod(text, &end);
    (void)options;
    if (!(wait > 0) || *end != '\0')
        return fail(err, REPRO_DEVICE, "REPRO_WAIT_US says how long a row takes, in microseconds");
    *out = malloc(sizeof **out);
    if (*out == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    (*out)->seconds = wait * 1e-6;
    return 0;
}

static void device_close(struct repro_device *device)
{
    free(device);
}

static int32_t device_caps(struct repro_device *device, struct repro_caps *caps,
                           struct repro_error *err)
{
    struct repro_caps own = {.threads = 1,
                             .ops = (2u << REPRO_OP_COUNT) - 2u,
                             .precisions = 1u << REPRO_PRECISION_F32,
                             .optimizers = (2u << REPRO_OPTIMIZER_ADAM) - 2u,
                             .flags = REPRO_CAPS_ANY_THREADS,
                             .device = "a clock",
                             .library = "none"};
    (void)device;
    (void)err;
    own.struct_size = caps->struct_size < sizeof own ? caps->struct_size : sizeof own;
    memcpy(caps, &own, own.struct_size);
    return 0;
}

static void net_free(struct repro_net *net)
{
    for (int k = 0; net != NULL && k < REPRO_ARENA_OUTPUT; k++)
        free(net->arena[k]);
    free(net);
}

static int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                           const struct repro_net_options *options, struct repro_net **out,
                           struct repro_error *err)
{
    struct repro_net *net = calloc(1, sizeof *net);
    int failed = net == NULL;
    (void)options;
    for (int k = REPRO_ARENA_PARAM; !failed && k < REPRO_ARENA_OUTPUT; k++) {
        net->size[k] = k == REPRO_ARENA_RUNNING ? graph->running_count : graph->param_count;
        if (k == REPRO_ARENA_PARTIAL)
            net->size[k] += graph->running_count;
        net->arena[k] = calloc((size_t)net->size[k] + 1, sizeof(float));
        failed = net->arena[k] == NULL;
    }
    if (failed) {
        net_free(net);
        return fail(err, REPRO_MEMORY, "out of memory");
    }
    net->seconds = device->seconds;
    *out = net;
    return 0;
}

/* The place of a range; NULL where it is not within an arena. */
static float *range(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                    struct repro_error *err)
{
    if (arena >= REPRO_ARENA_PARAM && arena < REPRO_ARENA_OUTPUT && first >= 0 && count >= 0 &&
        first + count <= net->size[arena])
        return net->arena[arena] + first;
    fail(err, REPRO_ARGUMENT, "no such range");
    return NULL;
}

static int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                         const float *values, struct repro_error *err)
{
    float *at = range(net, arena, first, count, err);
    if (at == NULL)
        return err->code;
    memcpy(at, values, (size_t)count * sizeof *at);
    return 0;
}

static int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                        float *values, struct repro_error *err)
{
    const float *at = range(net, arena, first, count, err);
    if (at == NULL)
        return err->code;
    memcpy(values, at, (size_t)count * sizeof *at);
    return 0;
}

static int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    (void)err;
    memset(&net->metrics, 0, sizeof net->metrics);
    return 0;
}

static int32_t net_forward(struct repro_net *net, const struct repro_rows *rows,
                           struct repro_error *err)
{
    double seconds = net->seconds * (double)rows->count *
                     (rows->mode == REPRO_MODE_TRAIN ? 1 : 1 / 3.0);
    struct timespec left = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)err;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
    net->metrics.loss += (double)rows->count;
    net->metrics.rows += rows->count;
    return 0;
}

static int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    (void)net;
    (void)scale;
    (void)err;
    return 0;
}

static int32_t net_update(struct repro_net *net, const struct repro_step *step,
                          struct repro_error *err)
{
    (void)net;
    (void)step;
    (void)err;
    return 0;
}

static int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics,
                           struct repro_error *err)
{
    (void)err;
    metrics->loss = net->metrics.loss;
    metrics->correct = net->metrics.correct;
    metrics->rows = net->metrics.rows;
    return 0;
}

static int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    return 0;
}

repro_entry repro_backend_v1;

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    static const struct repro_backend table = {.struct_size = sizeof table,
                                               .name = "waiting",
                                               .version = "1.0",
                                               .device_open = device_open,
                                               .device_close = device_close,
                                               .device_caps = device_caps,
                                               .net_compile = net_compile,
                                               .net_free = net_free,
                                               .net_write = net_write,
                                               .net_read = net_read,
                                               .net_zero = net_zero,
                                               .net_forward = net_forward,
                                               .net_backward = net_backward,
                                               .net_update = net_update,
                                               .net_metrics = net_metrics,
                                               .net_sync = net_sync};
    (void)err;
    *out = &table;
    return 0;
}
