/* update.h -- one optimizer step and the fold of batch-norm sums, shared by the CPU backends.
 * Formulas: backend.h, struct repro_step.  Elementwise, so the bits depend on no thread count. */
#ifndef CPU_UPDATE_H
#define CPU_UPDATE_H

#include "backend/backend.h"

/* Consecutive parameters. */
struct update_span {
    int64_t first, count;
};

/* The parameters of a net.  w, A (MOMENT1), v (MOMENT2) and grad are [count]; A and v are touched
 * only by the optimizers that have them.  weights: rising; what decays by a step that says
 * REPRO_STEP_DECAY_WEIGHTS. */
struct update_params {
    int64_t count;
    const float *grad;
    float *w, *moment1, *moment2;
    const struct update_span *weights;
    int64_t weight_count;
};
void update_params(const struct repro_step *step, const struct update_params *params,
                   int32_t threads);

/* running <- keep * running + (1 - keep) * sums / ghosts, [count]. */
void update_running(const struct repro_step *step, int64_t count, const float *sums,
                    float *running);

#endif
