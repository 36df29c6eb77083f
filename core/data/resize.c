#include "data/resize.h"

#include "data/picture.h"

#include <math.h>

#define BITS 22
#define HALF (1 << (BITS - 1))
#define CHANNELS 3

/* The pixels that make one of the line's, and where their weights begin. */
struct tap {
    int first, count;
};

/* In a buffer: the reals of one pixel [most], taps [to], weights [to, most]. */
struct axis {
    struct tap *tap;
    int32_t *weight;
    int most;
};

static double triangle(double x)
{
    double distance = x < 0 ? -x : x;
    return distance < 1 ? 1 - distance : 0;
}

static int plan(struct buffer *buffer, int from, int to, int antialias, struct axis *axis,
                struct err *err)
{
    double scale = (double)from / to, wide = antialias && scale > 1 ? scale : 1;
    int most = 2 * (int)ceil(wide) + 1;
    size_t taps = (size_t)to * sizeof(struct tap), reals = (size_t)most * sizeof(double);
    int code = buffer_need(buffer, taps + reals + (size_t)to * (size_t)most * sizeof(int32_t), 1,
                           err);
    if (code != 0)
        return code;
    double *real = buffer->bytes;
    *axis = (struct axis){.tap = (struct tap *)(real + most), .most = most};
    axis->weight = (int32_t *)(axis->tap + to);
    for (int i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, sum = 0, unit = 1 / wide;
        int first = (int)(centre - wide + 0.5), end = (int)(centre + wide + 0.5);
        first = first < 0 ? 0 : first;
        end = end > from ? from : end;
        for (int t = 0; t < end - first; t++)
            sum += real[t] = triangle((t + first - centre + 0.5) * unit);
        for (int t = 0; t < end - first; t++)
            axis->weight[(size_t)i * (size_t)most + (size_t)t] = (int32_t)(0.5 + real[t] / sum *
                                                                                     (1 << BITS));
        axis->tap[i] = (struct tap){first, end - first};
    }
    return 0;
}

static uint8_t rounded(int32_t sum)
{
    int32_t value = sum >> BITS; /* not negative, since no weight is */
    return (uint8_t)(value > 255 ? 255 : value);
}

/* A line of `to` pixels, CHANNELS bytes each. */
static void along_row(const struct axis *axis, const uint8_t *src, int to, uint8_t *dst)
{
    for (int i = 0; i < to; i++, dst += CHANNELS) {
        const int32_t *weight = axis->weight + (size_t)i * (size_t)axis->most;
        const uint8_t *pixel = src + (size_t)axis->tap[i].first * PICTURE_PIXEL;
        int32_t red = HALF, green = HALF, blue = HALF;
        for (int t = 0; t < axis->tap[i].count; t++, pixel += PICTURE_PIXEL) {
            red += pixel[0] * weight[t];
            green += pixel[1] * weight[t];
            blue += pixel[2] * weight[t];
        }
        dst[0] = rounded(red);
        dst[1] = rounded(green);
        dst[2] = rounded(blue);
    }
}

/* A line of `size` bytes, each a mean of the bytes above one another in `count` lines. */
static void along_column(const uint8_t *src, size_t size, const int32_t *weight, int count,
                         int32_t *sums, uint8_t *dst)
{
    for (size_t x = 0; x < size; x++)
        sums[x] = HALF;
    for (int t = 0; t < count; t++, src += size)
        for (size_t x = 0; x < size; x++)
            sums[x] += src[x] * weight[t];
    for (size_t x = 0; x < size; x++)
        dst[x] = rounded(sums[x]);
}

static void mirror(uint8_t *line, int side)
{
    for (int x = 0, y = side - 1; x < y; x++, y--)
        for (int c = 0; c < CHANNELS; c++) {
            uint8_t swapped = line[x * CHANNELS + c];
            line[x * CHANNELS + c] = line[y * CHANNELS + c];
            line[y * CHANNELS + c] = swapped;
        }
}

int resize_to(struct resize *resize, const uint8_t *src, size_t stride, int width, int height,
              int side, int antialias, int flip, uint8_t *dst, struct err *err)
{
    struct axis across, down;
    size_t line = (size_t)side * CHANNELS;
    int code = plan(&resize->axis[0], width, side, antialias, &across, err);
    if (code == 0)
        code = plan(&resize->axis[1], height, side, antialias, &down, err);
    if (code == 0)
        code = buffer_need(&resize->between, (size_t)height + sizeof(int32_t), line, err);
    if (code != 0)
        return code;
    int32_t *sums = resize->between.bytes;
    uint8_t *between = (uint8_t *)(sums + line);
    for (int y = 0; y < height; y++)
        along_row(&across, src + (size_t)y * stride, side, between + (size_t)y * line);
    for (int y = 0; y < side; y++, dst += line) {
        along_column(between + (size_t)down.tap[y].first * line, line,
                     down.weight + (size_t)y * (size_t)down.most, down.tap[y].count, sums, dst);
        if (flip)
            mirror(dst, side);
    }
    return 0;
}

void resize_release(struct resize *resize)
{
    for (int i = 0; i < 2; i++)
        buffer_release(&resize->axis[i]);
    buffer_release(&resize->between);
    *resize = (struct resize){0};
}
