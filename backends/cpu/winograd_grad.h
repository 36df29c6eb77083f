/* winograd_grad.h -- the gradient of the weights. */
#ifndef CPU_WINOGRAD_GRAD_H
#define CPU_WINOGRAD_GRAD_H

#include "cpu/winograd_shape.h"

/* Floats of scratch. */
int64_t winograd_grad_scratch(const struct winograd *shape);
/* winograd_weights() of winograd.h. */
void winograd_grad(const struct winograd *shape, const float *src, const float *diff, float *grad,
                   float *scratch);

#endif
