/* A plugin whose entry fails. */
#include "stub.h"

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    static const struct repro_backend unused = {STUB_FUNCTIONS};
    (void)out;
    (void)unused;
    err->code = REPRO_LIBRARY;
    snprintf(err->text, sizeof err->text, "the vendor library is asleep");
    return err->code;
}
