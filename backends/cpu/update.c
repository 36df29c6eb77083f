#include "cpu/update.h"

#include "cpu/parallel.h"

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
    const struct repro_step *step;
    int64_t count;
    const float *grad;
    float *w, *moment1, *moment2;
};

static void update_block(void *context, int64_t block, int32_t thread)
{
    const struct update *u = context;
    int64_t first = block * BLOCK, n = u->count - first < BLOCK ? u->count - first : BLOCK;
    const float *g = u->grad + first;
    (void)thread;
    switch (u->step->optimizer) {
    case REPRO_OPTIMIZER_SGD:
        sgd(u->step, n, g, u->w + first);
        break;
    case REPRO_OPTIMIZER_MOMENTUM:
        momentum(u->step, n, g, u->w + first, u->moment1 + first);
        break;
    case REPRO_OPTIMIZER_NESTEROV:
        nesterov(u->step, n, g, u->w + first, u->moment1 + first);
        break;
    default:
        adam(u->step, n, g, u->w + first, u->moment1 + first, u->moment2 + first);
        break;
    }
}

void update_params(const struct repro_step *step, int64_t count, const float *grad, float *w,
                   float *moment1, float *moment2, int32_t threads)
{
    struct update update = {step, count, grad, w, moment1, moment2};
    int64_t blocks = (count + BLOCK - 1) / BLOCK;
    parallel_for(blocks < THREADED_BLOCKS ? 1 : threads, blocks, update_block, &update);
}

void update_running(const struct repro_step *step, int64_t count, const float *sums, float *running)
{
    float keep = (float)step->keep, rest = (float)((1.0 - step->keep) / (double)step->ghosts);
#pragma omp simd
    for (int64_t i = 0; i < count; i++)
        running[i] = keep * running[i] + rest * sums[i];
}
