/* kernels.h -- the GPU kernels that no library has, as C functions that launch them.
 *
 * Activations are NHWC, of type KERNEL_F32 or KERNEL_BF16; statistics, parameters and sums are f32
 * or wider.  Every function queues its work on the stream and returns the launch's status.  All
 * sums have a fixed order, no atomic adds to a float: the same call gives the same bits.  `add`:
 * dst += result, else dst = result.
 */
#ifndef CUDNN_KERNELS_H
#define CUDNN_KERNELS_H

#include "backend/backend.h"
#include "launch.h"

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KERNEL_F32 0
#define KERNEL_BF16 1

/* Bytes of an element. */
static inline int kernel_bytes(int type)
{
    return type == KERNEL_BF16 ? 2 : 4;
}

/* The scalars of struct repro_step, rounded once on the host; formulas there. */
struct kernel_step {
    int32_t optimizer;
    uint32_t flags;
    float lr, momentum, decay, beta1, beta2, rest1, rest2, epsilon;
    float keep, rest;
};

/* What differs from call to call of the same work.  It lies in device memory when the work runs, so
 * that the work itself can be queued once and repeated. */
struct kernel_call {
    const uint8_t *pixels; /* [., height, width, channels], which the crops index */
    const int32_t *labels;
    uint64_t seed; /* dropout */
    uint32_t epoch;
    int32_t record; /* a recorded update's place in the history */
    double scale;   /* backward */
    struct kernel_step step;
};

/* dst [all, height, width, padded] = (pixel - mean[c]) / deviation[c] of the rows' crops, and the
 * rows' labels; rows behind `rows` up to `all`, and channels behind `channels`, get 0. */
struct kernel_input {
    int type;
    int64_t rows, all;
    int32_t height, width, channels, padded;
    float mean[REPRO_CHANNEL_MAX], deviation[REPRO_CHANNEL_MAX];
    const struct kernel_call *call;
    const struct repro_crop *crops; /* [rows] */
    void *dst;
    int32_t *labels; /* [rows] */
};
cudaError_t kernel_input(const struct kernel_input *work, cudaStream_t stream);

/* ---- norm.cu: batch norm of all ghosts of a micro at once ---- */

/* x, y, dy, dx are [ghosts, pixels, channels], pixels being those of all rows of a ghost.  Every
 * pointer but the four sums into PARTIAL is 16 byte aligned. */
struct kernel_norm {
    int type;
    int relu;                    /* y = max(., 0), and dy is cut accordingly */
    struct launch_columns shape; /* launch_columns' */
    float epsilon;
    const void *x;
    void *y;
    /* of a sum, unless sum is NULL: whoever reads x first, statistics or an apply by running
     * statistics, writes sum = a + scale b, as kernel_add does, and takes it for x.  sum lies on
     * neither a nor b; the others read it as x. */
    const void *a, *b;
    float scale;
    void *sum;
    const float *gamma, *beta; /* [channels]; gamma NULL: 1 */
    float *mean, *inverse,
        /* [ghosts, channels]: written by statistics, inverse = 1/sqrt(variance + epsilon) */
        *variance;
    float *scratch;    /* [launch_scratch] */
    double *sums;      /* [ghosts, 2, channels] */
    float *slopes;     /* [ghosts, 2, channels] */
    unsigned *tickets; /* [(ghosts + 1) * tiles], 0 between calls */
    /* backward */
    /* the first so many ghosts are rows of the caller's, the rest fill the micro */
    int64_t counted;
    const void *dy;
    void *dx; /* NULL: its source wants no gradient */
    int add;
    float *grad_gamma, *grad_beta;  /* [channels], +=; grad_gamma NULL: none */
    float *sum_mean, *sum_variance; /* [channels], += each ghost's statistics */
};
/* Mean, biased variance and its inverse root of each ghost's channel, about the ghost's first
 * pixel; one launch. A sum's bits, and those of its statistics, are the same as kernel_add's
 * followed by statistics of x. */
cudaError_t kernel_norm_statistics(const struct kernel_norm *work, cudaStream_t stream);
/* y = gamma (x - mean) inverse + beta; one launch.  running: mean and variance are [channels], used
 * for every pixel. */
cudaError_t kernel_norm_apply(const struct kernel_norm *work, const float *running,
                              cudaStream_t stream);
/* Sums of dy and dy (x - mean), the gradients of gamma and beta, the batch-norm sums; one launch.
 * Then dx; one launch.
 */
cudaError_t kernel_norm_backward(const struct kernel_norm *work, cudaStream_t stream);

/* grad[c] += sum over pixels of dy[., c]; shape: of one ghost; scratch and tickets as above. */
cudaError_t kernel_bias_gradient(int type, const struct launch_columns *shape, const void *dy,
                                 float *scratch, unsigned *tickets, float *grad,
                                 cudaStream_t stream);

/* ---- pointwise.cu ---- */

cudaError_t kernel_relu(int type, int64_t count, const void *x, void *y, cudaStream_t stream);
cudaError_t kernel_relu_backward(int type, int64_t count, const void *y, const void *dy, void *dx,
                                 int add, cudaStream_t stream);
/* y = a + scale b */
cudaError_t kernel_add(int type, int64_t count, const void *a, const void *b, float scale, void *y,
                       cudaStream_t stream);
/* y (+)= scale x */
cudaError_t kernel_scale(int type, int64_t count, const void *x, float scale, void *y, int add,
                         cudaStream_t stream);
/* y[p, first + c] = x[p, c], y having `channels` channels; back: x[p, c] (+)= y[p, first + c]. */
cudaError_t kernel_concat(int type, int64_t pixels, int64_t x_channels, int64_t channels,
                          int64_t first, const void *x, void *y, cudaStream_t stream);
cudaError_t kernel_concat_backward(int type, int64_t pixels, int64_t x_channels, int64_t channels,
                                   int64_t first, const void *y, void *x, int add,
                                   cudaStream_t stream);
cudaError_t kernel_bias(int type, int64_t pixels, int64_t channels, const float *bias, void *y,
                        cudaStream_t stream);
/* y (+)= kept ? x / (1 - rate) : 0; which are kept is said at struct repro_rows.  Rows from `rows`
 * on get 0. */
struct kernel_dropout {
    int type;
    int64_t rows, all, channels, plane;
    const struct kernel_call *call;
    const int64_t *image; /* [rows] on the device */
    uint32_t stream_word; /* node << 8 | purpose */
    float rate;
    const void *x;
    void *y;
    int add;
};
cudaError_t kernel_dropout(const struct kernel_dropout *work, cudaStream_t stream);
/* sum[i] (+)= (float)x[i] */
cudaError_t kernel_accumulate(int type, int64_t count, const void *x, float *sum, int add,
                              cudaStream_t stream);

/* ---- pool.cu ---- */

struct kernel_pool {
    int type;
    int64_t rows, channels;
    int32_t src_height, src_width, height, width; /* of dst */
    int32_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
    const void *x;
    void *y;
    uint16_t *winner; /* max: the tap that won, of kernel_h * kernel_w */
    const void *dy;
    void *dx;
    int add;
};
cudaError_t kernel_max_pool(const struct kernel_pool *work, cudaStream_t stream);
cudaError_t kernel_max_pool_backward(const struct kernel_pool *work, cudaStream_t stream);
cudaError_t kernel_avg_pool(const struct kernel_pool *work, cudaStream_t stream);
cudaError_t kernel_avg_pool_backward(const struct kernel_pool *work, cudaStream_t stream);
/* y[n, c] = mean over the plane; back: dx[n, p, c] (+)= dy[n, c] / plane. */
cudaError_t kernel_mean(int type, int64_t rows, int64_t plane, int64_t channels, const void *x,
                        void *y, cudaStream_t stream);
cudaError_t kernel_mean_backward(int type, int64_t rows, int64_t plane, int64_t channels,
                                 const void *dy, void *dx, int add, cudaStream_t stream);

/* ---- head.cu ---- */

/* y [rows, out] = bias + x [rows, in] weights^T [out, in]; weights and bias f32, x of type, y of
 * y_type. */
struct kernel_dense {
    int type, y_type;
    int64_t rows, in, out;
    const float *weights, *bias;
    const void *x;
    void *y;
    const void *dy;
    void *dx; /* NULL: none wanted */
    int add;
    float *grad_weights, *grad_bias; /* += */
};
cudaError_t kernel_dense(const struct kernel_dense *work, cudaStream_t stream);
cudaError_t kernel_dense_backward(const struct kernel_dense *work, cudaStream_t stream);

/* What net_metrics reads back. */
struct kernel_metrics {
    double loss;
    int64_t correct;
    int64_t halted; /* a recorded update met a loss that is no finite number */
};
/* Of it, what net_zero clears and a record holds. */
#define KERNEL_METRICS_SUMS offsetof(struct kernel_metrics, halted)
/* Softmax cross-entropy to labels of which the part `smoothing` is uniform. */
struct kernel_loss {
    int type;
    int64_t rows, all, classes; /* all: rows of diff, those from `rows` on get 0 */
    float smoothing;
    const void *logits;
    const int32_t *labels;
    struct kernel_metrics *metrics;
    const struct kernel_call *call;
    void *diff;
};
/* Adds the rows' cross-entropy and correct answers to metrics; in double, one block. */
cudaError_t kernel_loss(const struct kernel_loss *work, cudaStream_t stream);
/* diff = call->scale (softmax - (1 - smoothing) onehot - smoothing / classes). */
cudaError_t kernel_loss_backward(const struct kernel_loss *work, cudaStream_t stream);
/* f32 copy of logits */
cudaError_t kernel_to_float(int type, int64_t count, const void *x, float *y, cudaStream_t stream);

/* ---- update.cu ---- */

/* One optimizer step by call->step.  A recorded one writes metrics to records[call->record] and
 * does nothing else once a loss was no finite number. */
struct kernel_update {
    const struct kernel_call *call;
    struct kernel_metrics *metrics;
    struct kernel_metrics *records; /* host memory that the device reaches */
    int64_t count;                  /* floats of PARAM on the device */
    int64_t weight_count;           /* of them, from 0 on, what REPRO_STEP_DECAY_WEIGHTS decays */
    const float *grad;
    float *param, *moment1, *moment2;
    int64_t copy_count; /* the first so many parameters are copied to `copy` in bf16; 0: none */
    void *copy;
    int64_t running_count;
    const float *sums;
    float *running;
};
cudaError_t kernel_update(const struct kernel_update *work, cudaStream_t stream);
/* sums[i] = slot[i] + sums[i], and the metrics likewise. */
cudaError_t kernel_join(int64_t count, const float *slot, float *sums,
                        const struct kernel_metrics *slot_metrics, struct kernel_metrics *metrics,
                        cudaStream_t stream);
/* bf16 copy of f32 */
cudaError_t kernel_to_bf16(int64_t count, const float *x, void *y, cudaStream_t stream);
/* canonical[i] = device[map[i]], or the reverse. */
cudaError_t kernel_gather(int64_t count, const int32_t *map, const float *device, float *canonical,
                          cudaStream_t stream);
cudaError_t kernel_scatter(int64_t count, const int32_t *map, const float *canonical, float *device,
                           cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif
