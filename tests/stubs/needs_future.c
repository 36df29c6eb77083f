/* A plugin that calls for a minor that this program does not have. */
#include "stub.h"

static const struct repro_backend table = {.struct_size = sizeof table,
                                           .abi_minor = 7,
                                           .abi_minor_needed = 7,
                                           .name = "needs-future",
                                           .version = "9.0",
                                           STUB_FUNCTIONS};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
