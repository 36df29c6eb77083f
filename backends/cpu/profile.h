/* profile.h -- seconds per op kind, for net_profile of backend.h.  Off, a stopwatch costs one
 * test. */
#ifndef CPU_PROFILE_H
#define CPU_PROFILE_H

#include "backend/backend.h"
#include "cpu/device.h"

#include <string.h>
#include <time.h>

struct cpu_profile {
    int on;
    struct repro_profile sums;
};

static inline double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static inline double profile_start(const struct cpu_profile *profile)
{
    return profile->on ? cpu_seconds() : 0.0;
}

static inline void profile_stop(const struct cpu_profile *profile, double start, double *sum)
{
    if (profile->on)
        *sum += cpu_seconds() - start;
}

/* net_profile of backend.h. */
static inline void profile_take(struct cpu_profile *profile, struct repro_profile *out)
{
    fill_sized(out, &profile->sums, sizeof profile->sums);
    memset(&profile->sums, 0, sizeof profile->sums);
    profile->on = 1;
}

#endif
