/* ranks.h -- the processes that share a run's updates, each with a rank from 0.
 *
 * All of them run the same program with the same options and go through the same calls in the same
 * order.  Rank 0 is the one that reads and writes files and talks.  Alone there is nothing here: a
 * NULL or zeroed struct ranks is one process, of rank 0, and every function below returns at
 * once.
 *
 * A rank that is lost (it has died, hangs, or is cut off) is ERR_RANK with its number and host,
 * within the limit.  What fails on one rank only, between two agreements, is that rank's to say
 * before it ends the job; an error that ranks_agree() returned leaves all in step. */
#ifndef TRAIN_RANKS_H
#define TRAIN_RANKS_H

#include "train/ranks_link.h"

#include <stdint.h>

struct err;

struct ranks_traffic {
    int64_t messages, bytes; /* sent */
};

struct ranks {
    int rank, count; /* 0 of 1 where link is NULL */
    const struct ranks_link *link;
    struct ranks_job *job;
    char (*host)[RANKS_HOST]; /* [count] */
    int crowd;                /* the most ranks of one host that may run on the same core */
    int lost;                 /* the rank that does not answer; -1: none */
    int in_step;              /* behind an error: the others know of it, or need not */
    int stopping;             /* all know that the user wants to stop */
    int hurries;              /* ranks_hurry() was called */
    struct ranks_traffic sent;
};

/* ---- The job ---- */

/* What a launcher has put into this process's environment. */
struct ranks_launch {
    int rank, count;  /* 0 of 1: there is none */
    const char *name; /* "mpirun" */
};

/* Open MPI's mpirun, Hydra's (MPICH, Intel MPI) and Slurm's srun are known. */
struct ranks_launch ranks_launch(void);

/* The module of ranks that was built, from the folder $REPRO_RANKS_PATH or where it was installed;
 * NULL and ERR_CANNOT_RUN, with the package that mends it, where there is none. */
const struct ranks_link *ranks_load(struct err *err);

/* Joins the launched processes; ERR_CANNOT_RUN where the launcher is another library's, so that
 * each would train by itself.  limit: of every wait, in seconds. */
int ranks_open(struct ranks *ranks, const struct ranks_link *link,
               const struct ranks_launch *launch, double limit, struct err *err);
/* Leaves the job; legal on a zeroed struct.  A rank with an error that the others do not know of
 * calls ranks_abort() in its place. */
void ranks_close(struct ranks *ranks);
/* Ends all processes, with that status. */
void ranks_abort(struct ranks *ranks, int status);

/* ---- Among ranks ---- */

int ranks_are_several(const struct ranks *ranks);
/* 1 for rank 0, which reads, writes and talks; alone, too. */
int ranks_is_first(const struct ranks *ranks);

/* One message; size in bytes, any but 0.  Counted in ranks->sent. */
int ranks_send(struct ranks *ranks, int to, const void *bytes, int64_t size, struct err *err);
int ranks_receive(struct ranks *ranks, int from, void *bytes, int64_t size, struct err *err);

/* The bytes of rank `root`, to all; a message to each of the others. */
int ranks_tell(struct ranks *ranks, int root, void *bytes, int64_t size, struct err *err);

/* All bring how far they came, 0 or *err.  Where any failed all return the failure of the first of
 * them by rank, which names its host unless it is rank 0. */
int ranks_agree(struct ranks *ranks, int code, struct err *err);

/* ERR_INPUT on all ranks where the facts of any are not those of rank 0.  They are lines
 * "name\tvalue\n", the same names in the same order; the first that differs is named. */
int ranks_same(struct ranks *ranks, const char *facts, struct err *err);

/* This rank is at work; 1 when any rank has called ranks_stop() that this one is to hear of. */
int ranks_tick(struct ranks *ranks);
/* The launcher wants an end: no wait is long from here on.  Legal in a handler of signals. */
void ranks_hurry(struct ranks *ranks);

/* The user wants to stop, says this rank: all will hear of it together (stopping). */
int ranks_stop(struct ranks *ranks, struct err *err);

#endif
