#include "plain.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t refuse(struct repro_error *err, int32_t code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return code;
}

void take(void *to, size_t size, const void *from)
{
    uint32_t theirs;
    memcpy(&theirs, from, sizeof theirs);
    memset(to, 0, size);
    memcpy(to, from, theirs < size ? theirs : size);
}

/* The other way: as much as the receiver's struct_size asks for, which stays. */
static void give(void *to, const void *from, size_t size)
{
    uint32_t theirs;
    memcpy(&theirs, to, sizeof theirs);
    memcpy(to, from, theirs < size ? theirs : size);
    memcpy(to, &theirs, sizeof theirs);
}

/* ---- The device: this processor, one thread of it ---- */

static int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                           struct repro_error *err)
{
    struct repro_device_options options;
    take(&options, sizeof options, given);
    if (options.reserved != 0 || options.reserved_1_3 != 0)
        return refuse(err, REPRO_UNSUPPORTED, "a reserved field of the device options is not 0");
    /* all that it does is deterministic, so that flag changes nothing */
    if ((options.flags & ~REPRO_DEVICE_NONDETERMINISTIC) != 0)
        return refuse(err, REPRO_UNSUPPORTED, "device flag 0x%x: there is nothing to tune here",
                      (unsigned)options.flags);
    if (options.ordinal != 0)
        return refuse(err, REPRO_DEVICE, "there is one processor, number 0, not %d",
                      (int)options.ordinal);
    struct repro_device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return refuse(err, REPRO_MEMORY, "out of memory");
    *out = device;
    return 0;
}

static void device_close(struct repro_device *device)
{
    free(device);
}

static int32_t device_caps(struct repro_device *device, struct repro_caps *caps,
                           struct repro_error *err)
{
    struct repro_caps own = {
        .threads = 1,
        .ops = (2u << REPRO_OP_COUNT) - 2u,
        .precisions = 1u << REPRO_PRECISION_F32,
        .optimizers = (2u << REPRO_OPTIMIZER_ADAM) - 2u,
        .flags = REPRO_CAPS_ANY_THREADS,
        .device = "any processor",
        .library = "plain loops",
        .held = device->held,
    };
    (void)err;
    give(caps, &own, sizeof own);
    return 0;
}

/* ---- Arenas ---- */

static float *arena_of(struct repro_net *net, int32_t arena, int64_t *count)
{
    *count = net->graph.param_count;
    switch (arena) {
    case REPRO_ARENA_PARAM:
        return net->param;
    case REPRO_ARENA_PARTIAL:
        *count += net->graph.running_count;
        return net->partial;
    case REPRO_ARENA_MOMENT1:
        return net->moment1;
    case REPRO_ARENA_MOMENT2:
        return net->moment2;
    case REPRO_ARENA_RUNNING:
        *count = net->graph.running_count;
        return net->running;
    case REPRO_ARENA_OUTPUT:
        *count = net->rows.count * net->graph.classes;
        return net->layers[net->layers[net->graph.node_count - 1].node.src[0]].dst;
    default:
        return NULL;
    }
}

static int32_t place(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                     float **values, struct repro_error *err)
{
    int64_t length;
    float *at = arena_of(net, arena, &length);
    if (at == NULL)
        return refuse(err, REPRO_UNSUPPORTED, "unknown arena %d", (int)arena);
    if (first < 0 || count < 0 || first > length || count > length - first)
        return refuse(err, REPRO_ARGUMENT,
                      "%" PRId64 " floats from %" PRId64 " of arena %d, which has %" PRId64, count,
                      first, (int)arena, length);
    *values = at + first;
    return 0;
}

static int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                         const float *values, struct repro_error *err)
{
    float *to = NULL;
    if (arena == REPRO_ARENA_OUTPUT)
        return refuse(err, REPRO_ARGUMENT, "OUTPUT cannot be written");
    int32_t code = place(net, arena, first, count, &to, err);
    if (code == 0)
        memcpy(to, values, (size_t)count * sizeof *values);
    return code;
}

static int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                        float *values, struct repro_error *err)
{
    float *from = NULL;
    int32_t code = place(net, arena, first, count, &from, err);
    if (code == 0)
        memcpy(values, from, (size_t)count * sizeof *values);
    return code;
}

/* ---- A group, and its step ---- */

static int32_t net_zero(struct repro_net *net, struct repro_error *err)
{
    (void)err;
    memset(net->partial, 0,
           (size_t)(net->graph.param_count + net->graph.running_count) * sizeof *net->partial);
    net->metrics = (struct repro_metrics){0};
    return 0;
}

/* The formulas above struct repro_step, in f32. */
static void update_one(struct repro_net *net, const struct repro_step *step, float correction,
                       int64_t i)
{
    float lr = (float)step->lr, momentum = (float)step->momentum;
    float decay = (step->flags & REPRO_STEP_DECAY_WEIGHTS) != 0 && !net->decays[i]
                      ? 0.0f
                      : (float)step->weight_decay;
    float *w = &net->param[i], *m = &net->moment1[i], *v = &net->moment2[i];
    float g = net->partial[i] + decay * *w;
    switch (step->optimizer) {
    case REPRO_OPTIMIZER_SGD:
        *w -= lr * g;
        break;
    case REPRO_OPTIMIZER_MOMENTUM:
        *m = momentum * *m + g;
        *w -= lr * *m;
        break;
    case REPRO_OPTIMIZER_NESTEROV:
        *m = momentum * *m + g;
        *w -= lr * (g + momentum * *m);
        break;
    default:
        *m = (float)step->beta1 * *m + (float)(1.0 - step->beta1) * g;
        *v = (float)step->beta2 * *v + (float)(1.0 - step->beta2) * (g * g);
        *w -= correction * *m / (sqrtf(*v) + (float)step->epsilon);
        break;
    }
}

static int32_t net_update(struct repro_net *net, const struct repro_step *given,
                          struct repro_error *err)
{
    struct repro_step step;
    take(&step, sizeof step, given);
    if (step.optimizer < REPRO_OPTIMIZER_SGD || step.optimizer > REPRO_OPTIMIZER_ADAM)
        return refuse(err, REPRO_UNSUPPORTED, "unknown optimizer %d", (int)step.optimizer);
    if ((step.flags & ~REPRO_STEP_DECAY_WEIGHTS) != 0 || step.reserved != 0)
        return refuse(err, REPRO_UNSUPPORTED, "a step's flag 0x%x or reserved field %u is unknown",
                      (unsigned)step.flags, (unsigned)step.reserved);
    if (step.update < 1 || step.ghosts < 1)
        return refuse(err, REPRO_ARGUMENT, "a step needs an update and ghosts of at least 1");
    double t = (double)step.update, n = (double)step.ghosts;
    float correction = (float)(step.lr * sqrt(1.0 - pow(step.beta2, t)) /
                               (1.0 - pow(step.beta1, t)));
    for (int64_t i = 0; i < net->graph.param_count; i++)
        update_one(net, &step, correction, i);
    const float *sums = net->partial + net->graph.param_count;
    float keep = (float)step.keep, rest = (float)((1.0 - step.keep) / n);
    for (int64_t i = 0; i < net->graph.running_count; i++)
        net->running[i] = keep * net->running[i] + rest * sums[i];
    return 0;
}

static int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics,
                           struct repro_error *err)
{
    (void)err;
    give(metrics, &net->metrics, sizeof net->metrics);
    return 0;
}

/* Every call has done its work when it returns. */
static int32_t net_sync(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    (void)err;
    return 0;
}

/* ---- The table ---- */

static const struct repro_backend table = {
    .struct_size = sizeof table,
    .abi_minor = REPRO_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "plain",
    .version = "1.0", /* raised when a bit of a result changes: it is part of a run's identity */
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
    .net_sync = net_sync,
};

__attribute__((visibility("default"))) repro_entry repro_backend_v1;

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
