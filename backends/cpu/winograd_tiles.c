#include "cpu/winograd_tiles.h"

#if WINOGRAD_CAN

struct place {
    int64_t row, y, x; /* first output */
};

static int64_t across(int64_t outputs_across)
{
    return (outputs_across + WINOGRAD_TILE - 1) / WINOGRAD_TILE;
}

int64_t tiles_count(const struct winograd *s)
{
    return s->rows * across(s->height) * across(s->width);
}

static struct place place_of(const struct winograd *s, int64_t tile)
{
    int64_t wide = across(s->width), high = across(s->height);
    return (struct place){tile / (wide * high), tile / wide % high * WINOGRAD_TILE,
                          tile % wide * WINOGRAD_TILE};
}

/* The size x size pixels from (y, x) on of one channel block, zero outside, transformed along both
 * axes by `points`. */
WINOGRAD_INLINE void load_tile(const float *plane, const struct winograd *s, int64_t y, int64_t x,
                               int size, __m256 t[WINOGRAD_POINTS])
{
    __m256 line[6], along[WINOGRAD_POINTS];
    int left = x < 0 ? (int)-x : 0, right = (int)winograd_least(size, s->width - x);
    for (int i = 0; i < size; i++) {
        int inside = y + i >= 0 && y + i < s->height;
        const float *from = plane + ((y + i) * s->width + x) * WINOGRAD_BLOCK;
        WINOGRAD_UNROLLED
        for (int j = 0; j < size; j++)
            line[j] = inside && j >= left && j < right ? _mm256_loadu_ps(from + j * WINOGRAD_BLOCK)
                                                       : _mm256_setzero_ps();
        if (size == 6)
            source_points(line, along + i, 6);
        else
            filter_points(line, 4, along + i, 6);
    }
    for (int j = 0; j < 6; j++)
        if (size == 6)
            source_points(along + 6 * j, t + j, 6);
        else
            filter_points(along + 6 * j, 4, t + j, 6);
}

WINOGRAD_VECTOR
void tiles_source(const struct winograd *s, const float *src, int64_t all_channels, int64_t from,
                  int64_t channels, int64_t first, int64_t count, int64_t stride, float *v)
{
    int64_t plane = s->height * s->width * WINOGRAD_BLOCK;
    __m256 t[WINOGRAD_POINTS];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        for (int64_t c = 0; c < channels; c += WINOGRAD_BLOCK) {
            load_tile(src +
                          (p.row * (all_channels / WINOGRAD_BLOCK) + (from + c) / WINOGRAD_BLOCK) *
                              plane,
                      s, p.y - 1, p.x - 1, 6, t);
            for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
                _mm256_storeu_ps(v + k * stride + i * channels + c, t[k]);
        }
    }
}

WINOGRAD_VECTOR
void tiles_diff(const struct winograd *s, const float *diff, int64_t from, int64_t channels,
                int64_t first, int64_t count, int64_t stride, float *e)
{
    int64_t plane = s->height * s->width * WINOGRAD_BLOCK;
    __m256 t[WINOGRAD_POINTS];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        for (int64_t c = 0; c < channels; c += WINOGRAD_BLOCK) {
            load_tile(
                diff + (p.row * (s->dst_channels / WINOGRAD_BLOCK) + (from + c) / WINOGRAD_BLOCK) *
                           plane,
                s, p.y, p.x, WINOGRAD_TILE, t);
            for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
                _mm256_storeu_ps(e + k * stride + i * channels + c, t[k]);
        }
    }
}

WINOGRAD_VECTOR
void tiles_outputs(const struct winograd *s, const float *m, int64_t stride, int64_t first,
                   int64_t count, int64_t channel, const float *add, float *dst)
{
    int64_t plane = s->height * s->width * WINOGRAD_BLOCK;
    __m256 t[WINOGRAD_POINTS], along[6 * WINOGRAD_TILE], y[WINOGRAD_TILE];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        int64_t down = winograd_least(WINOGRAD_TILE, s->height - p.y),
                across = winograd_least(WINOGRAD_TILE, s->width - p.x);
        for (int64_t half = 0; half < WINOGRAD_PAIR; half += WINOGRAD_BLOCK) {
            for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
                t[k] = _mm256_loadu_ps(m + k * stride + i * WINOGRAD_PAIR + half);
            for (int j = 0; j < 6; j++)
                outputs(t + j, 6, WINOGRAD_TILE, along + j, 6);
            int64_t at = (p.row * (s->dst_channels / WINOGRAD_BLOCK) +
                          (channel + half) / WINOGRAD_BLOCK) *
                             plane +
                         (p.y * s->width + p.x) * WINOGRAD_BLOCK;
            for (int64_t r = 0; r < down; r++, at += s->width * WINOGRAD_BLOCK) {
                outputs(along + 6 * r, 1, WINOGRAD_TILE, y, 1);
                for (int64_t j = 0; j < across; j++) {
                    __m256 value = add == NULL
                                       ? y[j]
                                       : _mm256_add_ps(
                                             y[j], _mm256_loadu_ps(add + at + j * WINOGRAD_BLOCK));
                    _mm256_storeu_ps(dst + at + j * WINOGRAD_BLOCK, value);
                }
            }
        }
    }
}

#endif
