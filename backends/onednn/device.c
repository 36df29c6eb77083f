/* The device, which is this machine's processor. */
#include "device.h"

#include "api.h"
#include "common/plugin.h"
#include "cpu/device.h"
#include "cpu/openmp.h"
#include "cpu/team.h"
#include "cpu/winograd.h"
#include "library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t openmp_threads(void)
{
    return team_threads();
}

/* Rows of a product that is worth several threads. */
#define MULTIPLIED 64

static void multiply(void *context)
{
    enum { N = MULTIPLIED };
    float *m = context;
    dnnl_sgemm('N', 'N', N, N, N, 1.0f, m, N, m, N, 0.0f, m + (size_t)N * N, N);
}

/* The library's threads are the team's. */
static int32_t check_threads(struct repro_device *device, struct repro_error *err)
{
    float *m = calloc(2 * MULTIPLIED * MULTIPLIED, sizeof *m);
    if (m == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    team_bind(device->team);
    int ours = openmp_is_ours(multiply, m);
    free(m);
    return ours ? 0 : fail(err, REPRO_LIBRARY, OPENMP_NOT_OURS, "oneDNN");
}

/* A library of another major has another interface. */
static int32_t check_version(struct repro_device *device, struct repro_error *err)
{
    const dnnl_version_t *running = dnnl_version();
    if (running->major != DNNL_VERSION_MAJOR || running->minor < DNNL_VERSION_MINOR)
        return fail(err, REPRO_LIBRARY,
                    "built for oneDNN %d.%d but running with %d.%d; rebuild the plugin",
                    DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR, running->major, running->minor);
    if (running->cpu_runtime != DNNL_RUNTIME_OMP)
        return fail(err, REPRO_LIBRARY,
                    "oneDNN %d.%d runs its threads without OpenMP, so their number cannot be set; "
                    "install a build with OpenMP (Debian: libdnnl-dev)",
                    running->major, running->minor);
    snprintf(device->library, sizeof device->library, "oneDNN %d.%d.%d", running->major,
             running->minor, running->patch);
    return 0;
}

/* Whether the library has a fast convolution of this kind: not its slow reference. */
static int has_convolution(const struct repro_device *device, dnnl_data_type_t type,
                           dnnl_alg_kind_t algorithm)
{
    dnnl_dims_t image = {32, 64, 32, 32}, filter = {64, 64, 3, 3};
    struct window w = {.kernel = {3, 3}, .stride = {1, 1}, .before = {1, 1}, .behind = {1, 1}};
    struct md src = {0}, weights = {0};
    dnnl_primitive_desc_t pd;
    const char *name = NULL;
    int has = 0;
    if (md_tagged(&src, 4, image, type, dnnl_format_tag_any) == dnnl_success &&
        md_tagged(&weights, 4, filter, type, dnnl_format_tag_any) == dnnl_success &&
        api_conv_forward(&pd, device->engine, algorithm, &src, &weights, NULL, &src, &w, NULL) ==
            dnnl_success) {
        has = dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, &name) == dnnl_success &&
              name != NULL && strncmp(name, "ref", 3) != 0;
        dnnl_primitive_desc_destroy(pd);
    }
    md_release(&src);
    md_release(&weights);
    return has;
}

/* Ours is written for AVX2: where the library's direct convolution has registers twice as wide, it
 * stays. */
static int has_avx512(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512f");
#else
    return 0;
#endif
}

/* $REPRO_ONEDNN_CONVOLUTION: "direct" keeps every convolution to the definition's sums; unset or
 * "auto": the rule of device_caps. */
static int32_t read_rule(int *direct, struct repro_error *err)
{
    const char *wish = getenv("REPRO_ONEDNN_CONVOLUTION");
    *direct = wish != NULL && strcmp(wish, "direct") == 0;
    if (wish == NULL || *wish == '\0' || *direct || strcmp(wish, "auto") == 0)
        return 0;
    return fail(err, REPRO_ARGUMENT,
                "REPRO_ONEDNN_CONVOLUTION is '%.100s'; it can be auto or direct", wish);
}

void device_close(struct repro_device *device)
{
    if (device == NULL)
        return;
    if (device->stream != NULL)
        dnnl_stream_destroy(device->stream);
    if (device->engine != NULL)
        dnnl_engine_destroy(device->engine);
    team_free(device->team);
    free(device);
}

int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                    struct repro_error *err)
{
    struct repro_device_options options;
    int direct = 0;
    int32_t code = cpu_device_options(given, &options, err);
    if (code != 0)
        return code;
    struct repro_device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    device->threads = options.threads;
    cpu_name(device->name, sizeof device->name);
    code = check_version(device, err);
    if (code == 0)
        code = read_rule(&direct, err);
    if (code == 0)
        code = team_new(device->threads, &device->team, err);
    if (code == 0)
        code = check_threads(device, err);
    if (code == 0)
        code = library_check(dnnl_engine_create(&device->engine, dnnl_cpu, 0),
                             "an engine for the processor", err);
    if (code == 0)
        code = library_check(
            dnnl_stream_create(&device->stream, device->engine, dnnl_stream_default_flags),
            "a stream", err);
    if (code != 0) {
        device_close(device);
        return code;
    }
    device->winograd = !direct && API_CAN_WINOGRAD &&
                       has_convolution(device, dnnl_f32, dnnl_convolution_winograd);
    device->own_winograd = !direct && !device->winograd && !has_avx512() && winograd_can(16, 16);
    device->bf16 = has_convolution(device, dnnl_bf16, dnnl_convolution_direct);
    *out = device;
    return 0;
}

int32_t device_caps(struct repro_device *device, struct repro_caps *caps, struct repro_error *err)
{
    struct repro_caps own = {
        .threads = device->threads,
        .ops = (2u << REPRO_OP_COUNT) - 2u,
        .precisions = 1u << REPRO_PRECISION_F32 | (device->bf16 ? 1u << REPRO_PRECISION_BF16 : 0u),
        .optimizers = (2u << REPRO_OPTIMIZER_ADAM) - 2u,
    };
    (void)err;
    snprintf(own.device, sizeof own.device, "%s", device->name);
    snprintf(own.library, sizeof own.library, "%s", device->library);
    snprintf(own.algorithms, sizeof own.algorithms, "%s",
             device->own_winograd
                 ? "direct; own winograd F(4x4,3x3) for 3x3, stride 1, multiples of 16 channels"
             : device->winograd ? "direct; winograd for 3x3, stride 1, from 64 channels on"
                                : "direct");
    fill_sized(caps, &own, sizeof own);
    return 0;
}
