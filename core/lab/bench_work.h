/* bench_work.h -- one compiled network and one micro of random rows, for core/lab/bench alone. */
#ifndef LAB_BENCH_WORK_H
#define LAB_BENCH_WORK_H

#include "lab/bench.h"

#include <stdint.h>

struct err;
struct repro_net;

/* The hyper-parameters of every step of a bench.  lr is small enough that random labels do not
 * drive the loss to infinity. */
#define BENCH_SEED 1
#define BENCH_LR 0.01
#define BENCH_MOMENTUM 0.9
#define BENCH_WEIGHT_DECAY 5e-4

struct bench_work {
    const struct bench *bench;
    const struct bench_options *options; /* complete */
    struct repro_net *net;
    uint8_t *pixels; /* [micro, height, width, channels] */
    int32_t *labels; /* [micro] */
    int64_t *image;  /* [micro] */
    int64_t update;  /* done */
};

/* Compiles the network and draws weights and rows.  bench and options are borrowed and outlive the
 * work. bench_work_release() is legal after a failure and on a zeroed struct. */
int bench_work_init(struct bench_work *work, const struct bench *bench,
                    const struct bench_options *options, struct err *err);
void bench_work_release(struct bench_work *work);

/* One update on the rows that lie there: queued, or done where the device computes as it is
 * called. */
int bench_work_step(struct bench_work *work, struct err *err);
/* Waits until all steps are done. */
int bench_work_wait(struct bench_work *work, struct err *err);
/* The device's own clock: a mark behind all that is queued; the marks' moments, see net_marks in
 * backend.h. */
int bench_work_mark(struct bench_work *work, struct err *err);
int bench_work_marks(struct bench_work *work, double *seconds, int64_t capacity, int64_t *count,
                     struct err *err);

/* Fill the parts of *out that their names say, or the reason why not.  The limit leaves the
 * activations undefined: no step comes after it. */
int bench_work_ops(struct bench_work *work, struct bench_result *out, struct err *err);
int bench_work_limit(struct bench_work *work, struct bench_result *out, struct err *err);
int bench_work_rates(struct bench_work *work, struct bench_result *out, struct err *err);
int bench_work_describe(struct bench_work *work, struct bench_result *out, struct err *err);

/* Turns a backend's failure into ours. */
int bench_failed(const struct bench *bench, const struct repro_error *error, struct err *err);

#endif
