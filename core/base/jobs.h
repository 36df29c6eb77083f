/* jobs.h -- pieces of work done side by side, each by a thread that has taken it.
 *
 * Work begins in the order of its numbers: whoever is free takes the next.  A piece that follows
 * another one is passed over until that one has ended.  After a failure nothing more begins; what
 * is under way is waited for. */
#ifndef BASE_JOBS_H
#define BASE_JOBS_H

#include <stddef.h>

struct err;

struct jobs {
    size_t count;
    size_t workers; /* at least 1 */
    /* [count]: the earlier piece that has to end before this one begins; its own number: none */
    const size_t *follows;
    void *context;
    /* Piece `job` begins: called one at a time and in the order in which they do; may be NULL. */
    void (*begin)(void *context, size_t job);
    /* Does piece `job` as worker 0..workers-1; no worker does two at once.  0, or a code and
     * *err. */
    int (*work)(void *context, size_t job, size_t worker, struct err *err);
};

/* Returns when all is done.  One worker is the calling thread; several are threads of their own, in
 * which every signal is blocked.  Fails with the first failure by number; one that only stopped
 * because it was asked to (ERR_STOPPED) gives way to any other.  ERR_MEMORY when a thread cannot be
 * had. */
int jobs_run(const struct jobs *jobs, struct err *err);

#endif
