/* lower.h -- from a graph to what the device does: which nodes share a kernel, which tensors share memory.  Host only.
 *
 * A step has 2 * count moments: node i runs forward at moment i and backward at moment 2 * count - 1 - i.  A tensor
 * lives from the moment that first writes it to the last that reads it, and two tensors share bytes only when their
 * lives do not overlap.
 *
 * Fused.  A relu whose source is a batch norm that nobody else reads is computed by the batch norm's kernels, forward
 * and backward. The gradient of a sum is the gradient of each summand: where an add is the first to write its source's
 * diff and no later writer comes between it and another reader, both are one buffer, and the gradient of a residual
 * branch is added in place.
 */
#ifndef CUDNN_LOWER_H
#define CUDNN_LOWER_H

#include "common/graph.h"

#define LOWER_ALIGN 256 /* bytes */
#define LOWER_NONE (-1)

/* A tensor's memory: `bytes` at `offset` of the activations. */
struct lower_buffer {
    int64_t bytes, offset;
    int32_t first, last; /* moments */
};

/* What a node does and where its tensors lie, as indices into buffers; LOWER_NONE: it has none of its own kind. */
struct lower_node {
    int fused_relu; /* batch_norm: also does its relu; relu: is done by its batch_norm */
    int32_t dst, diff;
    int32_t winner; /* max_pool: index of each maximum */
    int same_diff[2]; /* add: source k's diff is this node's own, nothing to do */
    int single; /* its tensors are f32 at any precision: the logits */
};

struct lower {
    int32_t count, buffer_count;
    struct lower_node *nodes; /* [count] */
    struct lower_buffer *buffers; /* [buffer_count] */
    int64_t bytes; /* of all activations together */
};

/* type_bytes: of an activation at the net's precision.  0, or REPRO_MEMORY with nothing to release. */
int32_t lower_init(struct lower *lower, const struct plugin_graph *graph, int type_bytes, struct repro_error *err);
void lower_release(struct lower *lower);

#endif
