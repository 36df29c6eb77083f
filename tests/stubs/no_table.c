/* A plugin whose entry succeeds without handing out a table. */
#include "stub.h"

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    static const struct repro_backend unused = {STUB_FUNCTIONS};
    (void)err;
    (void)unused;
    *out = NULL;
    return 0;
}
