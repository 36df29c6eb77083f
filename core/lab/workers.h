/* workers.h -- how long a run would take among more workers: a model that needs no compute.
 *
 * An update of B rows is cut into leaves as training cuts it (train/reduction.h).  A worker
 * computes its leaves one after the other, sums travel to the last one along the fixed tree, and
 * the total goes back to all in ceil(log2 W) rounds.  A message of S bytes takes
 * latency + S / bandwidth, on both sides.  So with powers of two of W workers and of leaves
 *
 *     update(W) = rows of a worker / speed + 2 log2(W) (latency + S / bandwidth)
 *
 * and for any others the same walk is gone through with a clock for each worker.  Copies and
 * additions of sums on a host are none of the link's: give it a bandwidth that counts them. */
#ifndef LAB_WORKERS_H
#define LAB_WORKERS_H

#include "schedule/schedule.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define WORKERS_MAX 4096    /* workers */
#define WORKERS_LIST_MAX 16 /* numbers of them in a list */

/* Between any two workers. */
struct workers_link {
    double bandwidth; /* bytes a second */
    double latency;   /* seconds */
};

struct workers_model {
    double speed;      /* images a second that one worker trains on */
    double evaluation; /* seconds an epoch on one worker, which all share */
    double rest;       /* seconds an epoch that they do not share: checkpoint */
    struct workers_link link;
    int64_t message;     /* bytes of a sum */
    int64_t micro;       /* rows of one forward call: a multiple of the ghost */
    int64_t groups;      /* a batch is dealt to; 0: as many as there are workers */
    int64_t test_micros; /* micros of the test set */
};

/* Of a whole run, in seconds. */
struct workers_time {
    double seconds;
    double messages; /* of it: what updates take longer than the longest share's compute */
};

/* "25GB/s,2us": a bandwidth in GB/s, MB/s, kB/s, Gbit/s or Mbit/s and a latency in s, ms, us or ns.
 * ERR_USAGE, which names what was given and an example. */
int workers_link_parse(const char *text, struct workers_link *link, struct err *err);

/* "1,8,64": rising whole numbers from 1 to WORKERS_MAX, into list[WORKERS_LIST_MAX].  ERR_USAGE. */
int workers_list_parse(const char *text, int *list, size_t *count, struct err *err);

/* The most workers that have work in a full update of a batch. */
int64_t workers_useful(const struct workers_model *model, const struct schedule *schedule,
                       int64_t batch);

/* The time of an update of `rows` rows, in seconds; *compute is that of the longest share of it.
 * clock: [workers], overwritten. */
double workers_update(const struct workers_model *model, const struct schedule *schedule,
                      int64_t rows, int workers, double *clock, double *compute);

/* The whole run, 1 <= workers <= WORKERS_MAX.  ERR_MEMORY. */
int workers_run(const struct workers_model *model, const struct schedule *schedule, int workers,
                struct workers_time *out, struct err *err);

#endif
