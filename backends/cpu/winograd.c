/* Each thread takes a block of tiles through all three stages, so that the transformed tiles never
 * leave its second-level cache: the stages one after the other over all tiles would move nine times
 * the tensor through memory. */
#include "cpu/winograd.h"

#include "cpu/team.h"
#include "cpu/winograd_grad.h"
#include "cpu/winograd_product.h"
#include "cpu/winograd_tiles.h"

#define CACHE_FLOATS 65000 /* transformed source tiles of a block: half of a half-megabyte cache */

#if WINOGRAD_CAN

int winograd_can(int64_t src_channels, int64_t dst_channels)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           src_channels % WINOGRAD_PAIR == 0 && dst_channels % WINOGRAD_PAIR == 0;
}

/* ---- Weights ---- */

int64_t winograd_packed(const struct winograd *s)
{
    return WINOGRAD_POINTS * s->src_channels * s->dst_channels;
}

struct packing {
    const struct winograd *shape;
    const float *weights;
    int flip;
    float *packed;
};

/* packed [dst_channels / WINOGRAD_PAIR][point][src_channels][WINOGRAD_PAIR]; one pair of channel
 * blocks. */
WINOGRAD_VECTOR
static void pack_pair(void *context, int64_t pair, int32_t thread)
{
    const struct packing *p = context;
    const struct winograd *s = p->shape;
    float *to = p->packed + pair * WINOGRAD_POINTS * s->src_channels * WINOGRAD_PAIR;
    __m256 taps[9], along[18], t[WINOGRAD_POINTS];
    float lanes[9][WINOGRAD_BLOCK];
    (void)thread;
    for (int64_t c = 0; c < s->src_channels; c++)
        for (int64_t half = 0; half < WINOGRAD_PAIR; half += WINOGRAD_BLOCK) {
            for (int64_t lane = 0; lane < WINOGRAD_BLOCK; lane++) {
                int64_t o = pair * WINOGRAD_PAIR + half + lane;
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
            for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
                _mm256_storeu_ps(to + (k * s->src_channels + c) * WINOGRAD_PAIR + half, t[k]);
        }
}

void winograd_pack(const struct winograd *shape, const float *weights, int flip, float *packed)
{
    struct packing packing = {shape, weights, flip, packed};
    team_for(shape->threads, shape->dst_channels / WINOGRAD_PAIR, pack_pair, &packing);
}

/* ---- Forward ---- */

static int64_t forward_tiles(const struct winograd *s)
{
    int64_t tiles = CACHE_FLOATS / (WINOGRAD_POINTS * s->src_channels) / PRODUCT_ROWS *
                    PRODUCT_ROWS;
    return tiles < PRODUCT_ROWS ? PRODUCT_ROWS : tiles;
}

/* Of one thread: source points, then products. */
static int64_t forward_scratch(const struct winograd *s)
{
    return WINOGRAD_POINTS *
           (forward_tiles(s) * (s->src_channels + WINOGRAD_PAIR) + 2 * WINOGRAD_SKEW);
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
            count = winograd_least(tiles, tiles_count(s) - first);
    int64_t source_stride = tiles * s->src_channels + WINOGRAD_SKEW,
            product_stride = tiles * WINOGRAD_PAIR + WINOGRAD_SKEW;
    float *v = f->scratch + thread * forward_scratch(s), *m = v + WINOGRAD_POINTS * source_stride;
    tiles_source(s, f->src, s->src_channels, 0, s->src_channels, first, count, source_stride, v);
    for (int64_t c = 0; c < s->dst_channels; c += WINOGRAD_PAIR) {
        const float *u = f->packed + c * WINOGRAD_POINTS * s->src_channels;
        for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
            product_rows(count, v + k * source_stride, 1, s->src_channels,
                         u + k * s->src_channels * WINOGRAD_PAIR, WINOGRAD_PAIR, s->src_channels,
                         m + k * product_stride, WINOGRAD_PAIR, 0);
        tiles_outputs(s, m, product_stride, first, count, c, f->add, f->dst);
    }
}

void winograd_forward(const struct winograd *shape, const float *src, const float *packed,
                      const float *add, float *dst, float *scratch)
{
    struct forward forward = {shape, src, packed, add, dst, scratch};
    int64_t tiles = forward_tiles(shape);
    team_for(shape->threads, (tiles_count(shape) + tiles - 1) / tiles, forward_block, &forward);
}

/* ---- Weights' gradient ---- */

void winograd_weights(const struct winograd *shape, const float *src, const float *diff,
                      float *grad, float *scratch)
{
    winograd_grad(shape, src, diff, grad, scratch);
}

int64_t winograd_scratch(const struct winograd *s)
{
    int64_t forward = s->threads * forward_scratch(s), grad = winograd_grad_scratch(s);
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
