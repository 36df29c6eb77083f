#include "cpu/device.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"

int32_t cpu_device_options(const struct repro_device_options *given,
                           struct repro_device_options *options, struct repro_error *err)
{
    int32_t code = plugin_device_options(given, options, err);
    if (code != 0)
        return code;
    if (options->flags & REPRO_DEVICE_TUNED)
        return fail(
            err, REPRO_UNSUPPORTED,
            "it chooses its algorithms by a rule, so there is nothing to tune; leave --tune out");
    if (options->ordinal != 0)
        return fail(err, REPRO_DEVICE, "there is one processor, number 0, not %d",
                    (int)options->ordinal);
    if (options->threads < 0 || options->threads > CPU_THREADS_MAX)
        return fail(err, REPRO_ARGUMENT, "%d threads; 0 (all cores) to %d are possible",
                    (int)options->threads, CPU_THREADS_MAX);
    if (options->threads == 0)
        options->threads = cpu_cores();
    return 0;
}

/* The first line of a cgroup file; 0 when there is none. */
static int read_line(const char *folder, const char *name, char *line, size_t size)
{
    char path[640];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return 0;
    FILE *file = fopen(path, "r");
    int read = file != NULL && fgets(line, (int)size, file) != NULL;
    if (file != NULL)
        fclose(file);
    return read;
}

/* Whole cores of a folder's quota; CPU_THREADS_MAX when it has none. */
static int32_t folder_cores(const char *folder)
{
    char line[64];
    long long quota = -1, period = -1;
    if (!read_line(folder, "cpu.max", line, sizeof line) ||
        sscanf(line, "%lld %lld", &quota, &period) != 2) {
        quota = period = -1;
        if (!read_line(folder, "cpu.cfs_quota_us", line, sizeof line) ||
            sscanf(line, "%lld", &quota) != 1 ||
            !read_line(folder, "cpu.cfs_period_us", line, sizeof line) ||
            sscanf(line, "%lld", &period) != 1)
            return CPU_THREADS_MAX;
    }
    if (quota <= 0 || period <= 0 || quota / period >= CPU_THREADS_MAX)
        return CPU_THREADS_MAX;
    return quota < period ? 1 : (int32_t)(quota / period);
}

/* The smallest quota from this process's own cgroup up to the root. */
static int32_t quota_cores(void)
{
    char line[512], folder[576];
    int32_t cores = CPU_THREADS_MAX;
    FILE *file = fopen("/proc/self/cgroup", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':'), *path = colon == NULL ? NULL : strchr(colon + 1, ':');
        if (path == NULL)
            continue;
        *path++ = '\0';
        path[strcspn(path, "\n")] = '\0';
        int unified = colon[1] == '\0';
        if (!unified && strcmp(colon + 1, "cpu") != 0 && strcmp(colon + 1, "cpu,cpuacct") != 0)
            continue;
        for (;;) {
            snprintf(folder, sizeof folder, "%s%s", unified ? CGROUP_ROOT : CGROUP_ROOT "/cpu",
                     path);
            int32_t here = folder_cores(folder);
            cores = here < cores ? here : cores;
            char *slash = strrchr(path, '/');
            if (slash == NULL)
                break;
            *slash = '\0';
        }
    }
    if (file != NULL)
        fclose(file);
    return cores;
}

int32_t cpu_cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int32_t quota = quota_cores();
    return count < 1 ? 1 : count < quota ? count : quota;
}

void cpu_name(char *name, size_t size)
{
    char line[512];
    snprintf(name, size, "CPU");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || colon == NULL)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
        break;
    }
    fclose(file);
}
