#include "data/resize.h"

#include "data/picture.h"

#include <math.h>
#include <string.h>

#define BITS 22
#define HALF (1 << (BITS - 1))
#define CHANNELS 3

/* gcc builds these loops once more for AVX2, whose multiplication of eight integers makes them four
 * times as fast; the bits are the same. */
#if defined __x86_64__ && defined __GNUC__ && !defined __clang__
#define VECTOR __attribute__((target_clones("avx2", "default")))
#else
#define VECTOR
#endif

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

/* Eight sums, or those of two pixels' bytes.  Weights add up to 2^22 but for their rounding, which
 * thousands of taps would need to make a sum of 256 or more. */
typedef int32_t sum8 __attribute__((vector_size(32)));
typedef uint16_t half8 __attribute__((vector_size(16)));
typedef uint8_t byte16 __attribute__((vector_size(16)));
typedef uint64_t long2 __attribute__((vector_size(16)));

/* Eight bytes, in a uint64_t as they lie in memory, as integers, and back.  By way of 16 bits,
 * since gcc takes byte after byte otherwise; macros, since a vector of that size is no argument
 * without AVX2. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the orders below are for that");
#define WITH_ZEROES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define LOWER_BYTES 0, 2, 4, 6, 8, 10, 12, 14, 16, 16, 16, 16, 16, 16, 16, 16
#define NOTHING ((byte16){0})
#define WIDEN(bytes)         \
    __builtin_convertvector( \
        (half8)__builtin_shufflevector((byte16)((long2){(bytes), 0}), NOTHING, WITH_ZEROES), sum8)
#define NARROW(sums)                                                                           \
    (((long2)__builtin_shufflevector((byte16) __builtin_convertvector((sums), half8), NOTHING, \
                                     LOWER_BYTES))[0])

/* A line of `to` pixels, CHANNELS bytes each. */
VECTOR
static void along_row(const struct axis *axis, const uint8_t *src, int to, uint8_t *dst)
{
    for (int i = 0; i < to; i++, dst += CHANNELS) {
        const int32_t *weight = axis->weight + (size_t)i * (size_t)axis->most;
        const uint8_t *pixel = src + (size_t)axis->tap[i].first * PICTURE_PIXEL;
        int count = axis->tap[i].count, t = 0;
        uint64_t eight;
        sum8 sum = {0};
        int32_t sums[CHANNELS];
        for (; t + 2 <= count; t += 2, pixel += 2 * PICTURE_PIXEL) {
            int32_t a = weight[t], b = weight[t + 1];
            memcpy(&eight, pixel, sizeof eight);
            sum += WIDEN(eight) * (sum8){a, a, a, a, b, b, b, b};
        }
        for (int c = 0; c < CHANNELS; c++)
            sums[c] = HALF + sum[c] + sum[c + PICTURE_PIXEL];
        if (t < count)
            for (int c = 0; c < CHANNELS; c++)
                sums[c] += pixel[c] * weight[t];
        for (int c = 0; c < CHANNELS; c++)
            dst[c] = (uint8_t)(sums[c] >> BITS);
    }
}

/* A line of `size` bytes, each a mean of the bytes above one another in `count` lines. */
VECTOR
static void along_column(const uint8_t *src, size_t size, const int32_t *weight, int count,
                         uint8_t *dst)
{
    size_t x = 0;
    for (; x + 8 <= size; x += 8) {
        sum8 sum = (sum8){0} + HALF;
        uint64_t eight;
        for (int t = 0; t < count; t++) {
            memcpy(&eight, src + (size_t)t * size + x, sizeof eight);
            sum += WIDEN(eight) * weight[t];
        }
        eight = NARROW(sum >> BITS);
        memcpy(dst + x, &eight, sizeof eight);
    }
    for (; x < size; x++) {
        int32_t sum = HALF;
        for (int t = 0; t < count; t++)
            sum += src[(size_t)t * size + x] * weight[t];
        dst[x] = (uint8_t)(sum >> BITS);
    }
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
        code = buffer_need(&resize->between, (size_t)height, line, err);
    if (code != 0)
        return code;
    uint8_t *between = resize->between.bytes;
    for (int y = 0; y < height; y++)
        along_row(&across, src + (size_t)y * stride, side, between + (size_t)y * line);
    for (int y = 0; y < side; y++, dst += line) {
        along_column(between + (size_t)down.tap[y].first * line, line,
                     down.weight + (size_t)y * (size_t)down.most, down.tap[y].count, dst);
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
