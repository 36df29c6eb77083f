/* update.h -- one optimizer step and the fold of batch-norm sums, shared by the CPU backends.
 * Formulas: backend.h, struct repro_step.  Elementwise, so the bits depend on no thread count. */
#ifndef CPU_UPDATE_H
#define CPU_UPDATE_H

#include "backend/backend.h"

/* w, A (MOMENT1), v (MOMENT2) and grad are [count].  A and v are touched only by the optimizers
 * that have them. */
void update_params(const struct repro_step *step, int64_t count, const float *grad, float *w,
                   float *moment1, float *moment2, int32_t threads);

/* running <- keep * running + (1 - keep) * sums / ghosts, [count]. */
void update_running(const struct repro_step *step, int64_t count, const float *sums,
                    float *running);

#endif
