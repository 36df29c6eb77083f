/* winograd.h -- 3x3 convolutions of stride 1 and padding 1 by Winograd's minimal filtering, F(4x4,
 * 3x3), for processors with AVX2 and fused multiply-add.
 *
 * A tile of 4 x 4 outputs costs 36 multiplications where the definition has 144: Y = A^T [(G g G^T)
 * * (B^T d B)] A with the points 0, 1, -1, 2, -2 and infinity (Lavin & Gray, 2016).  The rounding
 * error is about ten times the direct convolution's.
 *
 * Tensors are nChw8c f32, weights OIHW; channels are multiples of 16.  Bits depend on the shape
 * and, for the weights' gradient, on the number of threads. */
#ifndef CPU_WINOGRAD_H
#define CPU_WINOGRAD_H

#include "cpu/winograd_shape.h"

/* 1 when this processor can, and when the shape's channels allow it. */
int winograd_can(int64_t src_channels, int64_t dst_channels);

/* Floats of transformed weights, and of scratch for forward and for weights. */
int64_t winograd_packed(const struct winograd *shape);
int64_t winograd_scratch(const struct winograd *shape);

/* packed = G g G^T of weights [dst_channels, src_channels, 3, 3].  flip: of the weights for
 * backward data, whose src_channels are the diff of dst: shape says it as that convolution sees it,
 * weights are [src_channels, dst_channels, 3, 3]. */
void winograd_pack(const struct winograd *shape, const float *weights, int flip, float *packed);

/* dst = conv(src) + add; add may be NULL or dst itself. */
void winograd_forward(const struct winograd *shape, const float *src, const float *packed,
                      const float *add, float *dst, float *scratch);

/* grad [dst_channels, src_channels, 3, 3] += correlation of src with diff of dst, summed over
 * rows. */
void winograd_weights(const struct winograd *shape, const float *src, const float *diff,
                      float *grad, float *scratch);

#endif
