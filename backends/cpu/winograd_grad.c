/* The weights' gradient is a Winograd form too, F(3x3, 4x4): the tiles of the diff are the filter,
 * and what is summed over tiles are the products. */
#include "cpu/winograd_grad.h"

#include "cpu/team.h"
#include "cpu/winograd_product.h"
#include "cpu/winograd_tiles.h"

#define GRAD_CHANNELS 64 /* channels of a piece, of src and of dst */
#define GRAD_TILES 64    /* its tiles at a time */

#if WINOGRAD_CAN

struct grad {
    const struct winograd *shape;
    const float *src, *diff;
    float *grad, *sums, *scratch;
    int64_t src_pieces, dst_pieces, lanes; /* lanes: tiles are cut in as many parts */
};

/* Threads beyond the pieces share a piece's tiles. */
static struct grad grad_of(const struct winograd *s)
{
    struct grad g = {.shape = s,
                     .src_pieces = (s->src_channels + GRAD_CHANNELS - 1) / GRAD_CHANNELS,
                     .dst_pieces = (s->dst_channels + GRAD_CHANNELS - 1) / GRAD_CHANNELS};
    int64_t pieces = g.src_pieces * g.dst_pieces;
    g.lanes = (s->threads + pieces - 1) / pieces;
    return g;
}

#define GRAD_PIECE (WINOGRAD_POINTS * (GRAD_CHANNELS * GRAD_CHANNELS + WINOGRAD_SKEW))
#define GRAD_POINTS (WINOGRAD_POINTS * (GRAD_TILES * GRAD_CHANNELS + WINOGRAD_SKEW))

/* Sums of one piece over one lane's tiles: sums [point][dst channel][src channel]. */
static void grad_piece(void *context, int64_t i, int32_t thread)
{
    const struct grad *g = context;
    const struct winograd *s = g->shape;
    int64_t lane = i % g->lanes, piece = i / g->lanes, all = tiles_count(s);
    int64_t from = piece % g->src_pieces * GRAD_CHANNELS,
            to = piece / g->src_pieces * GRAD_CHANNELS;
    int64_t sources = winograd_least(GRAD_CHANNELS, s->src_channels - from),
            targets = winograd_least(GRAD_CHANNELS, s->dst_channels - to);
    int64_t last = (lane + 1) * all / g->lanes, begin = lane * all / g->lanes,
            stride = GRAD_TILES * GRAD_CHANNELS + WINOGRAD_SKEW;
    float *v = g->scratch + thread * 2 * GRAD_POINTS, *e = v + GRAD_POINTS,
          *sums = g->sums + i * GRAD_PIECE;
    for (int64_t first = begin; first < last; first += GRAD_TILES) {
        int64_t count = winograd_least(GRAD_TILES, last - first);
        tiles_source(s, g->src, s->src_channels, from, sources, first, count, stride, v);
        tiles_diff(s, g->diff, to, targets, first, count, stride, e);
        for (int64_t k = 0; k < WINOGRAD_POINTS; k++)
            for (int64_t c = 0; c < sources; c += WINOGRAD_PAIR)
                product_rows(targets, e + k * stride, targets, 1, v + k * stride + c, sources,
                             count, sums + k * (GRAD_CHANNELS * GRAD_CHANNELS + WINOGRAD_SKEW) + c,
                             GRAD_CHANNELS, first > begin);
    }
}

/* The lanes' sums in order, then A^T . A to 3 x 3, for one output channel. */
WINOGRAD_VECTOR
static void grad_channel(void *context, int64_t o, int32_t thread)
{
    const struct grad *g = context;
    const struct winograd *s = g->shape;
    __m256 t[WINOGRAD_POINTS], along[18], y[9];
    float lanes[9][WINOGRAD_BLOCK];
    (void)thread;
    for (int64_t c = 0; c < s->src_channels; c += WINOGRAD_BLOCK) {
        int64_t piece = o / GRAD_CHANNELS * g->src_pieces + c / GRAD_CHANNELS;
        int64_t at = o % GRAD_CHANNELS * GRAD_CHANNELS + c % GRAD_CHANNELS;
        const float *sums = g->sums + piece * g->lanes * GRAD_PIECE + at;
        for (int64_t k = 0; k < WINOGRAD_POINTS; k++) {
            const float *point = sums + k * (GRAD_CHANNELS * GRAD_CHANNELS + WINOGRAD_SKEW);
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
        for (int lane = 0; lane < WINOGRAD_BLOCK; lane++)
            for (int i = 0; i < 9; i++)
                grad[lane * 9 + i] += lanes[i][lane];
    }
}

int64_t winograd_grad_scratch(const struct winograd *s)
{
    struct grad g = grad_of(s);
    return g.src_pieces * g.dst_pieces * g.lanes * GRAD_PIECE + s->threads * 2 * GRAD_POINTS;
}

void winograd_grad(const struct winograd *shape, const float *src, const float *diff, float *grad,
                   float *scratch)
{
    struct grad g = grad_of(shape);
    int64_t units = g.src_pieces * g.dst_pieces * g.lanes;
    g.src = src;
    g.diff = diff;
    g.grad = grad;
    g.sums = scratch;
    g.scratch = scratch + units * GRAD_PIECE;
    team_for(shape->threads, units, grad_piece, &g);
    team_for(shape->threads, shape->dst_channels, grad_channel, &g);
}

#endif
