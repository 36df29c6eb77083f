/* reduction.h -- how an update's rows are cut into micros and dealt to groups, and the one walk by
 * which the groups' sums become one.
 *
 * The cut follows from (rows, micro, ghost, groups) alone; *where* a group is computed cannot
 * change a bit, because the sums are added in a fixed binary tree over the leaves: with n of them
 * it splits at the largest power of two below n.  The walk goes over that tree from left to right
 * and needs room for reduction_slots(n) sums besides the one it is at.
 *
 * The host's sums (struct reduction), a device's (net_keep and net_join) and ranks are readers of
 * the same walk.  A rank computes the leaves that reduction_rank() gives it, and a sum is with the
 * rank of its last leaf.  Every rank goes through the whole walk and passes over the LEAF and KEEP
 * steps of others, so that all reach their own leaves at once; at JOIN k it adds where slot and
 * current sum are its own, sends slot k where only that is, and where only the current sum is it
 * receives the slot's and adds.  The total is with the rank of the last leaf, which tells the
 * others. */
#ifndef TRAIN_REDUCTION_H
#define TRAIN_REDUCTION_H

#include <stdint.h>

struct err;

/* Number first and those behind it, count in all: of rows, micros or leaves. */
struct reduction_span {
    int64_t first, count;
};

/* ---- The cut ---- */

/* ceil(rows / micro): micros of so many rows. */
int64_t reduction_micros(int64_t rows, int64_t micro);

/* The rows of micro i of them; the last may be shorter. */
struct reduction_span reduction_rows(int64_t rows, int64_t micro, int64_t i);

/* min(groups, micros): groups that get work. */
int64_t reduction_groups(int64_t micros, int64_t groups);

/* What part g of `parts` gets of `count` things, in order and as evenly as can be: the first is
 * number floor(g count / parts).  None where there are more parts than things and it is not g's
 * turn. */
struct reduction_span reduction_deal(int64_t count, int64_t parts, int64_t g);

/* An update's rows are whole ghosts and, where a partial batch is kept, a rest of fewer rows than a
 * ghost.  The whole ghosts are cut into micros, which are dealt to groups; the rest is one more
 * micro behind them, which is of no group.  Each group and the rest are a leaf of the tree. */
struct reduction_cut {
    int64_t rows, micro;
    int64_t rest;   /* rows beyond whole ghosts; 0: none */
    int64_t groups; /* that get work; 0 where there is only the rest */
    int64_t micros; /* the rest's among them */
    int64_t leaves; /* the groups, and one for the rest */
};

/* The cut of `rows` >= 1 rows; micro is a multiple of ghost, groups at least 1. */
struct reduction_cut reduction_cut(int64_t rows, int64_t micro, int64_t ghost, int64_t groups);

/* The rows of a micro, 0 <= i < cut->micros. */
struct reduction_span reduction_micro(const struct reduction_cut *cut, int64_t i);

/* The micros of a leaf, 0 <= leaf < cut->leaves. */
struct reduction_span reduction_leaf(const struct reduction_cut *cut, int64_t leaf);

/* The rank of `ranks` that computes a leaf: each has consecutive ones, as evenly as can be. */
int64_t reduction_rank(const struct reduction_cut *cut, int64_t leaf, int64_t ranks);

/* The micros of all its leaves, which are consecutive too: all there are with one rank, none where
 * there are more ranks than leaves and it is not the rank's turn. */
struct reduction_span reduction_share(const struct reduction_cut *cut, int64_t rank, int64_t ranks);

/* ---- The walk ---- */

enum {
    REDUCTION_LEAF, /* the leaf `first` is computed and becomes the current sum */
    REDUCTION_KEEP, /* the current sum goes into the slot, and there is none then */
    REDUCTION_JOIN  /* the current sum becomes the slot's + itself, and the slot is free */
};

/* A step, and what the current sum is of: before it at KEEP and JOIN, behind it at LEAF. */
struct reduction_step {
    int op, slot;        /* slot: of KEEP and JOIN */
    int64_t first, last; /* leaves; the slot of a JOIN holds those that end at first - 1 */
};

/* Where a walk stands; the caller's. */
struct reduction_walk {
    int64_t leaves;
    int64_t first, last; /* leaves of the current sum; first == last + 1: there is none */
};

/* Before the first step of a walk over so many leaves. */
struct reduction_walk reduction_walk(int64_t leaves);
/* 1 and the next step; 0 when the current sum is of all leaves. */
int reduction_next(struct reduction_walk *walk, struct reduction_step *step);
/* ceil(log2(leaves)): a walk's slots are numbered from 0 to one less. */
int reduction_slots(int64_t leaves);

/* ---- The host's reader ---- */

/* Floats of room behind a partial's values, for what goes with them in a message. */
#define REDUCTION_TAIL 8

/* A leaf's result, or a sum of some. */
struct partial {
    float *values; /* [count]: the arena PARTIAL; there is room for REDUCTION_TAIL more */
    double loss;
    int64_t correct, rows;
};

/* The current sum and the slots of a walk.  Nothing is allocated after reduction_init(). */
struct reduction {
    int64_t count; /* floats in a partial */
    int slots;
    struct partial *slot;   /* [slots] */
    struct partial current; /* where the caller puts a leaf, and where the whole sum is found */
};

/* For walks over at most `leaves` leaves of `count` floats each. */
int reduction_init(struct reduction *sum, int64_t count, int64_t leaves, struct err *err);
/* Legal on a zeroed struct. */
void reduction_release(struct reduction *sum);

/* What the steps KEEP and JOIN say; what current.values hold behind a KEEP is left open. */
void reduction_keep(struct reduction *sum, int slot);
void reduction_join(struct reduction *sum, int slot);

#endif
