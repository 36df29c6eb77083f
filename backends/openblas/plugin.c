/* The openblas backend: the table, and the device, which is this machine's processor. */
#include "cpu/openmp.h"
#include "cpu/team.h"
#include "net.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* raised when a bit of a result changes: it is part of a run's identity */
#define PLUGIN_VERSION "1.0"

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ..." -> "OpenBLAS 0.3.21 Zen". */
static void library_name(char *name, size_t size)
{
    char version[32] = "";
    if (sscanf(openblas_get_config(), "OpenBLAS %31s", version) != 1)
        snprintf(version, sizeof version, "?");
    snprintf(name, size, "OpenBLAS %s %s", version, openblas_get_corename());
}

/* The configuration string of the library that runs must have the major of the one that was
 * compiled against. */
static int32_t check_version(struct repro_error *err)
{
    int built, running;
    if (sscanf(OPENBLAS_VERSION, " OpenBLAS %d", &built) == 1 &&
        sscanf(openblas_get_config(), " OpenBLAS %d", &running) == 1 && built == running)
        return 0;
    return fail(err, REPRO_LIBRARY, "built for%sbut running with %.60s; rebuild the plugin",
                OPENBLAS_VERSION, openblas_get_config());
}

/* The library computes in the thread that calls it: what runs side by side are our loops. */
int32_t openmp_threads(void)
{
    return 1;
}

/* Rows of a product so large that the library asks how many threads there are: its kernels for
 * small ones do not. */
#define MULTIPLIED 128

static void multiply(void *context)
{
    enum { N = MULTIPLIED };
    float *m = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1.0f, m, N, m, N, 0.0f,
                m + (size_t)N * N, N);
}

/* A build with threads of its own, or none, was told 1 and stays with it. */
static int32_t check_threads(struct repro_error *err)
{
    float *m = calloc(2 * MULTIPLIED * MULTIPLIED, sizeof *m);
    if (m == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    int ours = openmp_is_ours(multiply, m) || openblas_get_parallel() != OPENBLAS_OPENMP;
    free(m);
    return ours ? 0 : fail(err, REPRO_LIBRARY, OPENMP_NOT_OURS, "OpenBLAS");
}

static void device_close(struct repro_device *device)
{
    if (device != NULL)
        team_free(device->team);
    free(device);
}

static int32_t device_open(const struct repro_device_options *given, struct repro_device **out,
                           struct repro_error *err)
{
    struct repro_device_options options;
    int32_t code = cpu_device_options(given, &options, err);
    if (code == 0)
        code = check_version(err);
    if (code != 0)
        return code;
    struct repro_device *device = calloc(1, sizeof *device);
    if (device == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    device->threads = options.threads;
    cpu_name(device->name, sizeof device->name);
    library_name(device->library, sizeof device->library);
    openblas_set_num_threads(1);
    code = team_new(device->threads, &device->team, err);
    if (code == 0)
        code = check_threads(err);
    if (code != 0) {
        device_close(device);
        return code;
    }
    *out = device;
    return 0;
}

static int32_t device_caps(struct repro_device *device, struct repro_caps *caps,
                           struct repro_error *err)
{
    struct repro_caps own = {
        .threads = device->threads,
        .ops = (2u << REPRO_OP_COUNT) - 2u,
        .precisions = 1u << REPRO_PRECISION_F32,
        .optimizers = (2u << REPRO_OPTIMIZER_ADAM) - 2u,
        .flags = REPRO_CAPS_ANY_THREADS,
    };
    (void)err;
    memcpy(own.device, device->name, sizeof own.device);
    memcpy(own.library, device->library, sizeof own.library);
    fill_sized(caps, &own, sizeof own);
    return 0;
}

static const struct repro_backend table = {
    .struct_size = sizeof table,
    .abi_minor = REPRO_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "openblas",
    .version = PLUGIN_VERSION,
    .device_open = device_open,
    .device_close = device_close,
    .device_caps = device_caps,
    .net_compile = net_compile,
    .net_free = net_free,
    .net_write = net_write,
    .net_read = net_read,
    .net_zero = net_zero,
    .net_forward = net_forward,
    .net_backward = net_backward,
    .net_update = net_update,
    .net_metrics = net_metrics,
    .net_sync = net_sync,
    .net_profile = net_profile,
    .net_bare = net_bare,
};

int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err);

__attribute__((visibility("default"))) int32_t repro_backend_v1(const struct repro_backend **out,
                                                                struct repro_error *err)
{
    (void)err;
    *out = &table;
    return 0;
}
