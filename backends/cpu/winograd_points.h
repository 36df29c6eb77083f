/* winograd_points.h -- Winograd's transforms along one axis, eight channels at a time; the sizes
 * that winograd.c and its parts share.  x86-64 only: see WINOGRAD_CAN. */
#ifndef CPU_WINOGRAD_POINTS_H
#define CPU_WINOGRAD_POINTS_H

#include <stdint.h>

#define WINOGRAD_POINTS 36 /* 6 x 6 products of a tile */
#define WINOGRAD_TILE 4    /* outputs of a tile, each way */
#define WINOGRAD_BLOCK 8   /* channels of the layout's blocks */
#define WINOGRAD_PAIR 16   /* channels of a micro-kernel: two registers */
/* floats between points, so that they do not fall on the same cache lines */
#define WINOGRAD_SKEW 16

#if defined(__x86_64__) && defined(__GNUC__)
#define WINOGRAD_CAN 1

#include <immintrin.h>

#define WINOGRAD_VECTOR __attribute__((target("avx2,fma")))
/* Registers have no index: these loops must be gone, at any -O. */
#define WINOGRAD_UNROLLED _Pragma("GCC unroll 8")
#define WINOGRAD_INLINE static inline __attribute__((always_inline, target("avx2,fma")))

/* ---- Rows of B^T, G and A^T, on every `step`-th vector ---- */

WINOGRAD_INLINE __m256 scaled(float factor, __m256 x)
{
    return _mm256_mul_ps(_mm256_set1_ps(factor), x);
}

/* a + factor * x */
WINOGRAD_INLINE __m256 plus(__m256 a, float factor, __m256 x)
{
    return _mm256_fmadd_ps(_mm256_set1_ps(factor), x, a);
}

/* B^T: 6 -> 6 */
WINOGRAD_INLINE void source_points(const __m256 d[6], __m256 *t, int step)
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
WINOGRAD_INLINE void filter_points(const __m256 *e, int taps, __m256 *t, int step)
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
WINOGRAD_INLINE void outputs(const __m256 *m, int from_step, int count, __m256 *y, int step)
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

#else
#define WINOGRAD_CAN 0
#endif

static inline int64_t winograd_least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

#endif
