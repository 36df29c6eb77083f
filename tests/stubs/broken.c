/* A plugin that forgot a function. */
#include "stub.h"

static struct repro_backend table = {
    .struct_size = sizeof table, .name = "broken", .version = "1.0", STUB_FUNCTIONS};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    table.net_backward = NULL;
    *out = &table;
    return 0;
}
