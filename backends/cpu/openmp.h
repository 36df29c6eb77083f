/* openmp.h -- a plugin's library on the device's team.
 *
 * A plugin that links openmp.c has the entry points of OpenMP's runtime that its library calls, and
 * the library finds them there before libgomp's.  So its regions run on the team (team.h): libgomp
 * spins for milliseconds at the end of a region, holds a whole region up for a thread that waits in
 * a queue, and takes the number of threads from the environment (OMP_THREAD_LIMIT, OMP_DYNAMIC),
 * where it changes bits or hangs. */
#ifndef CPU_OPENMP_H
#define CPU_OPENMP_H

#include <stdint.h>

/* Threads that the library may use in a region of its own; a plugin defines it. */
int32_t openmp_threads(void);

/* Calls use(context), which lets the library do something that asks for the number of threads;
 * whether it asked here.  It does not where another OpenMP runtime was loaded into the whole
 * process (LD_PRELOAD), or the library was bound to another plugin before. */
int openmp_is_ours(void (*use)(void *context), void *context);

#define OPENMP_NOT_OURS                                                                       \
    "%s finds another OpenMP runtime than this plugin's; leave LD_PRELOAD out, and load one " \
    "plugin "                                                                                 \
    "of this library a process"

#endif
