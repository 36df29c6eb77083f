#include "resident.h"

#include "common/plugin.h"
#include "driver.h"

#include <inttypes.h>
#include <stdlib.h>

#define LABELS_ALIGN 256 /* bytes */

/* Checks the set and measures it: the bytes of its pixels. */
static int32_t measure(const struct repro_images *images, int64_t *bytes, int32_t *classes,
                       struct repro_error *err)
{
    int64_t image;
    if (images->channels < 1 || images->channels > REPRO_CHANNEL_MAX || images->height < 1 ||
        images->width < 1 || images->count < 1 || images->count > INT32_MAX ||
        images->pixels == NULL || images->labels == NULL ||
        __builtin_mul_overflow((int64_t)images->height * images->channels, (int64_t)images->width,
                               &image) ||
        __builtin_mul_overflow(image, images->count, bytes) || *bytes > INT64_MAX / 2)
        return fail(err, REPRO_ARGUMENT,
                    "a data set of %" PRId64 " images of %dx%dx%d cannot be kept", images->count,
                    (int)images->height, (int)images->width, (int)images->channels);
    *classes = 0;
    for (int64_t i = 0; i < images->count; i++) {
        if (images->labels[i] < 0)
            return fail(err, REPRO_ARGUMENT, "image %" PRId64 ": label %d lies below 0", i,
                        (int)images->labels[i]);
        *classes = images->labels[i] >= *classes ? images->labels[i] + 1 : *classes;
    }
    return 0;
}

static int32_t copy_set(const struct repro_resident *data, const struct repro_images *images,
                        int64_t bytes, int64_t labels_at, struct repro_error *err)
{
    cudaStream_t stream = data->device->stream;
    char *memory = data->memory;
    int32_t code = driver_check(
        cudaMemcpyAsync(memory, images->pixels, (size_t)bytes, cudaMemcpyHostToDevice, stream),
        "copying the data set", err);
    if (code == 0)
        code = driver_check(cudaMemcpyAsync(memory + labels_at, images->labels,
                                            (size_t)images->count * sizeof(int32_t),
                                            cudaMemcpyHostToDevice, stream),
                            "copying the data set", err);
    return code == 0 ? driver_check(cudaStreamSynchronize(stream), "copying the data set", err)
                     : code;
}

static int32_t take_memory(struct repro_resident *data, int64_t bytes, struct repro_error *err)
{
    size_t available = 0, total = 0;
    cudaError_t status = cudaMalloc(&data->memory, (size_t)bytes);
    if (status == cudaSuccess) {
        data->bytes = bytes;
        data->device->held += bytes;
        return 0;
    }
    if (status != cudaErrorMemoryAllocation || cudaMemGetInfo(&available, &total) != cudaSuccess)
        return driver_check(status, "the data set", err);
    return fail(err, REPRO_MEMORY,
                "out of device memory: the images need %.3f GiB, %.3f of %.3f GiB are free; free "
                "the GPU of other work",
                (double)bytes / (1 << 30), (double)available / (1 << 30),
                (double)total / (1 << 30));
}

int32_t data_put(struct repro_device *device, const struct repro_images *given,
                 struct repro_resident **out, struct repro_error *err)
{
    struct repro_images images;
    int64_t bytes = 0;
    int32_t classes = 0;
    copy_sized(&images, sizeof images, given);
    int32_t code = measure(&images, &bytes, &classes, err);
    struct repro_resident *data = code == 0 ? plugin_allocate(1, sizeof *data) : NULL;
    if (code == 0 && data == NULL)
        code = fail(err, REPRO_MEMORY, "out of memory");
    if (code != 0)
        return code;
    int64_t labels_at = (bytes + LABELS_ALIGN - 1) / LABELS_ALIGN * LABELS_ALIGN;
    *data = (struct repro_resident){.device = device,
                                    .channels = images.channels,
                                    .height = images.height,
                                    .width = images.width,
                                    .classes = classes,
                                    .count = images.count};
    code = device_enter(device, err);
    if (code == 0)
        code = take_memory(data, labels_at + images.count * (int64_t)sizeof(int32_t), err);
    if (code == 0)
        code = copy_set(data, &images, bytes, labels_at, err);
    if (code != 0) {
        data_free(data);
        return code;
    }
    data->pixels = data->memory;
    data->labels = (const int32_t *)((char *)data->memory + labels_at);
    *out = data;
    return 0;
}

void data_free(struct repro_resident *data)
{
    if (data == NULL)
        return;
    data->device->held -= data->bytes;
    cudaFree(data->memory);
    free(data);
}

int32_t resident_check(const struct repro_resident *data, const struct repro_graph *graph,
                       const struct repro_rows *rows, struct repro_error *err)
{
    if (data->channels != graph->channels || data->height != graph->height ||
        data->width != graph->width || data->classes > graph->classes)
        return fail(
            err, REPRO_ARGUMENT,
            "a data set of %dx%dx%d in %d classes does not fit a network for %dx%dx%d in %d",
            (int)data->height, (int)data->width, (int)data->channels, (int)data->classes,
            (int)graph->height, (int)graph->width, (int)graph->channels, (int)graph->classes);
    if (rows->crops == NULL || rows->pixels != NULL || rows->labels != NULL)
        return fail(err, REPRO_ARGUMENT,
                    "rows of a resident data set are crops, without pixels and labels");
    for (int64_t i = 0; i < rows->count; i++) {
        const struct repro_crop *crop = &rows->crops[i];
        if (crop->image < 0 || crop->image >= data->count)
            return fail(err, REPRO_ARGUMENT, "row %" PRId64 ": image %d of a data set of %" PRId64,
                        i, (int)crop->image, data->count);
        if (crop->flip > 1 || crop->reserved != 0)
            return fail(err, REPRO_UNSUPPORTED,
                        "row %" PRId64
                        ": a crop's flip is %d and its reserved byte %d, not 0 or 1 and 0",
                        i, (int)crop->flip, (int)crop->reserved);
    }
    return 0;
}
