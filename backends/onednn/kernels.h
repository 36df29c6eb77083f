/* kernels.h -- our own loops over activations, for every element type and layout.
 *
 * A channel kernel takes `width` neighbouring channels of one row at a time: their pixels lie
 * `stride` elements apart, and per-channel numbers are [width].  A flat kernel takes elements as
 * they lie.  All arithmetic is f32, without fused multiply-add; sums are f32 in a fixed order
 * within one row's plane and double beyond it. */
#ifndef ONEDNN_KERNELS_H
#define ONEDNN_KERNELS_H

#include <stdint.h>

/* Per-channel numbers of a batch norm: y = gain * (x - mean) + shift. */
struct affine {
    const float *mean, *gain, *shift;
};

struct kernels {
    /* sum += sum of x; squares += sum of x^2, in double, from the plane's own mean so that nothing
     * cancels in f32. */
    void (*sums)(const void *x, int64_t stride, int64_t count, double *sum, double *squares);
    /* y = gain * (x - mean) + shift; max(y, 0) if relu. */
    void (*apply)(const void *x, int64_t stride, int64_t count, const struct affine *by, int relu,
                  void *y);
    /* With d = diff, 0 where relu and y <= 0: first += sum of d, second += sum of d * (x -
     * mean). */
    void (*moments)(const void *x, const void *diff, int64_t stride, int64_t count,
                    const struct affine *by, int relu, double *first, double *second);
    /* to (+)= gain * (d - offset - slope * (x - mean)); to may be diff. */
    void (*gradient)(const void *x, const void *diff, int64_t stride, int64_t count,
                     const struct affine *by, const float *offset, const float *slope, int relu,
                     int assign, void *to);
    /* to (+)= factor * from, between two layouts. */
    void (*move)(const void *from, int64_t from_stride, int64_t count, float factor, int assign,
                 void *to, int64_t to_stride);
    /* to (+)= value. */
    void (*fill)(const float *value, int64_t stride, int64_t count, int assign, void *to);

    /* One channel, whatever the width. */
    void (*input)(const uint8_t *pixels, int64_t step, const float *table, int64_t count, void *to,
                  int64_t stride);
    void (*drop)(const void *from, const uint8_t *kept, int64_t stride, int64_t count, float factor,
                 int assign, void *to);
    void (*flatten)(const void *from, int64_t stride, int64_t count, float *to);
    void (*unflatten)(const float *from, int64_t stride, int64_t count, int assign, void *to);

    /* Flat. */
    void (*add)(const void *a, const void *b, int64_t count, float scale, void *y);
    void (*accumulate)(const void *from, int64_t count, float factor, int assign, void *to);
    void (*relu)(const void *x, int64_t count, void *y);
    void (*relu_gradient)(const void *y, const void *diff, int64_t count, int assign, void *to);
};

extern const struct kernels kernels_f32_8, kernels_f32_1, kernels_bf16_8, kernels_bf16_1;

#endif
