/* These are the entry points that gcc's code for `parallel` and `barrier` and omp.h's questions
 * call; OpenBLAS asks once at its start how places are bound, which libgomp answers. */
#include "cpu/openmp.h"

#include "cpu/team.h"

#include <stdatomic.h>

#define ENTRY __attribute__((visibility("default")))

ENTRY void GOMP_parallel(void (*body)(void *), void *context, unsigned threads, unsigned flags);
ENTRY void GOMP_barrier(void);
ENTRY int omp_get_max_threads(void);
ENTRY int omp_get_num_threads(void);
ENTRY int omp_get_thread_num(void);
ENTRY int omp_in_parallel(void);
ENTRY void omp_set_num_threads(int threads);

static atomic_int asked;

int openmp_is_ours(void (*use)(void *context), void *context)
{
    atomic_store(&asked, 0);
    use(context);
    return atomic_load(&asked);
}

int omp_get_max_threads(void)
{
    if (!atomic_load_explicit(&asked, memory_order_relaxed))
        atomic_store_explicit(&asked, 1, memory_order_relaxed);
    return openmp_threads();
}

/* threads 0: as many as may be; flags say how threads are bound to cores: ours are not. */
void GOMP_parallel(void (*body)(void *), void *context, unsigned threads, unsigned flags)
{
    int32_t most = openmp_threads();
    (void)flags;
    team_run(threads == 0 || threads > (unsigned)most ? most : (int32_t)threads, body, context);
}

void GOMP_barrier(void)
{
    team_barrier();
}

int omp_get_num_threads(void)
{
    return team_size();
}

int omp_get_thread_num(void)
{
    return team_place();
}

int omp_in_parallel(void)
{
    return team_size() > 1;
}

/* The device says how many; a library that sets its own number is not asked. */
void omp_set_num_threads(int threads)
{
    (void)threads;
}
