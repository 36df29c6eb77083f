/* reference.h -- a double-precision interpreter of a struct repro_graph, in plain loops: the judge
 * of every backend.
 *
 * It follows the formulas of backend.h word for word and shares nothing with a backend but the
 * Philox generator.  Slow, and meant to be read.  test_reference proves its backward against
 * central differences of its own forward. */
#ifndef CONFORMANCE_REFERENCE_H
#define CONFORMANCE_REFERENCE_H

#include "backend/backend.h"

#include <stdint.h>

/* A node's tensors.  Shapes: dst, diff [micro, channels, height, width]; mean, variance [ghosts,
 * channels]. */
struct reference_layer {
    struct repro_node node;
    int64_t size;            /* elements of dst per row */
    double *dst, *diff;      /* diff: d(sum of the rows' losses) / d(dst) */
    double *mean, *variance; /* BATCH_NORM in TRAIN: each ghost's, the variance biased */
};

struct reference {
    struct repro_graph graph; /* nodes is NULL; they are in layers */
    struct reference_layer *layers;
    int64_t micro, ghost;
    double *param, *running; /* set by the caller */
    double *partial;         /* gradients, then batch-norm sums */
    double loss;             /* sums since reference_zero() */
    int64_t correct, seen;
    struct repro_rows rows; /* of the last forward, borrowed */
    double margin;          /* of the last forward: see reference_forward() */
};

/* Allocates for micro rows; 0 or -1 when out of memory.  Released by reference_release() either
 * way. */
int reference_init(struct reference *ref, const struct repro_graph *graph, int64_t micro,
                   int64_t ghost);
void reference_release(struct reference *ref);

void reference_zero(struct reference *ref);

/* As net_forward(); *rows stays valid until after reference_backward().  Leaves in margin the
 * smallest distance to a kink, in units of the tensor's root mean square: of a RELU's source from
 * 0, of a MAX_POOL window's largest from its second, of the largest logit from the second.  Exact
 * zeroes and exact equals are left out, since every precision sees them. */
void reference_forward(struct reference *ref, const struct repro_rows *rows);

/* As net_backward(). */
void reference_backward(struct reference *ref, double scale);

/* [rows, classes] of the last forward. */
const double *reference_logits(const struct reference *ref);

/* The layers' own loops, used by reference.c: one node over the rows of the last forward. */
void reference_conv(struct reference *ref, struct reference_layer *layer);
void reference_conv_backward(struct reference *ref, struct reference_layer *layer);
void reference_norm(struct reference *ref, struct reference_layer *layer);
void reference_norm_backward(struct reference *ref, struct reference_layer *layer);
void reference_pool(struct reference *ref, struct reference_layer *layer);
void reference_pool_backward(struct reference *ref, struct reference_layer *layer);
void reference_dropout(struct reference *ref, struct reference_layer *layer, int backward);

/* Lowers ref->margin to distance / root mean square of a tensor, if that is smaller and distance is
 * not 0. */
void reference_near(struct reference *ref, double distance, double rms);
double reference_rms(const double *values, int64_t count);

#endif
