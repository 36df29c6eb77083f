/* winograd_tiles.h -- tensors to tiles' points and back.
 *
 * A tile is 4 x 4 outputs of one row; tiles are counted row by row, down and across.  Points are
 * [point][tile][channel], `stride` floats from point to point. */
#ifndef CPU_WINOGRAD_TILES_H
#define CPU_WINOGRAD_TILES_H

#include "cpu/winograd_points.h"
#include "cpu/winograd_shape.h"

int64_t tiles_count(const struct winograd *s);

/* v = B^T d B of tiles first..first+count-1, channels from..from+channels-1 of src. */
void tiles_source(const struct winograd *s, const float *src, int64_t all_channels, int64_t from,
                  int64_t channels, int64_t first, int64_t count, int64_t stride, float *v);
/* e = G d G^T of the same of the diff of dst, 4 x 4 pixels as a filter of four taps. */
void tiles_diff(const struct winograd *s, const float *diff, int64_t from, int64_t channels,
                int64_t first, int64_t count, int64_t stride, float *e);
/* Products m[point][tile][WINOGRAD_PAIR] -> dst = A^T m A + add, 4 x 4 outputs of the pair's two
 * channel blocks from `channel` on; add may be NULL. */
void tiles_outputs(const struct winograd *s, const float *m, int64_t stride, int64_t first,
                   int64_t count, int64_t channel, const float *add, float *dst);

#endif
