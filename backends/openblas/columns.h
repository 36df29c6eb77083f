/* columns.h -- an image's windows side by side, so that a convolution is a matrix product. */
#ifndef OPENBLAS_COLUMNS_H
#define OPENBLAS_COLUMNS_H

#include <stdint.h>

/* What is read: planes of height x width, and where the window of output (0, 0) begins. */
struct columns_view {
    const float *planes;
    int64_t channels, height, width;
    int64_t kernel_h, kernel_w, stride_h, stride_w, top, left;
    int64_t out_width;
};

/* columns [K, rows * out_width] for output rows first..first+rows-1, K = channels * kernel_h *
 * kernel_w.  shifted: [(rows + kernel_h), out_width] of scratch with stride 1. */
void columns_gather(const struct columns_view *view, int64_t first, int64_t rows, float *columns,
                    float *shifted);
/* The reverse: adds columns into the planes. */
void columns_scatter(const struct columns_view *view, int64_t first, int64_t rows,
                     const float *columns, float *planes);

#endif
