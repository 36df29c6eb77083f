/* choice.h -- which engines the rule of dnn.h allows a convolution, and an engine found again by
 * number and knobs. */
#ifndef CUDNN_CHOICE_H
#define CUDNN_CHOICE_H

#include "dnn.h"

/* Where plans are built: for the graph of one convolution, under the notes that the rule
 * forbids. */
struct choice {
    const struct dnn_target *target;
    cudnnBackendDescriptor_t graph;
    uint32_t forbidden;
    int knobs; /* plans say theirs */
};

/* Bit k: numerical note k. */
uint32_t choice_forbidden(const struct dnn_target *target, const struct dnn_conv *conv);

/* Builds the first `most` different plans that the rule allows, in the order of cuDNN's proposals;
 * returns how many. */
int choice_collect(const struct choice *choice, struct dnn_plan *plans, int most);

/* Builds the plan of an engine with its knobs, asking no heuristics.  Not SUCCESS when cuDNN
 * cannot; 0 in plan->plan when it can and the rule forbids it. */
cudnnStatus_t choice_rebuild(const struct choice *choice, int64_t engine, const struct knobs *knobs,
                             struct dnn_plan *plan);

#endif
