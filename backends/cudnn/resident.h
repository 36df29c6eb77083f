/* resident.h -- data sets that lie on the device as bytes. */
#ifndef CUDNN_RESIDENT_H
#define CUDNN_RESIDENT_H

#include "device.h"

struct repro_resident {
    struct repro_device *device;
    int32_t channels, height, width, classes; /* classes: the largest label and one */
    int64_t count;
    void *memory; /* one allocation of so many bytes: pixels, then labels */
    int64_t bytes;
    const uint8_t *pixels;
    const int32_t *labels;
};

int32_t data_put(struct repro_device *device, const struct repro_images *given,
                 struct repro_resident **out, struct repro_error *err);
void data_free(struct repro_resident *data);

/* Whether the crops of a forward call lie within the set, and the set fits a network of that image
 * and so many classes.
 */
int32_t resident_check(const struct repro_resident *data, const struct repro_graph *graph,
                       const struct repro_rows *rows, struct repro_error *err);

#endif
