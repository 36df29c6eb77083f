/* parallel.h -- one loop over several threads, without a heap allocation a call.
 *
 * OpenMP's own region allocates a team for one thread and whenever the number of threads changes.
 * Here a loop of one thread is a loop, and a larger team always has the same size. */
#ifndef CPU_PARALLEL_H
#define CPU_PARALLEL_H

#include <stdint.h>
#ifdef _OPENMP
#include <omp.h>
#endif

/* body(context, i, thread) for i of 0..count-1; thread of 0..threads-1 deals contiguous blocks, in
 * order within each.
 */
static inline void parallel_for(int32_t threads, int64_t count,
                                void (*body)(void *context, int64_t i, int32_t thread),
                                void *context)
{
#ifdef _OPENMP
    if (threads > 1 && count > 1) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t i = 0; i < count; i++)
            body(context, i, omp_get_thread_num());
        return;
    }
#endif
    for (int64_t i = 0; i < count; i++)
        body(context, i, 0);
}

#endif
