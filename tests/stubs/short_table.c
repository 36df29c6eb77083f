/* A plugin whose table ends before the required functions do. */
#include "stub.h"

static const struct repro_backend table = {
    .struct_size = offsetof(struct repro_backend, net_update),
    .name = "short",
    .version = "1.0",
    STUB_FUNCTIONS};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
