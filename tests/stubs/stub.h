/* stub.h -- functions of a plugin that does nothing, for the loader to meet. */
#ifndef STUBS_STUB_H
#define STUBS_STUB_H

#include "backend/backend.h"

#include <stdio.h>

static int32_t stub_refuse(struct repro_error *err)
{
    err->code = REPRO_DEVICE;
    snprintf(err->text, sizeof err->text, "a stub has no device");
    return err->code;
}

static int32_t stub_open(const struct repro_device_options *options, struct repro_device **out,
                         struct repro_error *err)
{
    (void)options;
    (void)out;
    return stub_refuse(err);
}

static void stub_close(struct repro_device *device)
{
    (void)device;
}

static int32_t stub_caps(struct repro_device *device, struct repro_caps *caps,
                         struct repro_error *err)
{
    (void)device;
    (void)caps;
    return stub_refuse(err);
}

static int32_t stub_compile(struct repro_device *device, const struct repro_graph *graph,
                            const struct repro_net_options *options, struct repro_net **out,
                            struct repro_error *err)
{
    (void)device;
    (void)graph;
    (void)options;
    (void)out;
    return stub_refuse(err);
}

static void stub_free(struct repro_net *net)
{
    (void)net;
}

static int32_t stub_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                          const float *values, struct repro_error *err)
{
    (void)net;
    (void)arena;
    (void)first;
    (void)count;
    (void)values;
    return stub_refuse(err);
}

static int32_t stub_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                         float *values, struct repro_error *err)
{
    (void)net;
    (void)arena;
    (void)first;
    (void)count;
    (void)values;
    return stub_refuse(err);
}

static int32_t stub_net(struct repro_net *net, struct repro_error *err)
{
    (void)net;
    return stub_refuse(err);
}

static int32_t stub_forward(struct repro_net *net, const struct repro_rows *rows,
                            struct repro_error *err)
{
    (void)net;
    (void)rows;
    return stub_refuse(err);
}

static int32_t stub_backward(struct repro_net *net, double scale, struct repro_error *err)
{
    (void)net;
    (void)scale;
    return stub_refuse(err);
}

static int32_t stub_update(struct repro_net *net, const struct repro_step *step,
                           struct repro_error *err)
{
    (void)net;
    (void)step;
    return stub_refuse(err);
}

static int32_t stub_metrics(struct repro_net *net, struct repro_metrics *metrics,
                            struct repro_error *err)
{
    (void)net;
    (void)metrics;
    return stub_refuse(err);
}

/* Every function of minor 0. */
#define STUB_FUNCTIONS                                                                     \
    .device_open = stub_open, .device_close = stub_close, .device_caps = stub_caps,        \
    .net_compile = stub_compile, .net_free = stub_free, .net_write = stub_write,           \
    .net_read = stub_read, .net_zero = stub_net, .net_forward = stub_forward,              \
    .net_backward = stub_backward, .net_update = stub_update, .net_metrics = stub_metrics, \
    .net_sync = stub_net

repro_entry repro_backend_v1, repro_backend_v2;

#endif
