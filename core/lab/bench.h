/* bench.h -- how fast one backend trains a network, where its time goes, and how near that is to
 * its own convolutions alone.
 *
 * A step is one update: a whole batch, cut into micros, forward and backward, and the optimizer.
 * The plain step trains random bytes that stay where they are: the micros of a batch share one
 * micro of pixels.  With `with_data` a step is trainer_update() on the images of bench_data():
 * batches are drawn and varied, and decoded where they are files, as in a run.
 *
 * Where the device has a clock of its own, steps are queued one behind the other and timed by it,
 * as a run queues them; else each step is waited for and timed by the host's.  Nothing here
 * prints. */
#ifndef LAB_BENCH_H
#define LAB_BENCH_H

#include "backend/backend.h"
#include "data/dataset.h"
#include "net/net.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define BENCH_STEP_MAX 1000
#define BENCH_BATCH 128 /* where none is given */
#define BENCH_REASON 160
#define BENCH_ROW_MAX (REPRO_OP_COUNT + 3)

/* An open backend and a network, of the channels and classes that its row in net.h's table says, or
 * those of the data. */
struct bench {
    struct repro_backend backend;
    struct repro_device *device;
    struct repro_caps caps;
    struct net net;
    struct dataset data; /* zeroed without bench_data() */
};

/* Zero means default. */
struct bench_options {
    int64_t batch; /* BENCH_BATCH */
    int64_t micro; /* rows of one forward call: the batch */
    int64_t ghost; /* rows that share batch-norm statistics: the micro; divides batch and micro */
    int precision; /* REPRO_PRECISION_F32 */
    int steps;     /* timed: 9 */
    int warm_up;   /* steps before them: 3; below 0: none */
    int with_data; /* batch assembly and augmentation belong to the step; needs bench_data() */
    int brief;     /* speed and memory only: neither op times nor the limit */
};

struct bench_result {
    struct bench_options options;   /* with the defaults filled in */
    double flop;                    /* of training on one image, by bench_flop() */
    double seconds[BENCH_STEP_MAX]; /* of each timed step, in order */
    double median, best;            /* of them */
    int device_clock;               /* they are the device's own */
    /* bytes: the most this process has held resident up to the last timed step */
    int64_t memory;
    int64_t held; /* bytes of device memory behind the last timed step; 0: not told */
    /* Taken on plain steps after the timed ones. */
    int has_ops;
    struct repro_profile ops; /* seconds and bytes per step */
    double launches;          /* a step; 0: not counted */
    struct repro_rates rates; /* of the device, at the precision; 0: not measured */
    double profiled;          /* seconds of a whole step while its parts are timed */
    /* images/s of the convolutions by themselves; 0: not measured */
    double limit;
    char ops_reason[BENCH_REASON], limit_reason[BENCH_REASON]; /* why there is none, else empty */
    /* a line per node, by the backend; NULL when it has none; owned */
    char *description;
};

/* What bounds an operation: its multiplications at the rate of a matrix product, or its bytes at
 * that of a copy. */
enum { BENCH_LIMIT_UNKNOWN, BENCH_LIMIT_PRODUCTS, BENCH_LIMIT_COPIES };

/* One row of the table of op times, in seconds per step. */
struct bench_row {
    const char *name;         /* "conv", ..., "reorder", "update", "rest" */
    double forward, backward; /* 0 both for the last three */
    double total, share;      /* share of the whole step, 0..1 */
    double flop, bytes;       /* per step; 0: none, or not counted */
    /* BENCH_LIMIT_*: which of the two takes longer at the device's rates */
    int limit;
    double limit_share; /* that time by the total; 0 without a limit */
};

/* Loads a backend by name or path, opens its device, builds the network. ERR_CANNOT_RUN when there
 * is no such device here.  bench_close() releases it; legal on a zeroed struct. */
int bench_open(const char *backend, const char *network, int side,
               const struct repro_device_options *device, struct bench *bench, struct err *err);
void bench_close(struct bench *bench);
/* The network alone, for square images of `side` pixels; released by net_release().  side 0: the
 * table's. */
int bench_net(const char *name, int side, struct net *net, struct err *err);

/* Opens images as large as the network's for steps with data, and makes the network one of their
 * classes: the first 4096 of the folder, CIFAR-10's where they are 32 pixels on a side, else of
 * classes of image files (data/listing.h), or as many as there are, and a batch at least; where it
 * is NULL, as many synthetic ones of at most 64 MiB.  batch: as in bench_options.  Errors as
 * source_open() and net_named(). */
int bench_data(struct bench *bench, const char *network, const char *folder, int64_t batch,
               struct err *err);

/* Compiles the network, warms up, and measures.  ERR_USAGE when the sizes do not fit each other;
 * ERR_CANNOT_RUN when the device lacks the precision.  bench_release() frees the result. */
int bench_measure(const struct bench *bench, const struct bench_options *options,
                  struct bench_result *out, struct err *err);
void bench_release(struct bench_result *result);

/* Floating-point operations of training on one image: 2 per multiply-add of the convolutions and
 * dense layers, forward, backward data and backward weights; a layer that reads the image itself
 * has no backward data. */
double bench_flop(const struct net *net);
/* Those of one kind of operation. */
double bench_op_flop(const struct net *net, int op);

/* Fills median and best from the options.steps seconds; of an even count the median is the mean of
 * the two in the middle. */
void bench_summary(struct bench_result *result);

/* Fills rows with the op kinds that took time, in the order of their numbers, then reorder, update
 * and what is left of the step ("rest"); returns how many.  The totals add up to result->profiled
 * and the shares to 1.  0 rows without has_ops. */
size_t bench_rows(const struct net *net, const struct bench_result *result,
                  struct bench_row rows[BENCH_ROW_MAX]);

#endif
