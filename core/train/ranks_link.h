/* ranks_link.h -- what carries messages between the processes of a job: the table of functions that
 * a module of ranks hands out.
 *
 * A module is a shared object that exports one symbol, repro_ranks_v1.  It is loaded only where a
 * launcher has started several processes, so that the program itself depends on no such library.
 * This header is all that the two share; it includes only <stdint.h>.
 *
 * Every wait ends: a message that has not come or gone within the limit, while the rank that it
 * depends on gives no sign of life, is a failure, which names that rank.  Messages between two
 * ranks arrive in the order in which they were sent.  One thread calls.  Nothing prints, and
 * nothing exits but abort(). */
#ifndef TRAIN_RANKS_LINK_H
#define TRAIN_RANKS_LINK_H

#include <stdint.h>

#define RANKS_ENTRY_NAME "repro_ranks_v1"
#define RANKS_HOST 64 /* bytes of a host's name, with its NUL */
#define RANKS_CORES 1024

struct ranks_job; /* the module's own */

/* What went wrong. */
struct ranks_failure {
    int32_t rank;   /* that does not answer; -1: it is none's fault */
    char text[508]; /* one sentence without a newline */
};

/* This process, in its job. */
struct ranks_place {
    int32_t rank, count;
    char host[RANKS_HOST];
    uint8_t cores[RANKS_CORES / 8]; /* bit k: it may run on core k of its host */
};

/* Functions that can fail return 0, or another number and fill *failure. */
struct ranks_link {
    uint32_t struct_size;
    uint32_t reserved;
    const char *library; /* and its version: "Open MPI 4.1.4" */

    /* Joins the processes of the job.  No wait is longer than `limit` seconds, but for the few that
     * it takes to find out who does not answer. */
    int32_t (*open)(double limit, struct ranks_job **out, struct ranks_place *place,
                    struct ranks_failure *failure);
    /* Sends a message, or receives the next one from a rank; of at least one byte.  Both sides know
     * its size.  Return when the bytes may be changed, or are there. */
    int32_t (*send)(struct ranks_job *job, int32_t to, const void *bytes, int64_t size,
                    struct ranks_failure *failure);
    int32_t (*receive)(struct ranks_job *job, int32_t from, void *bytes, int64_t size,
                       struct ranks_failure *failure);
    /* A note to a rank, besides messages and never waited for. */
    int32_t (*note)(struct ranks_job *job, int32_t to, struct ranks_failure *failure);
    /* Says that this rank is at work, to those that wait for it; called at least once a micro.
     * Whether any note has come, from then on 1. */
    int32_t (*tick)(struct ranks_job *job);
    /* The job is to end: no wait from here on is longer than a few seconds.  By any thread, also in
     * a handler of signals. */
    void (*hurry)(struct ranks_job *job);
    /* Leaves the job, which ends when all have left it. */
    void (*close)(struct ranks_job *job);
    /* Ends every process of the job, this one with that status. */
    void (*abort)(struct ranks_job *job, int32_t status);
};

typedef const struct ranks_link *ranks_entry(void);

#endif
