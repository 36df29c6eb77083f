/* A plugin whose device never returns when it is opened. */
#include "stub.h"

#include <unistd.h>

static int32_t open_device(const struct repro_device_options *options, struct repro_device **out,
                           struct repro_error *err)
{
    (void)options;
    (void)out;
    while (pause() != 0)
        continue;
    return stub_refuse(err);
}

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    static struct repro_backend table = {
        .struct_size = sizeof table, .name = "hanging", .version = "1.0", STUB_FUNCTIONS};
    (void)err;
    (void)stub_open;
    table.device_open = open_device;
    *out = &table;
    return 0;
}
