/* A plugin that does not say what it is. */
#include "stub.h"

static const struct repro_backend table = {
    .struct_size = sizeof table, .version = "1.0", STUB_FUNCTIONS};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
