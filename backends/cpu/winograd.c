/* Each thread takes a block of tiles through all three stages, so that the transformed tiles never
 * leave its second-level cache: the stages one after the other over all tiles would move nine times
 * the tensor through memory. The weights' gradient is a Winograd form too, F(3x3, 4x4): the tiles
 * of the diff are the filter, and what is summed over tiles are the products. */
#include "cpu/winograd.h"

#include "cpu/parallel.h"

#define POINTS 36          /* 6 x 6 products of a tile */
#define TILE 4             /* outputs of a tile, each way */
#define BLOCK 8            /* channels of the layout's blocks */
#define PAIR 16            /* channels of a micro-kernel: two registers */
#define ROWS 6             /* rows of a micro-kernel: twelve accumulators */
#define CACHE_FLOATS 65000 /* transformed source tiles of a block: half of a half-megabyte cache */
/* floats between points, so that they do not fall on the same cache lines */
#define SKEW 16
#define GRAD_CHANNELS 64 /* weights' gradient: channels of a piece, of src and of dst */
#define GRAD_TILES 64    /* its tiles at a time */

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

#define VECTOR __attribute__((target("avx2,fma")))
/* Registers have no index: these loops must be gone, at any -O. */
#define UNROLLED _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline, target("avx2,fma")))

int winograd_can(int64_t src_channels, int64_t dst_channels)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           src_channels % PAIR == 0 && dst_channels % PAIR == 0;
}

INLINE __m256 scaled(float factor, __m256 x)
{
    return _mm256_mul_ps(_mm256_set1_ps(factor), x);
}

/* a + factor * x */
INLINE __m256 plus(__m256 a, float factor, __m256 x)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(factor), x, a);
}

/* ---- One-dimensional transforms: rows of B^T, G and A^T, on every `step`-th vector ---- */

/* B^T: 6 -> 6 */
INLINE void source_points(const __m256 d[6], __m256 *t, int step)
{
    __m256 even = plus(d[4], -4.0f, d[2]), odd = plus(d[3], -4.0f, d[1]);
    __m256 near = _mm256_sub_ps(d[4], d[2]), far = scaled(2.0f, _mm256_sub_ps(d[3], d[1]));
    t[0] = plus(plus(d[4], -5.0f, d[2]), 4.0f, d[0]);
    t[step] = _mm256_add_ps(even, odd);
    t[2 * step] = _mm256_sub_ps(even, odd);
    t[3 * step] = _mm256_add_ps(near, far);
    t[4 * step] = _mm256_sub_ps(near, far);
    t[5 * step] = plus(plus(d[5], -5.0f, d[3]), 4.0f, d[1]);
}

/* G of four taps: 4 -> 6; of three where e[3] is left out. */
INLINE void filter_points(const __m256 *e, int taps, __m256 *t, int step)
{
    __m256 even = _mm256_add_ps(e[0], e[2]), odd = taps == 4 ? _mm256_add_ps(e[1], e[3]) : e[1];
    __m256 even2 = plus(e[0], 4.0f, e[2]), odd2 = scaled(2.0f, e[1]);
    if (taps == 4)
        odd2 = plus(odd2, 8.0f, e[3]);
    t[0] = scaled(0.25f, e[0]);
    t[step] = scaled(-1.0f / 6, _mm256_add_ps(even, odd));
    t[2 * step] = scaled(-1.0f / 6, _mm256_sub_ps(even, odd));
    t[3 * step] = scaled(1.0f / 24, _mm256_add_ps(even2, odd2));
    t[4 * step] = scaled(1.0f / 24, _mm256_sub_ps(even2, odd2));
    t[5 * step] = e[taps - 1];
}

/* A^T: 6 -> count, 4 or 3 */
INLINE void outputs(const __m256 *m, int from_step, int count, __m256 *y, int step)
{
    __m256 m0 = m[0], m1 = m[from_step], m2 = m[2 * from_step], m3 = m[3 * from_step],
           m4 = m[4 * from_step];
    __m256 m5 = m[5 * from_step];
    __m256 sum1 = _mm256_add_ps(m1, m2), gap1 = _mm256_sub_ps(m1, m2);
    __m256 sum2 = _mm256_add_ps(m3, m4), gap2 = _mm256_sub_ps(m3, m4);
    y[0] = _mm256_add_ps(_mm256_add_ps(m0, sum1), sum2);
    y[step] = plus(gap1, 2.0f, gap2);
    if (count == 4) {
        y[2 * step] = plus(sum1, 4.0f, sum2);
        y[3 * step] = _mm256_add_ps(plus(gap1, 8.0f, gap2), m5);
    } else {
        y[2 * step] = _mm256_add_ps(plus(sum1, 4.0f, sum2), m5);
    }
}

/* ---- Tiles ---- */

struct place {
    int64_t row, y, x; /* first output */
};

static int64_t tiles_across(int64_t outputs_across)
{
    return (outputs_across + TILE - 1) / TILE;
}

static int64_t tile_count(const struct winograd *s)
{
    return s->rows * tiles_across(s->height) * tiles_across(s->width);
}

static struct place place_of(const struct winograd *s, int64_t tile)
{
    int64_t across = tiles_across(s->width), down = tiles_across(s->height);
    return (struct place){tile / (across * down), tile / across % down * TILE,
                          tile % across * TILE};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The size x size pixels from (y, x) on of one channel block, zero outside, transformed along both
 * axes by `points`. */
INLINE void load_tile(const float *plane, const struct winograd *s, int64_t y, int64_t x, int size,
                      __m256 t[POINTS])
{
    __m256 line[6], along[POINTS];
    int left = x < 0 ? (int)-x : 0, right = (int)least(size, s->width - x);
    for (int i = 0; i < size; i++) {
        int inside = y + i >= 0 && y + i < s->height;
        const float *from = plane + ((y + i) * s->width + x) * BLOCK;
        UNROLLED
        for (int j = 0; j < size; j++)
            line[j] = inside && j >= left && j < right ? _mm256_loadu_ps(from + j * BLOCK)
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

/* Tiles first..first+count-1, channels from..from+channels-1: v[point][tile][channel], points
 * `stride` apart. */
VECTOR
static void transform_source(const struct winograd *s, const float *src, int64_t all_channels,
                             int64_t from, int64_t channels, int64_t first, int64_t count,
                             int64_t stride, float *v)
{
    int64_t plane = s->height * s->width * BLOCK;
    __m256 t[POINTS];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        for (int64_t c = 0; c < channels; c += BLOCK) {
            load_tile(src + (p.row * (all_channels / BLOCK) + (from + c) / BLOCK) * plane, s,
                      p.y - 1, p.x - 1, 6, t);
            for (int64_t k = 0; k < POINTS; k++)
                _mm256_storeu_ps(v + k * stride + i * channels + c, t[k]);
        }
    }
}

VECTOR
static void transform_diff(const struct winograd *s, const float *diff, int64_t from,
                           int64_t channels, int64_t first, int64_t count, int64_t stride, float *e)
{
    int64_t plane = s->height * s->width * BLOCK;
    __m256 t[POINTS];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        for (int64_t c = 0; c < channels; c += BLOCK) {
            load_tile(diff + (p.row * (s->dst_channels / BLOCK) + (from + c) / BLOCK) * plane, s,
                      p.y, p.x, TILE, t);
            for (int64_t k = 0; k < POINTS; k++)
                _mm256_storeu_ps(e + k * stride + i * channels + c, t[k]);
        }
    }
}

/* Products m[point][tile][PAIR] -> 4 x 4 outputs of the pair's two channel blocks. */
VECTOR
static void store_outputs(const struct winograd *s, const float *m, int64_t stride, int64_t first,
                          int64_t count, int64_t channel, const float *add, float *dst)
{
    int64_t plane = s->height * s->width * BLOCK;
    __m256 t[POINTS], along[6 * TILE], y[TILE];
    for (int64_t i = 0; i < count; i++) {
        struct place p = place_of(s, first + i);
        int64_t down = least(TILE, s->height - p.y), across = least(TILE, s->width - p.x);
        for (int64_t half = 0; half < PAIR; half += BLOCK) {
            for (int64_t k = 0; k < POINTS; k++)
                t[k] = _mm256_loadu_ps(m + k * stride + i * PAIR + half);
            for (int j = 0; j < 6; j++)
                outputs(t + j, 6, TILE, along + j, 6);
            int64_t at = (p.row * (s->dst_channels / BLOCK) + (channel + half) / BLOCK) * plane +
                         (p.y * s->width + p.x) * BLOCK;
            for (int64_t r = 0; r < down; r++, at += s->width * BLOCK) {
                outputs(along + 6 * r, 1, TILE, y, 1);
                for (int64_t j = 0; j < across; j++) {
                    __m256 value = add == NULL
                                       ? y[j]
                                       : _mm256_add_ps(y[j], _mm256_loadu_ps(add + at + j * BLOCK));
                    _mm256_storeu_ps(dst + at + j * BLOCK, value);
                }
            }
        }
    }
}

/* ---- Products: c[row][PAIR] (+)= sum over k of a[k * a_step + row * a_row] * b[k * b_step +
 * 0..PAIR-1] */

INLINE void multiply(int rows, const float *a, int64_t a_step, int64_t a_row, const float *b,
                     int64_t b_step, int64_t depth, float *c, int64_t c_row, int add)
{
    __m256 low[ROWS], high[ROWS];
    UNROLLED
    for (int r = 0; r < rows; r++) {
        low[r] = add ? _mm256_loadu_ps(c + r * c_row) : _mm256_setzero_ps();
        high[r] = add ? _mm256_loadu_ps(c + r * c_row + BLOCK) : _mm256_setzero_ps();
    }
    for (int64_t k = 0; k < depth; k++) {
        __m256 left = _mm256_loadu_ps(b + k * b_step),
               right = _mm256_loadu_ps(b + k * b_step + BLOCK);
        UNROLLED
        for (int r = 0; r < rows; r++) {
            __m256 factor = _mm256_broadcast_ss(a + k * a_step + r * a_row);
            low[r] = _mm256_fmadd_ps(factor, left, low[r]);
            high[r] = _mm256_fmadd_ps(factor, right, high[r]);
        }
    }
    UNROLLED
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_ps(c + r * c_row, low[r]);
        _mm256_storeu_ps(c + r * c_row + BLOCK, high[r]);
    }
}

/* Any number of rows. */
VECTOR
static void multiply_rows(int64_t rows, const float *a, int64_t a_step, int64_t a_row,
                          const float *b, int64_t b_step, int64_t depth, float *c, int64_t c_row,
                          int add)
{
    for (; rows >= ROWS; rows -= ROWS, a += ROWS * a_row, c += ROWS * c_row)
        multiply(ROWS, a, a_step, a_row, b, b_step, depth, c, c_row, add);
    switch (rows) {
    case 5:
        multiply(5, a, a_step, a_row, b, b_step, depth, c, c_row, add);
        break;
    case 4:
        multiply(4, a, a_step, a_row, b, b_step, depth, c, c_row, add);
        break;
    case 3:
        multiply(3, a, a_step, a_row, b, b_step, depth, c, c_row, add);
        break;
    case 2:
        multiply(2, a, a_step, a_row, b, b_step, depth, c, c_row, add);
        break;
    case 1:
        multiply(1, a, a_step, a_row, b, b_step, depth, c, c_row, add);
        break;
    default:
        break;
    }
}

/* ---- Weights ---- */

int64_t winograd_packed(const struct winograd *s)
{
    return POINTS * s->src_channels * s->dst_channels;
}

struct packing {
    const struct winograd *shape;
    const float *weights;
    int flip;
    float *packed;
};

/* packed [dst_channels / PAIR][point][src_channels][PAIR]; one pair of channel blocks. */
VECTOR
static void pack_pair(void *context, int64_t pair, int32_t thread)
{
    const struct packing *p = context;
    const struct winograd *s = p->shape;
    float *to = p->packed + pair * POINTS * s->src_channels * PAIR;
    __m256 taps[9], along[18], t[POINTS];
    float lanes[9][BLOCK];
    (void)thread;
    for (int64_t c = 0; c < s->src_channels; c++)
        for (int64_t half = 0; half < PAIR; half += BLOCK) {
            for (int64_t lane = 0; lane < BLOCK; lane++) {
                int64_t o = pair * PAIR + half + lane;
                const float *from = p->weights +
                                    (p->flip ? c * s->dst_channels + o : o * s->src_channels + c) *
                                        9;
                for (int i = 0; i < 9; i++)
                    lanes[i][lane] = from[p->flip ? 8 - i : i];
            }
            for (int i = 0; i < 9; i++)
                taps[i] = _mm256_loadu_ps(lanes[i]);
            for (int i = 0; i < 3; i++)
                filter_points(taps + 3 * i, 3, along + i, 3);
            for (int j = 0; j < 6; j++)
                filter_points(along + 3 * j, 3, t + j, 6);
            for (int64_t k = 0; k < POINTS; k++)
                _mm256_storeu_ps(to + (k * s->src_channels + c) * PAIR + half, t[k]);
        }
}

void winograd_pack(const struct winograd *shape, const float *weights, int flip, float *packed)
{
    struct packing packing = {shape, weights, flip, packed};
    parallel_for(shape->threads, shape->dst_channels / PAIR, pack_pair, &packing);
}

/* ---- Forward ---- */

static int64_t forward_tiles(const struct winograd *s)
{
    int64_t tiles = CACHE_FLOATS / (POINTS * s->src_channels) / ROWS * ROWS;
    return tiles < ROWS ? ROWS : tiles;
}

/* Of one thread: source points, then products. */
static int64_t forward_scratch(const struct winograd *s)
{
    return POINTS * (forward_tiles(s) * (s->src_channels + PAIR) + 2 * SKEW);
}

struct forward {
    const struct winograd *shape;
    const float *src, *packed, *add;
    float *dst, *scratch;
};

static void forward_block(void *context, int64_t block, int32_t thread)
{
    const struct forward *f = context;
    const struct winograd *s = f->shape;
    int64_t tiles = forward_tiles(s), first = block * tiles,
            count = least(tiles, tile_count(s) - first);
    int64_t source_stride = tiles * s->src_channels + SKEW, product_stride = tiles * PAIR + SKEW;
    float *v = f->scratch + thread * forward_scratch(s), *m = v + POINTS * source_stride;
    transform_source(s, f->src, s->src_channels, 0, s->src_channels, first, count, source_stride,
                     v);
    for (int64_t c = 0; c < s->dst_channels; c += PAIR) {
        const float *u = f->packed + c * POINTS * s->src_channels;
        for (int64_t k = 0; k < POINTS; k++)
            multiply_rows(count, v + k * source_stride, 1, s->src_channels,
                          u + k * s->src_channels * PAIR, PAIR, s->src_channels,
                          m + k * product_stride, PAIR, 0);
        store_outputs(s, m, product_stride, first, count, c, f->add, f->dst);
    }
}

void winograd_forward(const struct winograd *shape, const float *src, const float *packed,
                      const float *add, float *dst, float *scratch)
{
    struct forward forward = {shape, src, packed, add, dst, scratch};
    int64_t tiles = forward_tiles(shape);
    parallel_for(shape->threads, (tile_count(shape) + tiles - 1) / tiles, forward_block, &forward);
}

/* ---- Weights' gradient ---- */

struct grad {
    const struct winograd *shape;
    const float *src, *diff;
    float *grad, *sums, *scratch;
    int64_t src_pieces, dst_pieces, lanes; /* lanes: tiles are cut in as many parts */
};

/* Threads beyond the pieces share a piece's tiles. */
static struct grad grad_plan(const struct winograd *s)
{
    struct grad g = {.shape = s,
                     .src_pieces = (s->src_channels + GRAD_CHANNELS - 1) / GRAD_CHANNELS,
                     .dst_pieces = (s->dst_channels + GRAD_CHANNELS - 1) / GRAD_CHANNELS};
    int64_t pieces = g.src_pieces * g.dst_pieces;
    g.lanes = (s->threads + pieces - 1) / pieces;
    return g;
}

#define GRAD_PIECE (POINTS * (GRAD_CHANNELS * GRAD_CHANNELS + SKEW))
#define GRAD_POINTS (POINTS * (GRAD_TILES * GRAD_CHANNELS + SKEW))

/* Sums of one piece over one lane's tiles: sums [point][dst channel][src channel]. */
static void grad_piece(void *context, int64_t i, int32_t thread)
{
    const struct grad *g = context;
    const struct winograd *s = g->shape;
    int64_t lane = i % g->lanes, piece = i / g->lanes, all = tile_count(s);
    int64_t from = piece % g->src_pieces * GRAD_CHANNELS,
            to = piece / g->src_pieces * GRAD_CHANNELS;
    int64_t sources = least(GRAD_CHANNELS, s->src_channels - from),
            targets = least(GRAD_CHANNELS, s->dst_channels - to);
    int64_t last = (lane + 1) * all / g->lanes, begin = lane * all / g->lanes,
            stride = GRAD_TILES * GRAD_CHANNELS + SKEW;
    float *v = g->scratch + thread * 2 * GRAD_POINTS, *e = v + GRAD_POINTS,
          *sums = g->sums + i * GRAD_PIECE;
    for (int64_t first = begin; first < last; first += GRAD_TILES) {
        int64_t count = least(GRAD_TILES, last - first);
        transform_source(s, g->src, s->src_channels, from, sources, first, count, stride, v);
        transform_diff(s, g->diff, to, targets, first, count, stride, e);
        for (int64_t k = 0; k < POINTS; k++)
            for (int64_t c = 0; c < sources; c += PAIR)
                multiply_rows(targets, e + k * stride, targets, 1, v + k * stride + c, sources,
                              count, sums + k * (GRAD_CHANNELS * GRAD_CHANNELS + SKEW) + c,
                              GRAD_CHANNELS, first > begin);
    }
}

/* The lanes' sums in order, then A^T . A to 3 x 3, for one output channel. */
VECTOR
static void grad_channel(void *context, int64_t o, int32_t thread)
{
    const struct grad *g = context;
    const struct winograd *s = g->shape;
    __m256 t[POINTS], along[18], y[9];
    float lanes[9][BLOCK];
    (void)thread;
    for (int64_t c = 0; c < s->src_channels; c += BLOCK) {
        int64_t piece = o / GRAD_CHANNELS * g->src_pieces + c / GRAD_CHANNELS;
        int64_t at = o % GRAD_CHANNELS * GRAD_CHANNELS + c % GRAD_CHANNELS;
        const float *sums = g->sums + piece * g->lanes * GRAD_PIECE + at;
        for (int64_t k = 0; k < POINTS; k++) {
            const float *point = sums + k * (GRAD_CHANNELS * GRAD_CHANNELS + SKEW);
            t[k] = _mm256_loadu_ps(point);
            for (int64_t l = 1; l < g->lanes; l++)
                t[k] = _mm256_add_ps(t[k], _mm256_loadu_ps(point + l * GRAD_PIECE));
        }
        for (int j = 0; j < 6; j++)
            outputs(t + j, 6, 3, along + j, 6);
        for (int i = 0; i < 3; i++)
            outputs(along + 6 * i, 1, 3, y + 3 * i, 1);
        for (int i = 0; i < 9; i++)
            _mm256_storeu_ps(lanes[i], y[i]);
        float *grad = g->grad + (o * s->src_channels + c) * 9;
        for (int lane = 0; lane < BLOCK; lane++)
            for (int i = 0; i < 9; i++)
                grad[lane * 9 + i] += lanes[i][lane];
    }
}

static int64_t grad_scratch(const struct winograd *s)
{
    struct grad g = grad_plan(s);
    return g.src_pieces * g.dst_pieces * g.lanes * GRAD_PIECE + s->threads * 2 * GRAD_POINTS;
}

void winograd_weights(const struct winograd *shape, const float *src, const float *diff,
                      float *grad, float *scratch)
{
    struct grad g = grad_plan(shape);
    int64_t units = g.src_pieces * g.dst_pieces * g.lanes;
    g.src = src;
    g.diff = diff;
    g.grad = grad;
    g.sums = scratch;
    g.scratch = scratch + units * GRAD_PIECE;
    parallel_for(shape->threads, units, grad_piece, &g);
    parallel_for(shape->threads, shape->dst_channels, grad_channel, &g);
}

int64_t winograd_scratch(const struct winograd *s)
{
    int64_t forward = s->threads * forward_scratch(s), grad = grad_scratch(s);
    return forward > grad ? forward : grad;
}

#else

int winograd_can(int64_t src_channels, int64_t dst_channels)
{
    (void)src_channels;
    (void)dst_channels;
    return 0;
}

/* Never called where winograd_can() says 0. */
int64_t winograd_packed(const struct winograd *s)
{
    (void)s;
    return 0;
}

int64_t winograd_scratch(const struct winograd *s)
{
    (void)s;
    return 0;
}

void winograd_pack(const struct winograd *shape, const float *weights, int flip, float *packed)
{
    (void)shape, (void)weights, (void)flip, (void)packed;
}

void winograd_forward(const struct winograd *shape, const float *src, const float *packed,
                      const float *add, float *dst, float *scratch)
{
    (void)shape, (void)src, (void)packed, (void)add, (void)dst, (void)scratch;
}

void winograd_weights(const struct winograd *shape, const float *src, const float *diff,
                      float *grad, float *scratch)
{
    (void)shape, (void)src, (void)diff, (void)grad, (void)scratch;
}

#endif
