#include "cpu/winograd_product.h"

#define ROWS PRODUCT_ROWS /* of a micro-kernel: twelve accumulators */

#if WINOGRAD_CAN

WINOGRAD_INLINE void multiply(int rows, const float *a, int64_t a_step, int64_t a_row,
                              const float *b, int64_t b_step, int64_t depth, float *c,
                              int64_t c_row, int add)
{
    __m256 low[ROWS], high[ROWS];
    WINOGRAD_UNROLLED
    for (int r = 0; r < rows; r++) {
        low[r] = add ? _mm256_loadu_ps(c + r * c_row) : _mm256_setzero_ps();
        high[r] = add ? _mm256_loadu_ps(c + r * c_row + WINOGRAD_BLOCK) : _mm256_setzero_ps();
    }
    for (int64_t k = 0; k < depth; k++) {
        __m256 left = _mm256_loadu_ps(b + k * b_step),
               right = _mm256_loadu_ps(b + k * b_step + WINOGRAD_BLOCK);
        WINOGRAD_UNROLLED
        for (int r = 0; r < rows; r++) {
            __m256 factor = _mm256_broadcast_ss(a + k * a_step + r * a_row);
            low[r] = _mm256_fmadd_ps(factor, left, low[r]);
            high[r] = _mm256_fmadd_ps(factor, right, high[r]);
        }
    }
    WINOGRAD_UNROLLED
    for (int r = 0; r < rows; r++) {
        _mm256_storeu_ps(c + r * c_row, low[r]);
        _mm256_storeu_ps(c + r * c_row + WINOGRAD_BLOCK, high[r]);
    }
}

WINOGRAD_VECTOR
void product_rows(int64_t rows, const float *a, int64_t a_step, int64_t a_row, const float *b,
                  int64_t b_step, int64_t depth, float *c, int64_t c_row, int add)
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

#endif
