/* lower.h -- from a graph to what the device does: which nodes share a kernel, which tensors share
 * memory.  Host only.
 *
 * A step has 2 * count moments: node i runs forward at moment i and backward at moment 2 * count -
 * 1 - i.  A tensor lives from the moment that first writes it to the last that reads it (of what a
 * convolution's weight gradient reads, LOWER_BESIDE moments longer: fork.h), and two tensors share
 * bytes only when their lives do not overlap.
 *
 * Fused.  A relu whose source is a batch norm that nobody else reads is computed by the batch
 * norm's kernels, forward and backward. The gradient of a sum is the gradient of each summand:
 * where an add is the first to write its source's diff and no later writer comes between it and
 * another reader, both are one buffer, and the gradient of a residual branch is added in place.
 * Forward, an add of two convolutions that nobody else reads is done by the later one, which adds
 * to what the earlier one wrote; another add whose first reader is a batch norm is done by that
 * batch norm's first kernel.
 *
 * Padded.  Where only convolutions read the input image, its pixels are filled up with channels of
 * zeros to 16 bytes, which is what tensor cores load at once; layout.h gives the weights of those
 * channels a place, where they stay 0.
 */
#ifndef CUDNN_LOWER_H
#define CUDNN_LOWER_H

#include "common/graph.h"

#define LOWER_ALIGN 256 /* bytes */
#define LOWER_NONE (-1)
#define LOWER_BESIDE 4 /* moments: to the next convolution's backward in a residual block */

/* A tensor's memory: `bytes` at `offset` of the activations. */
struct lower_buffer {
    int64_t bytes, offset;
    int32_t first, last; /* moments */
};

/* What a node does and where its tensors lie, as indices into buffers; LOWER_NONE: it has none of
 * its own kind. */
struct lower_node {
    int fused_relu; /* batch_norm: also does its relu; relu: is done by its batch_norm */
    int32_t dst, diff;
    int32_t winner; /* max_pool: index of each maximum */
    /* conv: forward adds to the dst of that earlier conv; add: its dst is that conv's, nothing to
     * do */
    int32_t onto;
    int32_t sum_with; /* add: the batch norm whose forward makes its dst; batch norm: that add */
    int same_diff[2]; /* add: source k's diff is this node's own, nothing to do */
    int single;       /* its tensors are f32 at any precision: the logits */
};

struct lower {
    int32_t count, buffer_count;
    struct lower_node *nodes;     /* [count] */
    struct lower_buffer *buffers; /* [buffer_count] */
    int64_t bytes;                /* of all activations together */
};

/* Channels of the input image in memory: as many as given, or filled up. */
int64_t lower_input_channels(const struct plugin_graph *graph, int type_bytes);

/* type_bytes: of an activation at the net's precision.  0, or REPRO_MEMORY with nothing to
 * release. */
int32_t lower_init(struct lower *lower, const struct plugin_graph *graph, int type_bytes,
                   struct repro_error *err);
void lower_release(struct lower *lower);

#endif
