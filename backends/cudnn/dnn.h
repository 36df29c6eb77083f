/* dnn.h -- convolutions by cuDNN's graph API: one plan per layer and direction, chosen once by a
 * written rule.
 *
 * The rule: of the engines that cuDNN's heuristics propose for the shape, the first that is
 * deterministic (unless others are allowed), keeps its inputs' and its sums' precision, uses no
 * tensor cores where strict f32 is wanted, no Winograd and no FFT, fits the workspace limit, and
 * can be built.  Nothing is timed, so the choice repeats on the same device and libraries.  With a
 * tuner (tune.h) it is not the first of them but the fastest by trial, once.
 *
 * A plan can be made without a GPU, for a described device; the tests do. */
#ifndef CUDNN_DNN_H
#define CUDNN_DNN_H

#include "backend/backend.h"
#include "knobs.h"

#include <cudnn.h>

#define DNN_WORKSPACE_MAX ((int64_t)1 << 30) /* bytes */

struct tuner;

/* What plans are made for: a device through its handle, or a described one (cuDNN 9.8 and
 * later). */
struct dnn_target {
    cudnnHandle_t handle; /* NULL: see properties */
    cudnnBackendDescriptor_t properties;
    int nondeterministic;
    const struct tuner *tuner; /* NULL: the first; else needs the handle */
};

enum dnn_direction { DNN_FORWARD, DNN_DATA, DNN_WEIGHTS, DNN_DIRECTIONS };

/* A convolution: src [rows, channels, height, width], dst [rows, dst_...], both NHWC in memory,
 * weights [dst_channels, kernel_h, kernel_w, channels] in memory; all of one type. */
struct dnn_conv {
    int bf16;         /* else f32 */
    int tensor_cores; /* f32: tf32 products allowed */
    int64_t rows, channels, height, width, dst_channels, dst_height, dst_width;
    /* behind: what dst's size asks for */
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
};

struct dnn_plan {
    cudnnBackendDescriptor_t plan, pack; /* pack: the pointers, set by dnn_plan_bind() */
    int64_t workspace;                   /* bytes */
    int64_t engine;
    struct knobs knobs; /* of a tuned plan */
    int tuned;
    uint32_t notes; /* bit k: numerical note k */
    int borrowed;   /* the plan is another's, see dnn_plan_borrow() */
};

/* "f32", "tf32", "bf16" */
const char *dnn_precision(const struct dnn_conv *conv);

/* add: FORWARD and DATA, result is added to what is there.  REPRO_UNSUPPORTED, naming the shape,
 * when no engine passes the rule. */
int32_t dnn_plan_init(struct dnn_plan *plan, const struct dnn_target *target,
                      const struct dnn_conv *conv, enum dnn_direction direction, int add,
                      struct repro_error *err);
void dnn_plan_release(struct dnn_plan *plan);
/* The same plan for other tensors of the same shape; *from must outlive it. */
void dnn_plan_borrow(struct dnn_plan *plan, const struct dnn_plan *from);

/* The tensors of every later run: src or diff_src, weights or diff_weights, dst or diff_dst. */
int32_t dnn_plan_bind(struct dnn_plan *plan, void *src, void *weights, void *dst, void *workspace,
                      struct repro_error *err);
int32_t dnn_plan_run(const struct dnn_plan *plan, cudnnHandle_t handle, struct repro_error *err);

/* A described device for dnn_target.properties from cuDNN's JSON; REPRO_UNSUPPORTED before cuDNN
 * 9.8. */
int32_t dnn_describe_device(const char *json, cudnnBackendDescriptor_t *properties,
                            struct repro_error *err);

#endif
