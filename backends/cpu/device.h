/* device.h -- what every CPU backend asks about its device: cores, name. */
#ifndef CPU_DEVICE_H
#define CPU_DEVICE_H

#include "backend/backend.h"
#include "common/plugin.h"

#include <stddef.h>

#define CPU_THREADS_MAX 256

/* gcc builds these loops once more for AVX2; without fused multiply-add the bits stay the same. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CPU_VECTOR __attribute__((target_clones("avx2", "default")))
#else
#define CPU_VECTOR
#endif

/* Reads the options of device_open: the only device is number 0; threads 0 becomes cpu_cores(). */
int32_t cpu_device_options(const struct repro_device_options *given,
                           struct repro_device_options *options, struct repro_error *err);

/* Cores that this process may use: its affinity mask, and the whole cores of the cgroup's CPU quota
 * (v2 cpu.max, v1 cfs quota), at least 1 and at most CPU_THREADS_MAX. */
int32_t cpu_cores(void);

/* The processor's name from /proc/cpuinfo, else "CPU". */
void cpu_name(char *name, size_t size);

#endif
