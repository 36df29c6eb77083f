#include "train/resident.h"

#include "base/err.h"

#include <string.h>

static int put(const struct repro_backend *backend, struct repro_device *device,
               const struct dataset *data, int split, struct repro_resident **out, struct err *err)
{
    struct dataset_images whole = dataset_whole(data, split);
    struct repro_error error = {0};
    struct repro_images images = {.struct_size = sizeof images,
                                  .channels = data->channels,
                                  .height = data->height,
                                  .width = data->width,
                                  .count = dataset_count(data, split),
                                  .pixels = whole.pixels,
                                  .labels = whole.labels};
    if (backend->data_put(device, &images, out, &error) == 0)
        return 0;
    *out = NULL;
    return err_set(err, error.code == REPRO_MEMORY ? ERR_MEMORY : ERR_BACKEND,
                   "backend %s: the data set on its device: %s", backend->name, error.text);
}

int resident_put(const struct repro_backend *backend, struct repro_device *device,
                 const struct dataset *data, struct resident *out, struct err *err)
{
    *out = (struct resident){.backend = backend};
    if (backend->data_put == NULL || data->train_n > INT32_MAX || data->test_n > INT32_MAX ||
        dataset_whole(data, DATASET_TRAIN).pixels == NULL)
        return 0;
    int code = put(backend, device, data, DATASET_TRAIN, &out->train, err);
    if (code == 0)
        code = put(backend, device, data, DATASET_TEST, &out->test, err);
    if (code != 0)
        resident_release(out);
    return code;
}

void resident_release(struct resident *resident)
{
    if (resident->train != NULL)
        resident->backend->data_free(resident->train);
    if (resident->test != NULL)
        resident->backend->data_free(resident->test);
    memset(resident, 0, sizeof *resident);
}
