/* device.h -- this machine's processor and what oneDNN has for it, with the table's functions on
 * it; see backend.h. */
#ifndef ONEDNN_DEVICE_H
#define ONEDNN_DEVICE_H

#include "backend/backend.h"

#include <oneapi/dnnl/dnnl.h>

struct repro_device {
    int32_t threads;
    struct team *team; /* bound by every function that computes */
    char name[128];
    char library[128];
    int winograd;     /* the library has it on this processor */
    int own_winograd; /* it has not, and ours is faster than its direct convolution */
    int bf16;         /* the library computes in it on this processor */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                    struct repro_error *err);
void device_close(struct repro_device *device);
int32_t device_caps(struct repro_device *device, struct repro_caps *caps, struct repro_error *err);

#endif
