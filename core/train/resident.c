#include "train/resident.h"

#include "base/err.h"

#include <string.h>

static int put(const struct repro_backend *backend, struct repro_device *device,
               const struct dataset *data, int64_t count, const uint8_t *pixels,
               const int32_t *labels, struct repro_resident **out, struct err *err)
{
    struct repro_error error = {0};
    struct repro_images images = {.struct_size = sizeof images,
                                  .channels = data->channels,
                                  .height = data->height,
                                  .width = data->width,
                                  .count = count,
                                  .pixels = pixels,
                                  .labels = labels};
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
    if (backend->data_put == NULL || data->train_n > INT32_MAX || data->test_n > INT32_MAX)
        return 0;
    int code = put(backend, device, data, data->train_n, data->train_pixels, data->train_labels,
                   &out->train, err);
    if (code == 0)
        code = put(backend, device, data, data->test_n, data->test_pixels, data->test_labels,
                   &out->test, err);
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
