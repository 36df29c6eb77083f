/* noiselog.h -- what was measured of a run's noise: noise.tsv in its folder, one row a measurement,
 * tab-separated, the first line naming the columns.
 *
 *   epoch, updates        where: the epoch that is being trained, from 1, and updates done
 *   lr, batch, momentum, noise_scale      of the update that comes next; eq. (4)
 *   ghost, ghosts         rows of a sample, and how many were drawn
 *   gradient              |G|^2 of the cross-entropy, without weight decay
 *   trace                 tr Sigma of one row
 *   trace_variance, along, square         how uncertain they are (schedule/noise.h)
 *   simple, simple_low, simple_high       B_simple in rows and its 95 % interval; may be inf
 *   fluctuation           noise_scale * trace / N, see noise_fluctuation() */
#ifndef RESULTS_NOISELOG_H
#define RESULTS_NOISELOG_H

#include "schedule/noise.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define NOISELOG_LEVEL 0.95 /* of its intervals */

struct noiselog_row {
    int epoch;
    int64_t updates;
    double lr;
    int64_t batch;
    double momentum, noise_scale;
    struct noise_estimate noise;
    double simple;
    struct noise_interval interval;
    double fluctuation;
};

struct noiselog {
    struct noiselog_row *rows;
    size_t count, capacity;
};

/* The path of a run folder's noise.tsv; freed with mem_free(), NULL when out of memory. */
char *noiselog_path(const char *folder, struct err *err);

int noiselog_append(struct noiselog *log, const struct noiselog_row *row, struct err *err);
void noiselog_release(struct noiselog *log);

/* Replaces the file. */
int noiselog_write(const struct noiselog *log, const char *path, struct err *err);
/* Reads it back, into a zeroed *log.  ERR_INPUT "path:line: ..." on anything else than what
 * noiselog_write() writes. */
int noiselog_read(struct noiselog *log, const char *path, struct err *err);

#endif
