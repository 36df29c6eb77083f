/* A plugin that can keep a data set and not give it back. */
#include "stub.h"

static int32_t stub_put(struct repro_device *device, const struct repro_images *images,
                        struct repro_resident **out, struct repro_error *err)
{
    (void)device;
    (void)images;
    (void)out;
    return stub_refuse(err);
}

static const struct repro_backend table = {.struct_size = sizeof table,
                                           .name = "half-pair",
                                           .version = "1.0",
                                           STUB_FUNCTIONS,
                                           .data_put = stub_put};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
