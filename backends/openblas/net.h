/* net.h -- a network as this plugin keeps it: canonical NCHW activations per node, im2col and sgemm
 * for convolutions.
 *
 * Bits do not depend on the thread count: rows are dealt to a fixed number of lanes, each lane is
 * computed by one thread from start to end, and sums over lanes are added in lane order.  sgemm
 * itself runs on one thread. */
#ifndef OPENBLAS_NET_H
#define OPENBLAS_NET_H

#include "backend/backend.h"
#include "cpu/arenas.h"
#include "cpu/device.h"
#include "common/graph.h"
#include "common/plugin.h"
#include "cpu/profile.h"

#define NET_LANES 8
#define COLUMN_FLOATS 65536 /* of im2col's output at a time: stays within the second-level cache */

struct repro_device {
    int32_t threads;
    struct team *team; /* bound by every function that computes */
    char name[128];
    char library[128];
};

/* A node and what this plugin adds to it. */
struct layer {
    const struct repro_node *node;
    const struct plugin_use *use;
    float *dst;  /* [micro, channels, height, width] */
    float *diff; /* the same, d(loss)/d(dst); NULL where nothing below has parameters */
    int owns_dst, owns_diff;
    /* BATCH_NORM: the only consumer is a RELU, done here; RELU: done by its source */
    int fused_relu;
    /* backward: diff of src k is this node's own diff; nothing to do */
    int diff_alias[REPRO_SRC_MAX];
    float *mean, *variance, *inverse; /* BATCH_NORM: [ghosts, channels], kept by a TRAIN forward */
    float *flipped;                   /* CONV, stride 1: weights as [C, O, kh, kw], taps reversed */
    int32_t *winner;                  /* MAX_POOL: index in the plane of src, per element of dst */
    uint8_t *kept;                    /* DROPOUT */
};

struct repro_net {
    struct repro_device *device;
    struct plugin_graph graph;
    struct cpu_arenas arenas;
    struct cpu_profile profile;
    struct layer *layers;
    int32_t count;
    /* [threads, column_floats], then [threads, shifted_floats]: scratch of convolutions */
    float *columns;
    int64_t column_floats, shifted_floats;
    float *lanes; /* [NET_LANES, lane_floats]: one layer's weight gradients */
    int64_t lane_floats;
    int32_t *labels; /* of the last forward */
    int64_t rows;    /* of the last TRAIN forward that backward may follow; 0: none */
};

/* Rows first..first+count-1 of lane l of n rows. */
static inline int64_t lane_first(int64_t rows, int64_t l)
{
    return l * rows / NET_LANES;
}

/* Builds what the device needs for the graph; see backend.h. */
int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err);
void net_free(struct repro_net *net);

/* The table's functions on a net; see backend.h. */
int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                  const float *values, struct repro_error *err);
int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err);
int32_t net_zero(struct repro_net *net, struct repro_error *err);
int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err);
int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err);
int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err);
int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err);
int32_t net_sync(struct repro_net *net, struct repro_error *err);
int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err);
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err);

/* ---- the layers: one's part of a pass over `rows` rows ---- */

/* A backward adds parameter gradients to PARTIAL and writes diff of its sources. */
void conv_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void conv_backward(struct repro_net *net, struct layer *layer, int64_t rows);
/* Floats of scratch that a thread needs for a convolution: columns, and the rows that
 * columns_gather() shifts. */
int64_t conv_shifted_floats(const struct repro_node *node, const struct repro_node *src);
int64_t conv_column_floats(const struct repro_node *node, const struct repro_node *src);

void norm_forward(struct repro_net *net, struct layer *layer, int64_t rows, int32_t mode);
void norm_backward(struct repro_net *net, struct layer *layer, int64_t rows);

void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void relu_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void relu_backward(struct repro_net *net, struct layer *layer, int64_t rows);
void add_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void add_backward(struct repro_net *net, struct layer *layer, int64_t rows);
void concat_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void concat_backward(struct repro_net *net, struct layer *layer, int64_t rows);
void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void dropout_backward(struct repro_net *net, struct layer *layer, int64_t rows);

void pool_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void pool_backward(struct repro_net *net, struct layer *layer, int64_t rows);

void dense_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void dense_backward(struct repro_net *net, struct layer *layer, int64_t rows);

#endif
