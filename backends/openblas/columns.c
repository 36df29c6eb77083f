#include "columns.h"

#include <string.h>

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* One output row of one tap: dst[x] = src[x * stride + shift], zero outside. */
static inline void tap_row(const float *restrict src, int64_t width, int64_t stride, int64_t shift,
                           int64_t count, float *restrict dst)
{
    int64_t begin = shift < 0 ? (-shift + stride - 1) / stride : 0;
    int64_t end = width > shift ? (width - shift + stride - 1) / stride : 0;
    begin = clamp(begin, 0, count);
    end = clamp(end, begin, count);
    for (int64_t x = 0; x < begin; x++)
        dst[x] = 0.0f;
    if (stride == 1)
        memcpy(dst + begin, src + begin + shift, (size_t)(end - begin) * sizeof *dst);
    else
        for (int64_t x = begin; x < end; x++)
            dst[x] = src[x * stride + shift];
    for (int64_t x = end; x < count; x++)
        dst[x] = 0.0f;
}

/* One row of one tap, zero where it lies outside the plane. */
static inline void plane_row(const struct columns_view *view, const float *plane, int64_t at,
                             int64_t shift, float *dst)
{
    if (at < 0 || at >= view->height)
        memset(dst, 0, (size_t)view->out_width * sizeof *dst);
    else
        tap_row(plane + at * view->width, view->width, view->stride_w, shift, view->out_width, dst);
}

/* With stride 1 the taps of one column of the kernel read the same rows, each one further down:
 * they are shifted once and copied from there in one piece. */
void columns_gather(const struct columns_view *view, int64_t first, int64_t rows, float *columns,
                    float *shifted)
{
    int64_t count = view->out_width, size = rows * count;
    for (int64_t c = 0; c < view->channels; c++) {
        const float *plane = view->planes + c * view->height * view->width;
        for (int64_t v = 0; v < view->kernel_w; v++) {
            float *to = columns + (c * view->kernel_h * view->kernel_w + v) * size;
            for (int64_t i = 0; view->stride_h == 1 && i < rows + view->kernel_h - 1; i++)
                plane_row(view, plane, first + i - view->top, v - view->left, shifted + i * count);
            for (int64_t u = 0; u < view->kernel_h; u++, to += view->kernel_w * size) {
                if (view->stride_h == 1)
                    memcpy(to, shifted + u * count, (size_t)size * sizeof *to);
                for (int64_t y = 0; view->stride_h != 1 && y < rows; y++)
                    plane_row(view, plane, (first + y) * view->stride_h + u - view->top,
                              v - view->left, to + y * count);
            }
        }
    }
}

void columns_scatter(const struct columns_view *view, int64_t first, int64_t rows,
                     const float *columns, float *planes)
{
    for (int64_t c = 0; c < view->channels; c++) {
        float *plane = planes + c * view->height * view->width;
        for (int64_t u = 0; u < view->kernel_h; u++) {
            for (int64_t v = 0; v < view->kernel_w; v++) {
                for (int64_t y = first; y < first + rows; y++, columns += view->out_width) {
                    int64_t at = y * view->stride_h + u - view->top;
                    if (at < 0 || at >= view->height)
                        continue;
                    float *row = plane + at * view->width;
                    for (int64_t x = 0; x < view->out_width; x++) {
                        int64_t column = x * view->stride_w + v - view->left;
                        if (column >= 0 && column < view->width)
                            row[column] += columns[x];
                    }
                }
            }
        }
    }
}
