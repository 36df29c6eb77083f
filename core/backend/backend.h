/* backend.h -- the contract between repro and the plugins that do its arithmetic.  ABI major 1,
 * minor 4.
 *
 * Purpose.  A backend compiles a whole network and then computes: forward, backward, one optimizer
 * step.  The core knows no vendor library and a backend knows no experiment; this header is all
 * that they share.  It includes only <stddef.h> and <stdint.h>, so a plugin can be built outside
 * this project from the installed copy.
 *
 * Entry.  A plugin exports exactly one symbol, whose name carries the major version:
 *
 *     int32_t repro_backend_v1(const struct repro_backend **out, struct repro_error *err);
 *
 * It does no work but hand out a table that lives as long as the process.
 *
 * Versions.  Appending a member to a struct, a function to the table, an op, a flag or a constant
 * is a minor; anything else is a major.  Every struct that can grow begins with struct_size, the
 * writer's sizeof; the receiver copies min(theirs, its own) bytes into zeroes, and zero means
 * default.  Arrays of structs carry the size of one element.  An op, flag, optimizer or precision
 * that the receiver does not know, and a reserved field that is not zero, is refused by name with
 * REPRO_UNSUPPORTED; it is never ignored.
 *
 * Across the line.  Fixed-width integers and IEEE floats only.  Pointers handed in are borrowed for
 * the call.  Nobody frees the other's memory.  A function that can fail returns 0 or a REPRO_* code
 * and then has filled *err with one sentence that names the subject and the mend.  A plugin does
 * not print, exit, abort, install signal handlers or work in constructors.
 *
 * Threading.  One host thread at a time per device and the nets compiled on it.
 *
 * Numbers.  Tensors are NCHW, weights OIHW, all f32 in the arenas.  "rows" are images.  Sums over
 * rows and every other reduction have a fixed order: the same calls on the same device give the
 * same bits.
 */
#ifndef REPRO_BACKEND_H
#define REPRO_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define REPRO_ABI_MAJOR 1
#define REPRO_ABI_MINOR 4
#define REPRO_ENTRY_NAME "repro_backend_v1"

/* ---- Errors ---------------------------------------------------------------------------------- */

#define REPRO_OK 0
#define REPRO_ARGUMENT 1    /* the caller broke this contract; a bug in the core */
#define REPRO_UNSUPPORTED 2 /* the backend cannot do this; another one may */
#define REPRO_MEMORY 3      /* out of host or device memory */
#define REPRO_DEVICE 4      /* no such device, or it failed */
#define REPRO_LIBRARY 5     /* the vendor library reported a failure */

/* Caller-owned; text is NUL-terminated UTF-8 without a newline. */
struct repro_error {
    int32_t code;
    char text[508];
};

/* ---- Networks -------------------------------------------------------------------------------- */

/* Ops.  src is the dst of node src[0] unless said otherwise; every node has one dst.
 *
 *   INPUT                 dst[n,c,y,x] = (pixel[n,y,x,c] - mean[c]) / deviation[c], pixel in 0..255
 *   CONV                  dst[n,o,y,x] = bias[o] + sum over i,u,v of
 *                             weights[o,i,u,v] *
 *                             src[n, i, y*stride_h + u - pad_top, x*stride_w + v - pad_left]
 *                         (cross-correlation; reads outside src are 0; bias only with
 *                         REPRO_NODE_BIAS)
 *   BATCH_NORM            dst = gamma[c] * (src - mean[c]) / sqrt(variance[c] + epsilon) + beta[c]
 *                         TRAIN: mean and biased variance of each ghost (ghost rows x H x W);
 *                         EVAL: the running ones.  REPRO_NODE_NO_GAMMA: gamma is 1, no parameter
 *   RELU                  dst = max(src, 0); its derivative at 0 is 0
 *   ADD                   dst = src[0] + scale * src[1]
 *   CONCAT                dst = the srcs behind each other along C
 *   MAX_POOL, AVG_POOL    over the kernel window; padding never wins (max) and is not counted (avg)
 *   GLOBAL_AVG_POOL       dst[n,c,0,0] = mean over H x W
 *   DROPOUT               TRAIN: an element is kept with probability 1 - scale and then divided by
 *                         1 - scale; EVAL: dst = src; kept where the Philox4x32-10 word
 *                         described at struct repro_rows says so
 *   DENSE                 dst[n,o] = bias[o] + sum over i of weights[o,i] * src[n,i], src flattened
 *                         as C,H,W
 *   SOFTMAX_CROSS_ENTROPY dst[n] = log(sum over j of exp(src[n,j])) - src[n,label[n]]; the
 *                         last node; src is OUTPUT.  REPRO_NODE_SMOOTHED, TRAIN: the cross-entropy
 *                         to labels smoothed by s = scale, 1 - s of onehot(label) and s of uniform,
 *                             dst[n] = log(sum over j of exp(src[n,j])) - (1 - s) src[n,label[n]]
 *                                 - s / classes * sum over j of src[n,j];
 *                         EVAL: as without
 */
#define REPRO_OP_INPUT 1
#define REPRO_OP_CONV 2
#define REPRO_OP_BATCH_NORM 3
#define REPRO_OP_RELU 4
#define REPRO_OP_ADD 5
#define REPRO_OP_CONCAT 6
#define REPRO_OP_MAX_POOL 7
#define REPRO_OP_AVG_POOL 8
#define REPRO_OP_GLOBAL_AVG_POOL 9
#define REPRO_OP_DROPOUT 10
#define REPRO_OP_DENSE 11
#define REPRO_OP_SOFTMAX_CROSS_ENTROPY 12
#define REPRO_OP_COUNT 12

#define REPRO_NODE_BIAS 1u /* CONV: adds a bias; DENSE always has one and carries the flag */
/* since 1.4 */
#define REPRO_NODE_NO_GAMMA 2u /* BATCH_NORM: no gamma */
#define REPRO_NODE_SMOOTHED 4u /* SOFTMAX_CROSS_ENTROPY: smoothed labels */
#define REPRO_NODE_FLAGS 7u    /* all flags of this minor */

#define REPRO_SRC_MAX 8
#define REPRO_CHANNEL_MAX 4 /* channels of the input image */

/* One node.  Shapes and offsets are inferred by the core; a backend may trust them.  Offsets count
 * floats in the arena named; -1 where the node has no such tensor. */
struct repro_node {
    int32_t op;
    uint32_t flags;
    int32_t src_count;
    int32_t src[REPRO_SRC_MAX];      /* node indices, each smaller than this node's own */
    int32_t channels, height, width; /* dst, per row */
    int32_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t pad_top, pad_left, pad_bottom, pad_right;
    /* ADD: factor of src[1]; DROPOUT: probability that an element is dropped; with
     * REPRO_NODE_SMOOTHED: the uniform part of the labels, 0 <= s < 1; else 0 */
    float scale;
    float epsilon;   /* BATCH_NORM: added to the variance; else 0 */
    int64_t weights; /* PARAM: CONV OIHW, DENSE OI, BATCH_NORM gamma[C] where it has one */
    int64_t bias;    /* PARAM: CONV and DENSE bias[O], BATCH_NORM beta[C] */
    int64_t running; /* RUNNING: BATCH_NORM mean[C] then variance[C] */
};

struct repro_graph {
    uint32_t struct_size;
    uint32_t node_size; /* sizeof(struct repro_node) of the writer */
    /* Topological order; nodes[0] is INPUT, the last SOFTMAX_CROSS_ENTROPY, every other one a
     * source of a later one. */
    const struct repro_node *nodes;
    int32_t node_count;
    int32_t classes;
    int32_t channels, height, width; /* of one input image */
    int32_t reserved;
    int64_t param_count, running_count; /* floats in PARAM and RUNNING */
    /* of the pixels, on their scale of 0..255 */
    float mean[REPRO_CHANNEL_MAX], deviation[REPRO_CHANNEL_MAX];
};

/* ---- Arenas ---------------------------------------------------------------------------------- */

/* Flat and canonical, the same for every backend: a checkpoint, a comparison of two backends and an
 * all-reduce are each one read, one sum or one write.
 *   PARAM    param_count       the master copy, f32 at any precision
 *   PARTIAL  param_count + running_count
 *                              gradients in PARAM's layout, then batch-norm sums in RUNNING's
 *   MOMENT1  param_count       momentum: the accumulation A; Adam: m
 *   MOMENT2  param_count       Adam: v
 *   RUNNING  running_count     running batch-norm statistics
 *   OUTPUT   rows x classes    logits of the last forward; read only */
#define REPRO_ARENA_PARAM 1
#define REPRO_ARENA_PARTIAL 2
#define REPRO_ARENA_MOMENT1 3
#define REPRO_ARENA_MOMENT2 4
#define REPRO_ARENA_RUNNING 5
#define REPRO_ARENA_OUTPUT 6

/* ---- Devices --------------------------------------------------------------------------------- */

#define REPRO_PRECISION_F32 1
#define REPRO_PRECISION_TF32 2
#define REPRO_PRECISION_BF16 3

struct repro_device; /* the backend's own */
struct repro_net;    /* the backend's own */

/* device options' flags, since 1.2 */
/* algorithms whose bits differ from run to run are allowed; caps.algorithms says so */
#define REPRO_DEVICE_NONDETERMINISTIC 1u
/* 1.3: of the algorithms that the rule allows, the fastest by trial: see plans */
#define REPRO_DEVICE_TUNED 2u
#define REPRO_DEVICE_FLAGS 3u /* all flags of this minor */

struct repro_device_options {
    uint32_t struct_size;
    int32_t threads; /* CPU threads; 0: the backend chooses from the cores it may use */
    int32_t ordinal; /* which device, from 0 */
    int32_t reserved;
    uint32_t flags; /* 1.2: REPRO_DEVICE_* */
    uint32_t reserved_1_3;
    /* 1.3, with REPRO_DEVICE_TUNED: the file that keeps what was found fastest, by device, library
     * and shape.  What stands there is used as it is, so that choices repeat; what is tried for the
     * first time is added.  Its folder exists. */
    const char *plans;
};

/* caps.flags */
#define REPRO_CAPS_ANY_THREADS 1u /* the thread count changes no bit of any result */

/* What an open device is and can do.  Bit k of a mask stands for constant k. */
struct repro_caps {
    uint32_t struct_size;
    int32_t threads;
    uint32_t ops, precisions, optimizers;
    uint32_t flags;
    int64_t memory;    /* bytes of device memory; 0: the host's */
    char device[128];  /* "AMD EPYC 7003", "NVIDIA H100" */
    char library[128]; /* vendor library and its run-time version */
    /* 1.1: the rule by which it chooses between algorithms whose bits differ, in a few words;
     * empty: nothing to choose. Part of a run's identity. */
    char algorithms[128];
    /* 1.4: bytes of the device's memory that its networks and data sets hold at the moment of the
     * call, its library's own not counted; 0: not told */
    int64_t held;
    /* 1.4: the precisions at which that rule is known to choose much slower algorithms than
     * REPRO_DEVICE_TUNED, without which the device was opened; and what was measured, in a few
     * words for people */
    uint32_t slow_precisions;
    uint32_t reserved_1_4;
    char slow[128];
};

struct repro_net_options {
    uint32_t struct_size;
    int32_t precision;
    int32_t micro; /* largest number of rows of one forward call; a multiple of ghost */
    int32_t ghost; /* rows that share batch-norm statistics in TRAIN */
    int32_t slots; /* 1.3: sums that net_keep() may hold, numbered from 0 */
    /* 1.3, a hint: the rows of forward calls to come, besides micro, for a backend that compiles
     * for a number of rows. */
    int32_t count_count;
    const int32_t *counts; /* [count_count], 1..micro */
};

/* ---- A data set on the device, since 1.3 ----------------------------------------------------- */

struct repro_resident; /* the backend's own */

struct repro_images {
    uint32_t struct_size;
    int32_t channels, height, width;
    int64_t count;
    const uint8_t *pixels; /* [count, height, width, channels] */
    const int32_t *labels; /* [count], from 0 */
};

/* One row of a resident data set: pixel (y, x) of the row is pixel (m(top + y, height), m(left +
 * x', width)) of image `image`, x' = flip ? width - 1 - x : x, where m mirrors a coordinate into
 * 0..size-1 about the first and the last pixel, neither of which is repeated: m(-1) = 1, m(size) =
 * size - 2, as often as it takes.  All zero but image: the image as it is. */
struct repro_crop {
    int32_t image;
    int8_t top, left;
    uint8_t flip; /* 0 or 1 */
    uint8_t reserved;
};

/* ---- One training step ----------------------------------------------------------------------- */

#define REPRO_MODE_TRAIN 1
#define REPRO_MODE_EVAL 2

/* The rows of one forward call.  TRAIN: a whole number of ghosts, at most micro; EVAL: 1..micro.
 *
 * Dropout keeps element e (its index in C,H,W) of row r iff word e%4 of Philox4x32-10 with key
 * (seed low, seed high) and counter (e/4, image[r] low, epoch, node << 8 | purpose 5), read as u32
 * and times 2^-32, is not below the node's rate. */
struct repro_rows {
    uint32_t struct_size;
    int32_t mode;
    int64_t count;
    const uint8_t *pixels; /* [count, height, width, channels] */
    const int32_t *labels; /* [count], 0..classes-1 */
    /* [count], index of the image in its data set; NULL where the graph has no dropout */
    const int64_t *image;
    uint64_t seed;
    uint32_t epoch;
    uint32_t reserved;
    /* 1.3: the rows are crops of a resident data set; pixels and labels are NULL then.  The crops
     * are copied by the call. */
    const struct repro_resident *data;
    const struct repro_crop *crops; /* [count] */
};

/* Optimizers.  g = PARTIAL gradient + weight_decay * w; with REPRO_STEP_DECAY_WEIGHTS so for the
 * weights of CONV and DENSE alone, and g = PARTIAL gradient for every bias, gamma and beta.  All in
 * f32, scalars computed in double and rounded once.
 *
 *   SGD       w <- w - lr g
 *   MOMENTUM  A <- momentum A + g;  w <- w - lr A                 the paper's eqs. (6), (7) with
 *             the sign put right
 *   NESTEROV  A <- momentum A + g;  w <- w - lr (g + momentum A)  A after its own update
 *   ADAM      m <- beta1 m + (1 - beta1) g;  v <- beta2 v + (1 - beta2) g^2
 *             w <- w - lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + epsilon)    epsilon
 *                 outside the correction
 *
 * Running statistics: running <- keep * running + (1 - keep) * (batch-norm sums / ghosts). */
/* step.flags */
#define REPRO_STEP_RECORD 1u        /* 1.3: see net_history */
#define REPRO_STEP_DECAY_WEIGHTS 2u /* 1.4: weight decay on weights alone */
#define REPRO_STEP_FLAGS 3u         /* all flags of this minor */

#define REPRO_OPTIMIZER_SGD 1
#define REPRO_OPTIMIZER_MOMENTUM 2
#define REPRO_OPTIMIZER_NESTEROV 3
#define REPRO_OPTIMIZER_ADAM 4

struct repro_step {
    uint32_t struct_size;
    int32_t optimizer;
    double lr, momentum, beta1, beta2, epsilon;
    double weight_decay;
    int64_t update; /* t, from 1 */
    double keep;    /* rho^n for n ghosts in the update, 0..1 */
    int64_t ghosts; /* n */
    uint32_t flags; /* 1.3: REPRO_STEP_* */
    uint32_t reserved;
};

/* Sums over the rows of every forward since net_zero. */
struct repro_metrics {
    uint32_t struct_size;
    int32_t reserved;
    double loss; /* cross-entropy, in nats */
    /* rows whose largest logit is the label's; the first of equals counts as the largest */
    int64_t correct;
    int64_t rows;
};

/* The metrics of recorded updates, in their order.  Since 1.3. */
#define REPRO_HISTORY 64 /* most updates that are recorded and not read yet */
struct repro_history {
    uint32_t struct_size;
    int32_t count; /* records below */
    double loss[REPRO_HISTORY];
    int64_t correct[REPRO_HISTORY], rows[REPRO_HISTORY];
};

/* Seconds spent per op kind, indexed by REPRO_OP_*.  Fused work counts under the op whose node does
 * it.  Since 1.1. */
#define REPRO_PROFILE_OPS 32
struct repro_profile {
    uint32_t struct_size;
    int32_t reserved;
    double forward[REPRO_PROFILE_OPS], backward[REPRO_PROFILE_OPS];
    double reorder; /* copies between layouts, whatever op asked for them */
    double update;
    /* 1.3, 0 where a backend does not count them: bytes of device memory that the work must read
     * and write at least, each tensor once a sweep over it; and the kernels that were queued, a
     * vendor library's own counted where it can be told. */
    double forward_bytes[REPRO_PROFILE_OPS], backward_bytes[REPRO_PROFILE_OPS];
    double reorder_bytes, update_bytes;
    int64_t launches;
};

/* What a device reaches when it does one thing alone, measured by the call.  Since 1.3. */
struct repro_rates {
    uint32_t struct_size;
    int32_t reserved;
    /* of a large matrix product, multiplications and additions counted, per second */
    double flops;
    double bytes; /* of a large copy within its memory, read and written counted, per second */
};

#define REPRO_MARKS 1024 /* marks not read yet */

/* ---- The table ------------------------------------------------------------------------------- */

/* Functions of minor 0 are required, later ones may be NULL.  Outputs are written on success only,
 * but for *err. */
struct repro_backend {
    uint32_t struct_size;
    uint32_t abi_minor;        /* the header's minor it was built with */
    uint32_t abi_minor_needed; /* the oldest host minor it works with */
    uint32_t reserved;
    const char *name;    /* "openblas": lower case, letters, digits, '-' */
    const char *version; /* the plugin's own */

    /* Opens a device.  Compares the vendor library's compile-time and run-time versions.
     * REPRO_DEVICE when there is none, with the reason. */
    int32_t (*device_open)(const struct repro_device_options *options, struct repro_device **out,
                           struct repro_error *err);
    /* NULL is legal.  Every net compiled on it is freed before. */
    void (*device_close)(struct repro_device *device);
    /* Fills caps; caps->struct_size is set by the caller. */
    int32_t (*device_caps)(struct repro_device *device, struct repro_caps *caps,
                           struct repro_error *err);

    /* Compiles a network: copies the graph, allocates all that later calls need.  Every float of
     * every arena is 0, RUNNING's variances among them; OUTPUT has no rows before the first
     * forward.  No later call allocates.  A device holds any number of networks, which share
     * nothing but the device: their calls may come in any order. */
    int32_t (*net_compile)(struct repro_device *device, const struct repro_graph *graph,
                           const struct repro_net_options *options, struct repro_net **out,
                           struct repro_error *err);
    /* NULL is legal. */
    void (*net_free)(struct repro_net *net);

    /* Copies count floats from (read) or to (write) an arena, beginning at float first, in
     * canonical layout.  OUTPUT cannot be written.  REPRO_ARGUMENT when the range does not lie
     * within the arena. */
    int32_t (*net_write)(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                         const float *values, struct repro_error *err);
    int32_t (*net_read)(struct repro_net *net, int32_t arena, int64_t first, int64_t count,
                        float *values, struct repro_error *err);

    /* Starts a group: PARTIAL and the metrics become zero. */
    int32_t (*net_zero)(struct repro_net *net, struct repro_error *err);
    /* Computes the logits, loss and correct answers of the rows and adds the latter two to the
     * metrics.  TRAIN keeps what backward needs and changes no RUNNING value. */
    int32_t (*net_forward)(struct repro_net *net, const struct repro_rows *rows,
                           struct repro_error *err);
    /* After a TRAIN forward, once: PARTIAL gradients += scale * d(sum of the rows' losses)/dw, and
     * PARTIAL batch-norm sums += each ghost's mean and biased variance, unscaled.  scale is 1/B, so
     * a batch's groups add up to the mean. */
    int32_t (*net_backward)(struct repro_net *net, double scale, struct repro_error *err);
    /* One optimizer step from PARTIAL, in one sweep over memory, and the fold of the batch-norm
     * sums into RUNNING. */
    int32_t (*net_update)(struct repro_net *net, const struct repro_step *step,
                          struct repro_error *err);
    /* Waits for the forwards and fills metrics; metrics->struct_size is set by the caller. */
    int32_t (*net_metrics)(struct repro_net *net, struct repro_metrics *metrics,
                           struct repro_error *err);
    /* Waits until all work is done; returns the first failure of any call before. */
    int32_t (*net_sync)(struct repro_net *net, struct repro_error *err);

    /* ---- 1.1, optional ---- */

    /* Writes one line per node for which an algorithm or a layout was chosen, each ended by a
     * newline; at most size bytes with the NUL, cut at a line's end. */
    int32_t (*net_describe)(struct repro_net *net, char *text, int64_t size,
                            struct repro_error *err);
    /* Fills profile with the seconds spent since the call before and begins anew; before the first
     * call nothing is timed. profile->struct_size is set by the caller. */
    int32_t (*net_profile)(struct repro_net *net, struct repro_profile *profile,
                           struct repro_error *err);
    /* The limit that the nodes of kind op set: runs the vendor kernels of each by themselves,
     * forward, backward data and backward weights as a TRAIN step of micro rows has them, each
     * `repeats` times, and returns the sum of the best times in seconds.  What the activations hold
     * afterwards is undefined; the arenas but PARTIAL and OUTPUT are untouched. */
    int32_t (*net_bare)(struct repro_net *net, int32_t op, int32_t repeats, double *seconds,
                        struct repro_error *err);

    /* ---- 1.3, optional, each group whole or not at all ---- */

    /* Keeps a data set on the device, for rows of every net there; everything is copied.
     * data_free: NULL is legal; no call that names it is under way or comes later. */
    int32_t (*data_put)(struct repro_device *device, const struct repro_images *images,
                        struct repro_resident **out, struct repro_error *err);
    void (*data_free)(struct repro_resident *data);

    /* The sums of groups, added up where they are.  keep: slot = PARTIAL and its metrics.  join:
     * PARTIAL = slot + PARTIAL, each float and each metric by one addition with the slot's on the
     * left.  Slots are net_options.slots many. */
    int32_t (*net_keep)(struct repro_net *net, int32_t slot, struct repro_error *err);
    int32_t (*net_join)(struct repro_net *net, int32_t slot, struct repro_error *err);

    /* Training without waiting.  An update whose step says REPRO_STEP_RECORD ends with a record of
     * the metrics: their sums since net_zero, joined ones among them.  Where its loss is no finite
     * number neither it nor any later recorded update changes PARAM, the moments or RUNNING, until
     * PARAM is written.  net_history waits until at least `least` of the records that it has not
     * returned yet are there, and returns those that are, the oldest first; history->struct_size is
     * set by the caller.  A recorded update finds room for its record: at most REPRO_HISTORY are
     * unread. */
    int32_t (*net_history)(struct repro_net *net, int64_t least, struct repro_history *history,
                           struct repro_error *err);

    /* The device's rates at a precision; takes a second or less and up to 1 GiB, given back. */
    int32_t (*device_rates)(struct repro_device *device, int32_t precision,
                            struct repro_rates *rates, struct repro_error *err);

    /* The device's own clock.  mark: a mark behind all that is queued.  marks: waits, fills
     * seconds[0..*count-1], at most capacity of them, with the moments of the marks since the
     * first, and forgets all of them. */
    int32_t (*net_mark)(struct repro_net *net, struct repro_error *err);
    int32_t (*net_marks)(struct repro_net *net, double *seconds, int64_t capacity, int64_t *count,
                         struct repro_error *err);
};

typedef int32_t repro_entry(const struct repro_backend **out, struct repro_error *err);

/* Change list
 *   1.0  first
 *   1.1  caps.algorithms; net_describe, net_profile, net_bare, all optional
 *   1.2  device_options.flags, with REPRO_DEVICE_NONDETERMINISTIC
 *   1.3  data_put, data_free, rows.data and rows.crops; net_keep, net_join and net_options.slots;
 *        net_history with step.flags;
 *        net_options.counts; REPRO_DEVICE_TUNED and device_options.plans; device_rates; net_mark,
 *            net_marks; bytes and launches
 *        in the profile; all optional
 *   1.4  REPRO_NODE_NO_GAMMA, REPRO_NODE_SMOOTHED, REPRO_STEP_DECAY_WEIGHTS; caps.held;
 *            caps.slow_precisions with caps.slow */

#ifdef __cplusplus
}
#endif
#endif
