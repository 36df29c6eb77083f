/* dnn.h -- convolutions by cuDNN's graph API: what one computes in one direction, ready to run.
 *
 * An execution is one of cuDNN's engines with its knobs, built for one convolution (its own word is
 * an execution plan).  engine.h builds them, choice.h says which one is taken; here it is given its
 * tensors and run. */
#ifndef CUDNN_DNN_H
#define CUDNN_DNN_H

#include "backend/backend.h"
#include "knobs.h"

#include <cudnn.h>

enum dnn_direction { DNN_FORWARD, DNN_DATA, DNN_WEIGHTS, DNN_DIRECTIONS };

/* The tensors' names, by which an execution is given its pointers. */
enum { DNN_ID_SRC = 1, DNN_ID_WEIGHTS, DNN_ID_DST };

/* A convolution: src [rows, channels, height, width], dst [rows, dst_...], both NHWC in memory,
 * weights [dst_channels, kernel_h, kernel_w, channels] in memory; all of one type. */
struct dnn_conv {
    int bf16;         /* else f32 */
    int tensor_cores; /* f32: tf32 products allowed */
    int64_t rows, channels, height, width, dst_channels, dst_height, dst_width;
    /* behind: what dst's size asks for */
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
};

struct dnn_execution {
    /* of the execution, NULL when there is none; of its pointers, set by dnn_bind() */
    cudnnBackendDescriptor_t descriptor, pack;
    int64_t workspace; /* bytes */
    int64_t engine;
    struct knobs knobs; /* where trials are made */
    int tuned;          /* chosen by trial */
    uint32_t notes;     /* bit k: numerical note k */
    int borrowed;       /* the descriptor is another's, see dnn_borrow() */
};

/* "f32", "tf32", "bf16" */
const char *dnn_precision(const struct dnn_conv *conv);

void dnn_release(struct dnn_execution *execution);
/* The same for other tensors of the same shape; *from must outlive it. */
void dnn_borrow(struct dnn_execution *execution, const struct dnn_execution *from);

/* The tensors of every later run: src or diff_src, weights or diff_weights, dst or diff_dst. */
int32_t dnn_bind(struct dnn_execution *execution, void *src, void *weights, void *dst,
                 void *workspace, struct repro_error *err);
int32_t dnn_run(const struct dnn_execution *execution, cudnnHandle_t handle,
                struct repro_error *err);

#endif
