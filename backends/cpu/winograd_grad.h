/* winograd_grad.h -- between winograd.c and winograd_grad.c, which has winograd_weights(). */
#ifndef CPU_WINOGRAD_GRAD_H
#define CPU_WINOGRAD_GRAD_H

#include "cpu/winograd.h"

/* Floats of scratch for winograd_weights(). */
int64_t winograd_grad_scratch(const struct winograd *shape);

#endif
