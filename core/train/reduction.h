/* reduction.h -- how a batch is cut into micros, dealt to groups, and how the groups' sums become
 * one.
 *
 * The cut follows from (batch, micro, groups) alone; *where* a group is computed cannot change a
 * bit, because the sums are added in a fixed binary tree over the group index.  With n leaves the
 * tree splits at the largest power of two below n, which is what adding leaves one by one into a
 * binary counter gives. */
#ifndef TRAIN_REDUCTION_H
#define TRAIN_REDUCTION_H

#include <stdint.h>

struct err;

/* Rows first..first+count-1 of the batch. */
struct row_span {
    int64_t first, count;
};

/* ceil(batch / micro). */
int64_t reduction_micros(int64_t batch, int64_t micro);

/* min(groups, micros): groups that get work. */
int64_t reduction_groups(int64_t micros, int64_t groups);

/* The micros (as first, count) of group g of `groups`, in order and as evenly as can be: floor(g
 * micros / groups) is the first. */
struct row_span reduction_deal(int64_t micros, int64_t groups, int64_t g);

/* The rows of micro i; the last may be shorter. */
struct row_span reduction_rows(int64_t batch, int64_t micro, int64_t i);

/* An update's rows are whole ghosts and, where a partial batch is kept, a rest of fewer rows than a
 * ghost.  The whole ghosts are cut into micros; the rest is one more micro behind them. */
int64_t reduction_pieces(int64_t rows, int64_t micro, int64_t ghost);
struct row_span reduction_piece(int64_t rows, int64_t micro, int64_t ghost, int64_t i);

/* One group's result, or a sum of some. */
struct partial {
    float *values; /* [count]: PARTIAL */
    double loss;
    int64_t correct, rows;
};

/* The additions before the leaf that is number `leaves` from 0 goes into its slot: those of slots
 * 0..answer-1, in this order, each on the leaf's left; it then goes into slot `answer`.  At the end
 * the sum is the last leaf with every other full slot, those above it, added on its left, in this
 * order. */
int reduction_joins(int64_t leaves);

/* A running binary-counter sum.  Allocation-free after reduction_init(). */
struct reduction {
    int64_t count; /* floats in a partial */
    int levels;
    int64_t leaves;       /* pushed so far */
    struct partial *slot; /* [levels]; slot k is in use iff bit k of leaves is set */
    struct partial spare; /* where the caller puts the next leaf */
};

/* For at most `groups` leaves of `count` floats each. */
int reduction_init(struct reduction *sum, int64_t count, int64_t groups, struct err *err);
void reduction_release(struct reduction *sum);

/* Forgets all leaves. */
void reduction_start(struct reduction *sum);
/* Adds the leaf in sum->spare; its values are overwritten. */
void reduction_push(struct reduction *sum);
/* The whole sum; valid until the next start.  At least one leaf was pushed.  Once per start: it
 * adds the slots up in place. */
const struct partial *reduction_finish(struct reduction *sum);

#endif
