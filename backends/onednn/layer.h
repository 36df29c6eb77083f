/* layer.h -- the layers of a network and what they share.
 *
 * Rows.  Primitives are compiled for a whole micro, so every pass computes one: rows that a call
 * does not bring are zero on the way in and have zero gradients on the way back.
 *
 * Bits.  Own reductions have a fixed order; the library's depend on the number of threads, which
 * belongs to a run's identity. */
#ifndef ONEDNN_LAYER_H
#define ONEDNN_LAYER_H

#include "backend/backend.h"
#include "common/graph.h"
#include "common/plugin.h"
#include "cpu/arenas.h"
#include "cpu/profile.h"
#include "device.h"
#include "library.h"
#include "tensor.h"

struct kernels;

/* A node and what this plugin adds to it. */
struct layer {
    const struct repro_node *node;
    const struct plugin_use *use;
    struct tensor tensor;          /* of dst and diff */
    const struct kernels *kernels; /* for its element type and block */
    int64_t width;                 /* channels that a kernel takes at once: 8 or 1 */
    void *dst, *diff;              /* diff is NULL where nothing below has parameters */
    int dst_slot, diff_slot;       /* buffers of the net; -1: none */
    /* BATCH_NORM: the only consumer is a RELU, done here; RELU: done by its source */
    int fused_relu;
    /* ADD: 1 when a convolution writes its dst; CONV: the index of the ADD it does, or -1 */
    int fused_add;
    /* backward: diff of src k is this node's own diff; nothing to do */
    int diff_alias[REPRO_SRC_MAX];

    struct call forward, data, weights; /* CONV, DENSE, pools */
    /* CONV: PARAM -> the library's layouts, its gradients -> PARTIAL */
    struct call pack_forward, pack_data, unpack;
    char choice[3][48]; /* CONV: implementation of forward, backward data, backward weights */
    /* CONV by own kernels: transformed weights of forward and of backward data; else NULL */
    float *packed[2];
    /* backward data goes to the net's spare buffer and is added from there */
    int data_apart;
    float *bias_grad;        /* CONV, DENSE */
    float *weights_grad;     /* DENSE [O, I] */
    float *flat, *flat_diff; /* DENSE: src as [micro, C*H*W] f32 where it does not lie so */
    double *sums;            /* BATCH_NORM: [ghosts, lanes, units, 2, width] */
    /* BATCH_NORM: [ghosts, padded]; the last two of backward */
    float *mean, *inverse, *gain, *shift, *slope, *offset;
    float *variance;
    uint8_t *kept; /* DROPOUT: [micro, C*H*W] */
    float *table;  /* INPUT: [channels, 256] */
};

struct repro_net {
    struct repro_device *device;
    struct plugin_graph graph;
    struct cpu_arenas arenas;
    struct cpu_profile profile;
    struct layer *layers;
    int32_t count;
    int32_t micro, ghost, lanes;
    struct library library;
    void *spare; /* as large as the largest diff that convolutions write apart */
    int64_t spare_bytes;
    int32_t *labels; /* of the last forward */
    int64_t rows;    /* of the last TRAIN forward that backward may follow; 0: none */
    int packed;      /* the library's copies of the weights are those of PARAM */
};

/* Rows first..last-1 of lane l of a ghost. */
static inline int64_t lane_first(const struct repro_net *net, int64_t l)
{
    return l * net->ghost / net->lanes;
}

/* Of dst, or of diff. */
static inline int64_t layer_bytes(const struct repro_net *net, const struct layer *layer)
{
    return net->micro * layer->tensor.row * (int64_t)element_size(&layer->tensor);
}

/* Padding stays zero: a kernel that writes channel by channel leaves it, and buffers are used again
 * for other tensors. */
static inline void layer_clear_padding(const struct layer *layer, void *data, int64_t row)
{
    if (layer->tensor.padded != layer->node->channels)
        memset(tensor_at(data, &layer->tensor, row, 0), 0,
               (size_t)layer->tensor.row * element_size(&layer->tensor));
}

#endif
