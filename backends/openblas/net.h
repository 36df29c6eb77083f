/* net.h -- a network as this plugin keeps it: canonical NCHW activations per node, im2col and sgemm for convolutions.
 *
 * Bits do not depend on the thread count: rows are dealt to a fixed number of lanes, each lane is computed by one thread from
 * start to end, and sums over lanes are added in lane order.  sgemm itself runs on one thread. */
#ifndef OPENBLAS_NET_H
#define OPENBLAS_NET_H

#include "backend/backend.h"

#define NET_LANES 8
#define NET_ALIGN 64
#define COLUMN_FLOATS 65536 /* of im2col's output at a time: stays within the second-level cache */

/* gcc builds these loops once more for AVX2; without fused multiply-add the bits stay the same. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define NET_VECTOR __attribute__((target_clones("avx2", "default")))
#else
#define NET_VECTOR
#endif

struct repro_device {
    int32_t threads;
    char name[128];
    char library[128];
};

/* A node and what this plugin adds to it. */
struct layer {
    struct repro_node node;
    int64_t plane;        /* height * width */
    int64_t size;         /* floats per row of dst */
    float *dst;           /* [micro, channels, height, width] */
    float *diff;          /* the same, d(loss)/d(dst); NULL where nothing below has parameters */
    int owns_dst, owns_diff;
    int consumers;
    int live;             /* its dst leads to the loss, so backward computes it */
    int fused_relu;       /* BATCH_NORM: the only consumer is a RELU, done here; RELU: done by its source */
    int diff_first[REPRO_SRC_MAX]; /* backward: this node is the first to write diff of src k, so it assigns */
    int diff_alias[REPRO_SRC_MAX]; /* backward: diff of src k is this node's own diff; nothing to do */
    float *mean, *variance, *inverse; /* BATCH_NORM: [ghosts, channels], kept by a TRAIN forward */
    float *flipped;                /* CONV, stride 1: weights as [C, O, kh, kw], taps reversed */
    int32_t *winner;               /* MAX_POOL: index in the plane of src, per element of dst */
    uint8_t *kept;                 /* DROPOUT */
};

struct repro_net {
    struct repro_device *device;
    struct repro_graph graph;
    struct repro_net_options options;
    struct layer *layers;
    int32_t count;
    float *param, *partial, *moment1, *moment2, *running;
    float *columns;        /* [threads, column_floats], then [threads, shifted_floats]: scratch of convolutions */
    int64_t column_floats, shifted_floats;
    float *lanes;          /* [NET_LANES, lane_floats]: one layer's weight gradients */
    int64_t lane_floats;
    int32_t *labels;       /* of the last forward */
    int64_t rows;          /* of the last TRAIN forward that backward may follow; 0: none */
    int64_t output_rows;
    double loss;
    int64_t correct, seen;
};

/* Rows first..first+count-1 of lane l of n rows. */
static inline int64_t lane_first(int64_t rows, int64_t l)
{
    return l * rows / NET_LANES;
}

/* What the body of a parallel loop needs to know of its pass; unused members are zero. */
struct pass {
    struct repro_net *net;
    struct layer *layer, *src;
    int64_t rows;
    const struct repro_rows *given;  /* input, dropout */
    int64_t ghost;                   /* norm: rows that share statistics */
    int mode;                        /* norm */
    int k;                           /* add: which source */
    float factor;                    /* add: what the source's diff is scaled by */
    int reversed;                    /* conv: diff of src by reversed taps */
};

/* body(pass, i, thread) for i of 0..count-1, on several threads where `floats` of simple work make that worth while. */
void net_parallel(const struct pass *pass, int64_t floats, int64_t count,
                  void (*body)(void *pass, int64_t i, int32_t thread));

/* Builds what the device needs for the graph; see backend.h. */
int32_t net_compile(struct repro_device *device, const struct repro_graph *graph, const struct repro_net_options *options,
                    struct repro_net **out, struct repro_error *err);
void net_free(struct repro_net *net);

/* The table's functions on a net; see backend.h. */
int32_t net_write(struct repro_net *net, int32_t arena, int64_t first, int64_t count, const float *values,
                  struct repro_error *err);
int32_t net_read(struct repro_net *net, int32_t arena, int64_t first, int64_t count, float *values,
                 struct repro_error *err);
int32_t net_zero(struct repro_net *net, struct repro_error *err);
int32_t net_forward(struct repro_net *net, const struct repro_rows *given, struct repro_error *err);
int32_t net_backward(struct repro_net *net, double scale, struct repro_error *err);
int32_t net_update(struct repro_net *net, const struct repro_step *given, struct repro_error *err);
int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err);
int32_t net_sync(struct repro_net *net, struct repro_error *err);

/* Copies a struct that begins with struct_size: min of both sizes, the rest zero. */
void copy_sized(void *to, size_t size, const void *from);

/* Fills *err and returns code. */
int32_t fail(struct repro_error *err, int32_t code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One layer's part of a pass over `rows` rows.  A backward adds parameter gradients to PARTIAL and writes diff of its sources. */
void conv_forward(struct repro_net *net, struct layer *layer, int64_t rows);
void conv_backward(struct repro_net *net, struct layer *layer, int64_t rows);
/* Floats of scratch that a thread needs for a convolution: columns, and the rows that im2col shifts. */
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
void loss_forward(struct repro_net *net, struct layer *layer, int64_t rows);
/* Writes scale * (softmax - onehot) into diff of the logits. */
void loss_backward(struct repro_net *net, struct layer *layer, int64_t rows, double scale);

#endif
