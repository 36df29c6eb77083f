/* net.h -- a network as this plugin keeps it: oneDNN's convolutions, pools and dense layers in
 * layouts that the library chooses, and our own kernels between them.
 *
 * Layout.  A tensor is [rows, padded / block, height, width, block]: block 1 is NCHW, 8 and 16 are
 * nChw8c and nChw16c, block = channels is NHWC.  Channels from `channels` to `padded` are zero.
 * Elements are f32 or bf16.
 *
 * Rows.  Primitives are compiled for a whole micro, so every pass computes one: rows that a call
 * does not bring are zero on the way in and have zero gradients on the way back.
 *
 * Bits.  Own reductions have a fixed order; the library's depend on the number of threads, which
 * belongs to a run's identity. */
#ifndef ONEDNN_NET_H
#define ONEDNN_NET_H

#include "api.h"
#include "backend/backend.h"
#include "cpu/arenas.h"
#include "cpu/device.h"
#include "common/graph.h"
#include "cpu/profile.h"
#include "cpu/winograd.h"

struct repro_device {
    int32_t threads;
    char name[128];
    char library[128];
    int winograd;     /* the library has it on this processor */
    int own_winograd; /* it has not, and ours is faster than its direct convolution */
    int bf16;         /* the library computes in it on this processor */
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

/* The number of threads is the calling thread's; set before each pass. */
void device_threads(const struct repro_device *device);

/* One primitive with all its arguments. */
#define CALL_ARGS 7
struct call {
    dnnl_primitive_t primitive;
    int count;
    dnnl_exec_arg_t args[CALL_ARGS];
};

struct tensor {
    int64_t block, padded;
    int64_t row; /* elements of one row, padding included */
    dnnl_data_type_t type;
    dnnl_format_tag_t tag;
    struct md md; /* of micro rows */
};

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

/* What is freed with the net. */
struct owned {
    void **items;
    int64_t count, room;
};

struct repro_net {
    struct repro_device *device;
    struct plugin_graph graph;
    struct cpu_arenas arenas;
    struct cpu_profile profile;
    struct layer *layers;
    int32_t count;
    int32_t micro, ghost, lanes;
    struct owned buffers, memories, primitives;
    struct owned scratch_users; /* memories that share the scratchpad */
    size_t scratch_bytes;
    void *scratch;
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

static inline size_t element_size(const struct tensor *tensor)
{
    return tensor->type == dnnl_bf16 ? 2 : sizeof(float);
}

/* Offset within a row, in elements, of channel c of pixel 0; the next pixel is tensor->block
 * further. */
static inline int64_t channel_at(const struct tensor *tensor, int64_t plane, int64_t c)
{
    return c / tensor->block * tensor->block * plane + c % tensor->block;
}

/* body(pass, i, thread) for i of 0..count-1, on several threads where `elements` of simple work
 * make that worth while.
 */
struct pass;
void net_parallel(const struct pass *pass, int64_t elements, int64_t count,
                  void (*body)(void *pass, int64_t i, int32_t thread));

/* What the body of a parallel loop needs to know of its pass; unused members are zero. */
struct pass {
    struct repro_net *net;
    struct layer *layer, *src;
    const struct repro_rows *given;
    int k; /* which source */
    float factor;
    int assign;
    int64_t first; /* concat: channel of dst where src begins */
};

/* ---- library.c: oneDNN's objects, owned by the net ---- */

/* Fills *err from a status; `what` names what was attempted.  0 for success. */
int32_t library_check(dnnl_status_t status, const char *what, struct repro_error *err);
/* Zeroed memory of the net; NULL: out of memory, and *err says so. */
void *library_buffer(struct repro_net *net, int64_t count, size_t size, struct repro_error *err);
/* A primitive of pd, which is destroyed here in any case; its scratchpad is the net's. */
int32_t library_call(struct repro_net *net, struct call *call, dnnl_primitive_desc_t pd,
                     struct repro_error *err);
/* Adds an argument: a memory of descriptor md over data. */
int32_t library_argument(struct repro_net *net, struct call *call, int argument,
                         const struct md *md, void *data, struct repro_error *err);
/* The same, of the descriptor that pd asks for at `what`; *data NULL: a new buffer, handed out in
 * *data. */
int32_t library_wanted(struct repro_net *net, struct call *call, int argument,
                       const_dnnl_primitive_desc_t pd, dnnl_query_t what, void **data,
                       struct repro_error *err);
/* A copy between two descriptors; add: dst += src. */
int32_t library_reorder(struct repro_net *net, struct call *call, const struct md *src, void *from,
                        const struct md *dst, void *to, int add, struct repro_error *err);
/* Attributes: user scratchpad and, where other is not NULL, dst = result + other by a binary add,
 * or, in_place, by dst += result. */
int32_t library_attributes(dnnl_primitive_attr_t *attr, const struct md *other, int in_place,
                           struct repro_error *err);
/* Gives every primitive its scratchpad; once, after the last library_call(). */
int32_t library_scratchpad(struct repro_net *net, struct repro_error *err);
int32_t library_run(struct repro_net *net, const struct call *call, struct repro_error *err);
void library_release(struct repro_net *net);

/* ---- layout.c ---- */

/* Makes the tensor of a node in one of the known layouts. */
int32_t tensor_init(struct tensor *tensor, const struct repro_net *net,
                    const struct repro_node *node, dnnl_format_tag_t tag, dnnl_data_type_t type,
                    struct repro_error *err);
/* The layout of a descriptor for the node's shape; dnnl_format_tag_undef when it is none of the
 * known ones. */
dnnl_format_tag_t tensor_tag(const struct repro_net *net, const struct repro_node *node,
                             dnnl_data_type_t type, md_pointer md);
const char *tensor_layout(const struct tensor *tensor);
/* A node's window over its source.  The rows and columns behind are those that the last window
 * reads, which may be fewer than the node's padding. */
void window_of(const struct repro_node *node, const struct repro_node *src, struct window *w);

/* ---- the layers ---- */

/* Chooses layouts and implementations of forward; the tensors of the sources are known, dst's is
 * set here. */
int32_t conv_layout(struct repro_net *net, struct layer *layer, struct repro_error *err);
/* Whether it can add `other` to its dst with the implementation it has anyway. */
int conv_can_add(struct repro_net *net, const struct layer *layer, const struct layer *other,
                 int in_place);
/* Makes the primitives; all buffers are known. */
int32_t conv_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_pack(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t conv_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);
/* Sum of the best times of its three primitives, each by itself. */
int32_t conv_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds,
                  struct repro_error *err);

/* Our own Winograd: whether the layer is for it, and the layer's passes.  Weights adds to PARTIAL,
 * data to diff of src where it is not the first to write it. */
int own_can(const struct repro_net *net, const struct layer *layer);
int32_t own_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void own_pack(struct repro_net *net, struct layer *layer);
void own_forward(struct repro_net *net, struct layer *layer);
void own_weights(struct repro_net *net, struct layer *layer);
void own_data(struct repro_net *net, struct layer *layer);
void own_bare(struct repro_net *net, struct layer *layer, int32_t repeats, double *seconds);

int32_t pool_layout(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t pool_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);

int32_t dense_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t dense_forward(struct repro_net *net, struct layer *layer, struct repro_error *err);
int32_t dense_backward(struct repro_net *net, struct layer *layer, struct repro_error *err);

int32_t norm_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void norm_forward(struct repro_net *net, struct layer *layer, int32_t mode);
void norm_backward(struct repro_net *net, struct layer *layer, int64_t rows);

int32_t input_compile(struct repro_net *net, struct layer *layer, struct repro_error *err);
void input_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void relu_forward(struct repro_net *net, struct layer *layer);
void relu_backward(struct repro_net *net, struct layer *layer);
void add_forward(struct repro_net *net, struct layer *layer);
void add_backward(struct repro_net *net, struct layer *layer);
void concat_forward(struct repro_net *net, struct layer *layer);
void concat_backward(struct repro_net *net, struct layer *layer);
void mean_forward(struct repro_net *net, struct layer *layer); /* GLOBAL_AVG_POOL */
void mean_backward(struct repro_net *net, struct layer *layer);
void dropout_forward(struct repro_net *net, struct layer *layer, const struct repro_rows *rows);
void dropout_backward(struct repro_net *net, struct layer *layer);
/* diff of src += the net's spare buffer. */
void spare_add(struct repro_net *net, struct layer *src);

/* ---- The table's functions on a net; see backend.h ---- */

int32_t net_compile(struct repro_device *device, const struct repro_graph *graph,
                    const struct repro_net_options *options, struct repro_net **out,
                    struct repro_error *err);
void net_free(struct repro_net *net);
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
int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err);
int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err);
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err);

#endif
