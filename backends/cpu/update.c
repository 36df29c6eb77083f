#include "cpu/update.h"

#include "cpu/team.h"

#include <math.h>

#define BLOCK 16384
#define THREADED_BLOCKS 5 /* fewer are done sooner than a second thread wakes */

static void sgd(const struct repro_step *step, int64_t count, const float *restrict grad,
                float *restrict w)
{
    float lr = (float)step->lr, decay = (float)step->weight_decay;
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        w[i] -= lr * (grad[i] + decay * w[i]);
}

static void momentum(const struct repro_step *step, int64_t count, const float *restrict grad,
                     float *restrict w, float *restrict a)
{
    float lr = (float)step->lr, decay = (float)step->weight_decay, m = (float)step->momentum;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        a[i] = m * a[i] + (grad[i] + decay * w[i]);
        w[i] -= lr * a[i];
    }
}

static void nesterov(const struct repro_step *step, int64_t count, const float *restrict grad,
                     float *restrict w, float *restrict a)
{
    float lr = (float)step->lr, decay = (float)step->weight_decay, m = (float)step->momentum;
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float g = grad[i] + decay * w[i];
        a[i] = m * a[i] + g;
        w[i] -= lr * (g + m * a[i]);
    }
}

static void adam(const struct repro_step *step, int64_t count, const float *restrict grad,
                 float *restrict w, float *restrict m, float *restrict v)
{
    double t = (double)step->update;
    float lr = (float)(step->lr * sqrt(1.0 - pow(step->beta2, t)) / (1.0 - pow(step->beta1, t)));
    float decay = (float)step->weight_decay, epsilon = (float)step->epsilon;
    float beta1 = (float)step->beta1, beta2 = (float)step->beta2;
    float rest1 = (float)(1.0 - step->beta1), rest2 = (float)(1.0 - step->beta2);
#pragma omp simd
    for (int64_t i = 0; i < count; i++) {
        float g = grad[i] + decay * w[i];
        m[i] = beta1 * m[i] + rest1 * g;
        v[i] = beta2 * v[i] + rest2 * (g * g);
        w[i] -= lr * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

struct update {
    struct repro_step decayed, plain; /* the step, and the same without weight decay */
    const struct update_params *params;
};

static void update_piece(const struct update_params *p, const struct repro_step *step,
                         int64_t first, int64_t n)
{
    const float *g = p->grad + first;
    switch (step->optimizer) {
    case REPRO_OPTIMIZER_SGD:
        sgd(step, n, g, p->w + first);
        break;
    case REPRO_OPTIMIZER_MOMENTUM:
        momentum(step, n, g, p->w + first, p->moment1 + first);
        break;
    case REPRO_OPTIMIZER_NESTEROV:
        nesterov(step, n, g, p->w + first, p->moment1 + first);
        break;
    default:
        adam(step, n, g, p->w + first, p->moment1 + first, p->moment2 + first);
        break;
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void update_block(void *context, int64_t block, int32_t thread)
{
    const struct update *u = context;
    const struct update_params *p = u->params;
    int64_t at = block * BLOCK, end = least(at + BLOCK, p->count);
    (void)thread;
    if ((u->decayed.flags & REPRO_STEP_DECAY_WEIGHTS) == 0) {
        update_piece(p, &u->decayed, at, end - at);
        return;
    }
    for (int64_t k = 0; k < p->weight_count && at < end; k++) {
        int64_t first = p->weights[k].first, behind = first + p->weights[k].count;
        if (behind <= at)
            continue;
        if (first > at)
            update_piece(p, &u->plain, at, least(first, end) - at);
        at = first > at ? least(first, end) : at;
        update_piece(p, &u->decayed, at, least(behind, end) - at);
        at = least(behind, end);
    }
    update_piece(p, &u->plain, at, end - at);
}

void update_params(const struct repro_step *step, const struct update_params *params,
                   int32_t threads)
{
    struct update update = {*step, *step, params};
    int64_t blocks = (params->count + BLOCK - 1) / BLOCK;
    update.plain.weight_decay = 0.0;
    team_for(blocks < THREADED_BLOCKS ? 1 : threads, blocks, update_block, &update);
}

void update_running(const struct repro_step *step, int64_t count, const float *sums, float *running)
{
    float keep = (float)step->keep, rest = (float)((1.0 - step->keep) / (double)step->ghosts);
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        running[i] = keep * running[i] + rest * sums[i];
}
