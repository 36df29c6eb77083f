/* resident.h -- a data set kept on a device, where the backend can: training and test images, each
 * put once and shared by every trainer on that device.  Rows then travel as eight bytes each. */
#ifndef TRAIN_RESIDENT_H
#define TRAIN_RESIDENT_H

#include "backend/backend.h"
#include "data/dataset.h"

struct err;

/* Both NULL: the backend keeps none, and rows travel as pixels. */
struct resident {
    const struct repro_backend *backend; /* borrowed */
    struct repro_resident *train, *test;
};

/* Copies the set to the device; with a backend that keeps none, a set that does not lie in memory
 * whole, or more images than a crop can number, *out is empty and the answer is 0. */
int resident_put(const struct repro_backend *backend, struct repro_device *device,
                 const struct dataset *data, struct resident *out, struct err *err);
/* Legal on a zeroed struct; before the device is closed, after its trainers are freed. */
void resident_release(struct resident *resident);

#endif
