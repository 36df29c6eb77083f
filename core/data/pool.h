/* pool.h -- threads that stand by and share out the pieces of one call after another.
 *
 * Invariants.  Pieces begin in the order of their numbers.  Several threads may call at once; the
 * call that came first is served first.  Signals are blocked in the threads.  Nothing is allocated
 * after pool_new(). */
#ifndef DATA_POOL_H
#define DATA_POOL_H

#include <stdint.h>

struct err;
struct pool;

#define POOL_MAX 16

/* The number of cores that this process may use, at most POOL_MAX; $REPRO_DECODERS says another
 * one.  ERR_INPUT where that is no number of 1..POOL_MAX. */
int pool_threads(int *threads, struct err *err);

/* 1..POOL_MAX threads.  ERR_MEMORY, also when there is no thread to be had. */
int pool_new(int threads, struct pool **out, struct err *err);
/* Needs that no call is under way.  NULL is legal. */
void pool_free(struct pool *pool);

/* Does work(context, 0..count-1, ...), each piece by one of the threads 0..threads-1, none of which
 * does two at once, and returns when all are done.  After a failure no piece begins; the one of the
 * lowest number is told, which is the same for any number of threads. */
int pool_run(struct pool *pool, int64_t count,
             int (*work)(void *context, int64_t piece, int thread, struct err *err), void *context,
             struct err *err);

#endif
