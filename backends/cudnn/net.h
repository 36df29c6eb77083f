/* net.h -- a network compiled for a GPU.
 *
 * One allocation holds everything: it is measured, made and dealt out once.  Activations are NHWC
 * of the net's type and share memory as lower.h says; PARAM, PARTIAL and the moments are f32 in
 * layout.h's order; with bf16 activations the convolutions read a bf16 copy of their weights,
 * written by the optimizer's own launch, and their gradients arrive in bf16 and are added to
 * PARTIAL in f32.
 *
 * Convolutions are built for a number of rows, so a network has a few sizes: one for micro, one for
 * each number that it was told to expect.  A call takes the smallest size that holds its rows;
 * the rows that fill it up are 0 on the way in and so are their gradients, and neither metrics nor
 * batch-norm sums see them. */
#ifndef CUDNN_NET_H
#define CUDNN_NET_H

#include "common/graph.h"
#include "common/plugin.h"
#include "device.h"
#include "dnn.h"
#include "driver.h"
#include "fork.h"
#include "history.h"
#include "kernels.h"
#include "launch.h"
#include "layout.h"
#include "lower.h"
#include "marks.h"
#include "queue.h"
#include "resident.h"
#include "timer.h"

#define NET_SIZES 12 /* at most; a number of rows beyond them takes the next larger size */
#define NET_STAGES 2 /* pinned host buffers: one is filled while the other's copy is under way */

/* A batch norm's own, [ghosts, channels] each. */
struct net_norm {
    float *mean, *inverse, *variance;
};

struct net_layer {
    const struct repro_node *node;
    const struct plugin_use *use;
    const struct lower_node *lowered;
    int type;         /* KERNEL_*, of dst and diff */
    int64_t elements; /* of a row of dst in memory: the image's are filled up */
    void *dst, *diff;
    uint16_t *winner;
    struct net_norm norm;
};

/* The convolutions for calls of so many rows. */
struct net_size {
    int64_t rows;
    int trains;                       /* whole ghosts; else it is for EVAL only */
    struct dnn_execution *executions; /* [count][DNN_DIRECTIONS] */
};

/* The last forward, for its backward. */
struct net_last {
    struct queue_command command;
    struct kernel_call *call; /* in the queue's block while nothing was flushed since */
    struct kernel_call contents;
    int64_t *image;   /* [micro] where a dropout asks for them */
    uint64_t flushes; /* of the queue, then */
};

/* Host memory that the GPU copies from. */
struct net_stage {
    uint8_t *pixels;
    int32_t *labels;
    cudaEvent_t copied;
};

/* What the command that is being run works with. */
struct net_run {
    const struct net_size *size;
    int64_t rows;
    const struct kernel_call *call; /* on the device, as the next two */
    const struct repro_crop *crops;
    const int64_t *image;
};

struct repro_net {
    struct repro_device *device;
    struct plugin_graph graph;
    struct layout layout;
    struct lower lower;
    int type; /* KERNEL_* */
    int32_t count;
    struct net_layer *layers;         /* [count] */
    struct net_size sizes[NET_SIZES]; /* by rows, the last is micro */
    int32_t size_count;
    int64_t input_channels; /* of the image in memory */
    int numbered;           /* a dropout asks for the rows' numbers */

    void *memory; /* the one allocation */
    int64_t bytes;
    char *activations;
    /* device order; partial has running_count more */
    float *param, *partial, *moment1, *moment2, *running;
    void *weights;                  /* what convolutions read: param, or the bf16 copy */
    void *grads;                    /* what convolutions write, [layout.conv_count] of type */
    float *canonical;               /* [param_count], on the way out or in */
    float *logits;                  /* [micro, classes] f32, on the way out */
    int32_t *map;                   /* layout.map on the device */
    struct kernel_metrics *metrics; /* behind partial, so that both are cleared at once */
    int64_t metrics_at;             /* bytes from partial on */
    uint8_t *pixels;                /* of the caller's rows */
    int32_t *given_labels;          /* theirs */
    int32_t *labels;                /* of the rows that are computed */
    float *slots;                   /* [options.slots], as PARTIAL */
    struct kernel_metrics *slot_metrics;
    int64_t *slot_rows;               /* on the host */
    void *workspace, *side_workspace; /* of the first stream, of the second */
    float *scratch, *slopes;
    double *sums;
    unsigned *tickets;
    int64_t workspace_bytes, side_workspace_bytes, scratch_count, unit_count, ticket_count;

    struct net_stage stages[NET_STAGES];
    int stage;
    int optimizer;              /* of the last update */
    int can_backward;           /* the last forward was TRAIN's and no backward came since */
    int64_t rows, counted_rows; /* of the last forward; since net_zero */
    struct net_last last;
    struct queue queue;
    struct net_run run;
    struct fork fork;
    struct history history;
    struct timer timer;
    struct marks marks;
};

/* ---- layers.c: one node's work, queued on the stream ---- */

int32_t layer_forward(struct repro_net *net, struct net_layer *layer, int mode,
                      struct repro_error *err);
int32_t layer_backward(struct repro_net *net, struct net_layer *layer, struct repro_error *err);

/* ---- sizes.c ---- */

/* The sizes that the options ask for; nothing is chosen yet. */
int32_t sizes_init(struct repro_net *net, struct repro_error *err);
void sizes_release(struct repro_net *net);
/* Raises the net's scratch to what a layer's column sums need at a size. */
void size_measure(struct repro_net *net, const struct net_size *size,
                  const struct net_layer *layer);
/* Chooses a convolution's executions; later, where its tensors lie. */
int32_t size_choose(struct repro_net *net, const struct net_size *size,
                    const struct net_layer *layer, struct repro_error *err);
int32_t size_bind(const struct repro_net *net, const struct net_size *size,
                  const struct net_layer *layer, struct repro_error *err);

/* ---- step.c: the queue's commands, for net->run ---- */

/* spared: the convolutions' gradients are about to be assigned. */
int32_t step_zero(struct repro_net *net, int spared, struct repro_error *err);
int32_t step_forward(struct repro_net *net, int mode, struct repro_error *err);
/* assign: the convolutions' gradients are PARTIAL's first. */
int32_t step_backward(struct repro_net *net, int assign, struct repro_error *err);
int32_t step_keep(struct repro_net *net, int32_t slot, struct repro_error *err);
int32_t step_join(struct repro_net *net, int32_t slot, struct repro_error *err);
int32_t step_update(struct repro_net *net, struct repro_error *err);

/* ---- flush.c ---- */

/* Queues what was noted on the device's stream. */
int32_t flush_queue(struct repro_net *net, struct repro_error *err);
/* Room for one more command, and for a call where `calls`; flushes when there is none. */
int32_t flush_room(struct repro_net *net, int calls, struct repro_error *err);

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
int32_t net_keep(struct repro_net *net, int32_t slot, struct repro_error *err);
int32_t net_join(struct repro_net *net, int32_t slot, struct repro_error *err);
int32_t net_history(struct repro_net *net, int64_t least, struct repro_history *history,
                    struct repro_error *err);
int32_t net_metrics(struct repro_net *net, struct repro_metrics *metrics, struct repro_error *err);
int32_t net_sync(struct repro_net *net, struct repro_error *err);
int32_t net_describe(struct repro_net *net, char *text, int64_t size, struct repro_error *err);
int32_t net_profile(struct repro_net *net, struct repro_profile *profile, struct repro_error *err);
int32_t net_bare(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                 struct repro_error *err);
int32_t net_mark(struct repro_net *net, struct repro_error *err);
int32_t net_marks(struct repro_net *net, double *seconds, int64_t capacity, int64_t *count,
                  struct repro_error *err);

#endif
