/* A plugin built with the first header: its table ends where 1.0's did, and what lies behind is not
 * its own. */
#include "stub.h"

static int32_t stub_describe(struct repro_net *net, char *text, int64_t size,
                             struct repro_error *err)
{
    (void)text;
    (void)size;
    return stub_net(net, err);
}

static const struct {
    struct repro_backend known;
    int64_t behind;
} table = {
    .known = {.struct_size = offsetof(struct repro_backend, net_describe),
              .name = "first-minor",
              .version = "1.0",
              STUB_FUNCTIONS,
              .net_describe = stub_describe},
    .behind = -1,
};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table.known;
    return 0;
}
