/* A plugin of a future minor: its table goes on behind what this program knows.  It works with any
 * minor, so it is accepted. */
#include "stub.h"

static const struct {
    struct repro_backend known;
    int32_t (*net_dream)(struct repro_net *net, struct repro_error *err);
    int64_t more[4];
} table = {
    .known = {.struct_size = sizeof table,
              .abi_minor = 7,
              .name = "future",
              .version = "9.0",
              STUB_FUNCTIONS},
    .net_dream = stub_net,
    .more = {-1, -1, -1, -1},
};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table.known;
    return 0;
}
