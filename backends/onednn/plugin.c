/* The onednn backend: the table. */
#include "device.h"
#include "net.h"

/* Raised when a bit of a result changes: it is part of a run's identity. */
#define PLUGIN_VERSION "1.0"

static const struct repro_backend table = {
    .struct_size = sizeof table,
    .abi_minor = REPRO_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "onednn",
    .version = PLUGIN_VERSION,
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
    .net_describe = net_describe,
    .net_profile = net_profile,
    .net_bare = net_bare,
};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err);

__attribute__((visibility("default"))) int32_t repro_backend_v1(const struct repro_backend **out,
                                                                struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
