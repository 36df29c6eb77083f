/* These are the entry points that gcc's code for `parallel`, `for` and `barrier` and omp.h's
 * questions call, of gcc 4.4 and on: before 4.9 a region was begun and ended by a call each, and
 * static loops asked for their part.  OpenBLAS asks once at its start how places are bound, which
 * libgomp answers. */
#include "cpu/openmp.h"

#include "cpu/team.h"

#include <stdatomic.h>

#define ENTRY __attribute__((visibility("default")))

ENTRY void GOMP_parallel(void (*body)(void *), void *context, unsigned threads, unsigned flags);
ENTRY void GOMP_parallel_start(void (*body)(void *), void *context, unsigned threads);
ENTRY void GOMP_parallel_end(void);
ENTRY _Bool GOMP_loop_static_start(long begin, long end, long step, long chunk, long *first,
                                   long *last);
ENTRY _Bool GOMP_loop_static_next(long *first, long *last);
ENTRY void GOMP_loop_end_nowait(void);
ENTRY void GOMP_loop_end(void);
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

/* 0: as many as may be. */
static int32_t places(unsigned threads)
{
    int32_t most = openmp_threads();
    return threads == 0 || threads > (unsigned)most ? most : (int32_t)threads;
}

/* flags say how threads are bound to cores: ours are not. */
void GOMP_parallel(void (*body)(void *), void *context, unsigned threads, unsigned flags)
{
    (void)flags;
    team_run(places(threads), body, context);
}

void GOMP_parallel_start(void (*body)(void *), void *context, unsigned threads)
{
    team_begin(places(threads), body, context);
}

void GOMP_parallel_end(void)
{
    team_end();
}

/* The static loop that this thread is in: `count` turns in chunks, or in a block for each place
 * where chunk is 0; `trip`: how often it has asked. */
static _Thread_local struct {
    long begin, step, count, chunk, trip;
} loop;

_Bool GOMP_loop_static_start(long begin, long end, long step, long chunk, long *first, long *last)
{
    loop.begin = begin;
    loop.step = step;
    loop.count = (end - begin + step - (step > 0 ? 1 : -1)) / step; /* step is never 0 */
    loop.count = loop.count < 0 ? 0 : loop.count;
    loop.chunk = chunk;
    loop.trip = 0;
    return GOMP_loop_static_next(first, last);
}

_Bool GOMP_loop_static_next(long *first, long *last)
{
    long place = team_place(), size = team_size(), from, to;
    if (loop.chunk == 0) {
        long block = loop.count / size, more = loop.count % size;
        if (loop.trip > 0)
            return 0;
        from = place * block + (place < more ? place : more);
        to = from + block + (place < more);
    } else {
        from = (loop.trip * size + place) * loop.chunk;
        to = from + loop.chunk < loop.count ? from + loop.chunk : loop.count;
    }
    loop.trip++;
    if (from >= to)
        return 0;
    *first = loop.begin + from * loop.step;
    *last = loop.begin + to * loop.step;
    return 1;
}

void GOMP_loop_end_nowait(void)
{
}

void GOMP_loop_end(void)
{
    team_barrier();
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
