/* winograd_product.h -- the products of one point. */
#ifndef CPU_WINOGRAD_PRODUCT_H
#define CPU_WINOGRAD_PRODUCT_H

#include "cpu/winograd_points.h"

#define PRODUCT_ROWS 6 /* rows done at once */

/* c[row * c_row + 0..WINOGRAD_PAIR-1] (+)= sum over k < depth of a[k * a_step + row * a_row] *
 * b[k * b_step + 0..WINOGRAD_PAIR-1], in the order of k. */
void product_rows(int64_t rows, const float *a, int64_t a_step, int64_t a_row, const float *b,
                  int64_t b_step, int64_t depth, float *c, int64_t c_row, int add);

#endif
