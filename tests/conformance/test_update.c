/* The optimizers and the fold of batch-norm sums: numbers worked by hand, and a hundred steps
 * against the formulas in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "optimizers.h"
#include "subject.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BOUND 1e-5 /* a hundred roundings of 6e-8, the worst all one way */
#define STEPS 100

/* 3 * 32 * 32 -> 37: more elements than one thread's block, and no multiple of a vector. */
static int hidden(struct net *net)
{
    return net_batch_norm(net, "bn", net_dense(net, "hidden", 0, 37), 1e-5f);
}

static const struct graph_case large = {"large", 3, 32, 32, 2, 1, hidden};
static const struct graph_case small = {"small", 1, 1, 1, 2, 1, hidden};

static void need_optimizer(int optimizer)
{
    subject_need();
    if ((subject.caps.optimizers >> optimizer & 1u) == 0) {
        print_message("# %s does not offer optimizer %d\n", subject.name, optimizer);
        skip();
    }
}

static struct repro_step step_of(int optimizer)
{
    return (struct repro_step){.struct_size = sizeof(struct repro_step),
                               .optimizer = optimizer,
                               .lr = 0.1,
                               .momentum = 0.9,
                               .beta1 = 0.9,
                               .beta2 = 0.99,
                               .epsilon = 0.02,
                               .weight_decay = 0.1,
                               .update = 1,
                               .keep = 1.0,
                               .ghosts = 1};
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-6 * fabs(want)))
        fail_msg("%.9g instead of %.9g", got, want);
}

/* Two steps of a parameter 1 with gradient 0.5, lr 0.1, weight decay 0.1, momentum 0.9, beta1 0.9,
 * beta2 0.99, epsilon 0.02.
 *   SGD       g = 0.5 + 0.1*1 = 0.6; w = 1 - 0.06 = 0.94.  g = 0.594; w = 0.94 - 0.0594 = 0.8806
 *   MOMENTUM  A = 0.6; w = 0.94.  A = 0.54 + 0.594 = 1.134; w = 0.94 - 0.1134 = 0.8266
 *   NESTEROV  A = 0.6; w = 1 - 0.1*(0.6 + 0.54) = 0.886.  g = 0.5886; A = 0.54 + 0.5886 = 1.1286;
 *             w = 0.886 - 0.1*(0.5886 + 1.01574) = 0.725566
 *   ADAM      m = 0.06; v = 0.01*0.36 = 0.0036; correction sqrt(0.01)/0.1 = 1; w = 1 -
 *             0.1*0.06/(0.06 + 0.02) = 0.925.
 *             g = 0.5925; m = 0.054 + 0.05925 = 0.11325; v = 0.003564 + 0.01*0.35105625 =
 *                 0.0070745625;
 *             correction sqrt(1 - 0.9801)/(1 - 0.81) = 0.742459788; sqrt(v) = 0.0841104185;
 *             w = 0.925 - 0.0742459788*0.11325/0.1041104185 = 0.844236216 */
static void by_hand(void **state)
{
    static const struct {
        double first, second, moment1, moment2;
    } want[] = {
        [REPRO_OPTIMIZER_SGD] = {0.94, 0.8806, 0.0, 0.0},
        [REPRO_OPTIMIZER_MOMENTUM] = {0.94, 0.8266, 1.134, 0.0},
        [REPRO_OPTIMIZER_NESTEROV] = {0.886, 0.725566, 1.1286, 0.0},
        [REPRO_OPTIMIZER_ADAM] = {0.925, 0.844236216, 0.11325, 0.0070745625},
    };
    int optimizer = *(int *)*state;
    need_optimizer(optimizer);
    struct trial trial;
    struct repro_step step = step_of(optimizer);
    trial_of_case(&trial, &small);
    trial_fill(&trial, 1);
    int64_t last = trial.net.graph.param_count - 1;
    subject_zero(trial.compiled);
    subject_write(trial.compiled, REPRO_ARENA_PARAM, last, 1, (float[]){1.0f});
    subject_write(trial.compiled, REPRO_ARENA_PARTIAL, last, 1, (float[]){0.5f});
    double results[2] = {0.0, 0.0};
    for (step.update = 1; step.update <= 2; step.update++) {
        subject_update(trial.compiled, &step);
        float *w = subject_read(trial.compiled, REPRO_ARENA_PARAM, last, 1);
        results[step.update - 1] = (double)w[0];
        guard_free(w);
    }
    float *moment1 = subject_read(trial.compiled, REPRO_ARENA_MOMENT1, last, 1);
    float *moment2 = subject_read(trial.compiled, REPRO_ARENA_MOMENT2, last, 1);
    near(results[0], want[optimizer].first);
    near(results[1], want[optimizer].second);
    near((double)moment1[0], want[optimizer].moment1);
    near((double)moment2[0], want[optimizer].moment2);
    guard_free(moment1);
    guard_free(moment2);
    trial_end(&trial);
}

struct element {
    double w, a, v;
};

/* The formulas at struct repro_step. */
static void advance(const struct repro_step *step, double gradient, struct element *x)
{
    double g = gradient + step->weight_decay * x->w, t = (double)step->update;
    switch (step->optimizer) {
    case REPRO_OPTIMIZER_SGD:
        x->w -= step->lr * g;
        break;
    case REPRO_OPTIMIZER_MOMENTUM:
        x->a = step->momentum * x->a + g;
        x->w -= step->lr * x->a;
        break;
    case REPRO_OPTIMIZER_NESTEROV:
        x->a = step->momentum * x->a + g;
        x->w -= step->lr * (g + step->momentum * x->a);
        break;
    default:
        x->a = step->beta1 * x->a + (1.0 - step->beta1) * g;
        x->v = step->beta2 * x->v + (1.0 - step->beta2) * g * g;
        x->w -= step->lr * sqrt(1.0 - pow(step->beta2, t)) / (1.0 - pow(step->beta1, t)) * x->a /
                (sqrt(x->v) + step->epsilon);
    }
}

/* A cheap gradient that changes with the element and the step. */
static float gradient_at(int64_t i, int64_t t)
{
    return (float)(0.01 * sin(0.7 * (double)(i % 1009) + 0.3 * (double)t) + 0.002);
}

static void arena_near(const struct trial *trial, int arena, const double *want, int64_t count)
{
    float *got = subject_read(trial->compiled, arena, 0, count);
    double error = relative_error(got, want, count, 0.0);
    subject_measured(error, BOUND, "arena %d beside the formulas", arena);
    if (!(error <= BOUND))
        fail_msg("arena %d is %.3g from the formulas after %d steps", arena, error, STEPS);
    guard_free(got);
}

static void hundred_steps(void **state)
{
    int optimizer = *(int *)*state;
    need_optimizer(optimizer);
    struct trial trial;
    struct repro_step step = step_of(optimizer);
    trial_of_case(&trial, &large);
    trial_fill(&trial, 2);
    trial_load(&trial, trial.compiled);
    int64_t count = trial.net.graph.param_count;
    struct element *elements = guard_new((size_t)count, sizeof *elements);
    float *grad = guard_new((size_t)count, sizeof *grad);
    double *want = guard_new((size_t)count, sizeof *want);
    for (int64_t i = 0; i < count; i++)
        elements[i] = (struct element){.w = trial.reference.param[i]};
    step.weight_decay = 5e-4;
    step.epsilon = 1e-3;
    for (int t = 1; t <= STEPS; t++) {
        step.update = t;
        step.lr = t <= STEPS / 2 ? 0.1 : 0.02;
        for (int64_t i = 0; i < count; i++)
            grad[i] = gradient_at(i, t);
        subject_write(trial.compiled, REPRO_ARENA_PARTIAL, 0, count, grad);
        subject_update(trial.compiled, &step);
        for (int64_t i = 0; i < count; i++)
            advance(&step, (double)grad[i], &elements[i]);
    }
    for (int64_t i = 0; i < count; i++)
        want[i] = (double)grad[i];
    arena_near(&trial, REPRO_ARENA_PARTIAL, want, count);
    for (int64_t i = 0; i < count; i++)
        want[i] = elements[i].w;
    arena_near(&trial, REPRO_ARENA_PARAM, want, count);
    for (int64_t i = 0; i < count; i++)
        want[i] = elements[i].a;
    arena_near(&trial, REPRO_ARENA_MOMENT1, want, count);
    for (int64_t i = 0; i < count; i++)
        want[i] = elements[i].v;
    arena_near(&trial, REPRO_ARENA_MOMENT2, want, count);
    guard_free(elements);
    guard_free(grad);
    guard_free(want);
    trial_end(&trial);
}

/* Where weight decay is for weights alone: two dense layers' and a convolution's decay, their
 * biases, the gamma and the betas do not. */
static int decayed_and_not(struct net *net)
{
    int y = net_batch_norm(net, "bn", net_conv(net, "conv", 0, 40, 3, 1, 1), 1e-5f);
    net->ways.no_gamma = 1;
    y = net_batch_norm(net, "plain", net_dense(net, "hidden", y, 203), 1e-5f);
    return y;
}

static void decay_of_weights(void **state)
{
    static const struct graph_case mixed = {"mixed", 3, 9, 9, 2, 1, decayed_and_not};
    int optimizer = *(int *)*state, weights = 0, others = 0;
    struct trial trial;
    need_optimizer(optimizer);
    if (subject.backend.abi_minor < 4)
        skip();
    trial_of_case(&trial, &mixed);
    trial_fill(&trial, 6);
    trial_load(&trial, trial.compiled);
    struct repro_step step = step_of(optimizer);
    step.flags = REPRO_STEP_DECAY_WEIGHTS;
    int64_t count = trial.net.graph.param_count;
    float *before = subject_read(trial.compiled, REPRO_ARENA_PARAM, 0, count);
    float *grad = guard_new((size_t)count, sizeof *grad);
    for (int64_t i = 0; i < count; i++)
        grad[i] = gradient_at(i, 1);
    subject_write(trial.compiled, REPRO_ARENA_PARTIAL, 0, count, grad);
    subject_update(trial.compiled, &step);
    float *after = subject_read(trial.compiled, REPRO_ARENA_PARAM, 0, count);
    for (size_t t = 0; t < trial.net.tensor_count; t++) {
        const struct net_tensor *tensor = &trial.net.tensors[t];
        int decays = strstr(tensor->name, ".weights") != NULL;
        struct repro_step own = step;
        own.weight_decay = decays ? step.weight_decay : 0.0;
        for (int64_t i = tensor->first;
             tensor->arena == REPRO_ARENA_PARAM && i < tensor->first + tensor->count; i++) {
            struct element x = {.w = (double)before[i]};
            advance(&own, (double)grad[i], &x);
            if (!(fabs((double)after[i] - x.w) <= 1e-6 * (1.0 + fabs(x.w))))
                fail_msg("%s[%lld] is %.9g, was %.9g, %.9g is right", tensor->name,
                         (long long)(i - tensor->first), (double)after[i], (double)before[i], x.w);
            weights += decays;
            others += !decays;
        }
    }
    guard_free(grad);
    assert_true(weights > 5 * 16384 && others > 200); /* several threads' blocks */
    assert_int_equal(weights + others, count);
    guard_free(before);
    guard_free(after);
    trial_end(&trial);
}

/* The kept steps of PyTorch's own optimizers in float64; optimizers.py says how. */
static void stored_steps(void **state)
{
    int optimizer = *(int *)*state, kept = 0;
    need_optimizer(optimizer);
    struct trial trial;
    struct repro_step step = step_of(optimizer);
    float w[STORED_COUNT], grad[STORED_COUNT];
    double want[3][STORED_COUNT], worst = 0.0;
    trial_of_case(&trial, &small);
    trial_fill(&trial, 5);
    trial_load(&trial, trial.compiled);
    assert_true(trial.net.graph.param_count >= STORED_COUNT);
    for (int i = 0; i < STORED_COUNT; i++)
        w[i] = (float)cos(i);
    subject_write(trial.compiled, REPRO_ARENA_PARAM, 0, STORED_COUNT, w);
    subject_zero(trial.compiled);
    step.weight_decay = 5e-4;
    step.epsilon = 1e-3;
    for (int t = 1; t <= STEPS; t++) {
        step.update = t;
        step.lr = t <= STEPS / 2 ? 0.1 : 0.02;
        for (int i = 0; i < STORED_COUNT; i++)
            grad[i] = gradient_at(i, t);
        subject_write(trial.compiled, REPRO_ARENA_PARTIAL, 0, STORED_COUNT, grad);
        subject_update(trial.compiled, &step);
        if (t != stored_step[kept])
            continue;
        for (int i = 0; i < STORED_COUNT; i++) {
            want[0][i] = stored[optimizer - 1][kept][i].w;
            want[1][i] = stored[optimizer - 1][kept][i].moment1;
            want[2][i] = stored[optimizer - 1][kept][i].moment2;
        }
        static const int arenas[] = {REPRO_ARENA_PARAM, REPRO_ARENA_MOMENT1, REPRO_ARENA_MOMENT2};
        for (int a = 0; a < 3; a++) {
            float *got = subject_read(trial.compiled, arenas[a], 0, STORED_COUNT);
            double error = relative_error(got, want[a], STORED_COUNT, 1e-30);
            worst = error > worst ? error : worst;
            subject_measured(error, BOUND, "arena %d beside PyTorch's", arenas[a]);
            if (!(error <= BOUND))
                fail_msg("arena %d is %.3g from PyTorch's after %d steps", arenas[a], error, t);
            guard_free(got);
        }
        kept++;
    }
    assert_int_equal(kept, STORED_STEPS);
    print_message("# optimizer %d: at most %.2g from PyTorch's values\n", optimizer, worst);
    trial_end(&trial);
}

/* keep 0.729 over 4 ghosts whose sums are 3: 0.729*2 + 0.271*3/4 = 1.66125; keep 1 leaves it, keep
 * 0 replaces it by 0.75. */
static void running_fold(void **state)
{
    static const double keep[] = {0.729, 1.0, 0.0}, want[] = {1.66125, 1.66125, 0.75};
    (void)state;
    need_optimizer(REPRO_OPTIMIZER_SGD);
    struct trial trial;
    struct repro_step step = step_of(REPRO_OPTIMIZER_SGD);
    trial_of_case(&trial, &small);
    trial_fill(&trial, 3);
    int64_t params = trial.net.graph.param_count, last = trial.net.graph.running_count - 1;
    subject_zero(trial.compiled);
    subject_write(trial.compiled, REPRO_ARENA_RUNNING, last, 1, (float[]){2.0f});
    subject_write(trial.compiled, REPRO_ARENA_PARTIAL, params + last, 1, (float[]){3.0f});
    step.ghosts = 4;
    for (int i = 0; i < 3; i++) {
        step.keep = keep[i];
        subject_update(trial.compiled, &step);
        float *running = subject_read(trial.compiled, REPRO_ARENA_RUNNING, last, 1);
        near((double)running[0], want[i]);
        guard_free(running);
    }
    trial_end(&trial);
}

static void unknown_flags_refused(void **state)
{
    struct trial trial;
    struct repro_error error = {0};
    (void)state;
    need_optimizer(REPRO_OPTIMIZER_SGD);
    trial_of_case(&trial, &small);
    trial_fill(&trial, 7);
    struct repro_step step = step_of(REPRO_OPTIMIZER_SGD);
    step.flags = 1u << 7;
    subject_refused(subject.backend.net_update(trial.compiled, &step, &error), &error,
                    REPRO_UNSUPPORTED, "flag");
    step.flags = 0;
    step.reserved = 1;
    subject_refused(subject.backend.net_update(trial.compiled, &step, &error), &error,
                    REPRO_UNSUPPORTED, "reserved");
    trial_end(&trial);
}

static void unknown_refused(void **state)
{
    static const int unknown[] = {0, REPRO_OPTIMIZER_ADAM + 1, -1, 1000};
    struct trial trial;
    (void)state;
    subject_need();
    trial_of_case(&trial, &small);
    trial_fill(&trial, 4);
    trial_load(&trial, trial.compiled);
    int64_t count = trial.net.graph.param_count;
    float *before = subject_read(trial.compiled, REPRO_ARENA_PARAM, 0, count);
    for (int i = 0; i < 4; i++) {
        struct repro_step step = step_of(unknown[i]);
        struct repro_error error = {0};
        assert_int_equal(subject.backend.net_update(trial.compiled, &step, &error),
                         REPRO_UNSUPPORTED);
        assert_non_null(strstr(error.text, "optimizer"));
    }
    float *after = subject_read(trial.compiled, REPRO_ARENA_PARAM, 0, count);
    assert_memory_equal(before, after, (size_t)count * sizeof *before);
    guard_free(before);
    guard_free(after);
    trial_end(&trial);
}

int main(void)
{
    static int sgd = REPRO_OPTIMIZER_SGD, momentum = REPRO_OPTIMIZER_MOMENTUM,
               nesterov = REPRO_OPTIMIZER_NESTEROV, adam = REPRO_OPTIMIZER_ADAM;
#define OF(test, optimizer)                                \
    {                                                      \
#test " " #optimizer, test, NULL, NULL, &optimizer \
    }
    const struct CMUnitTest tests[] = {
        OF(by_hand, sgd),
        OF(by_hand, momentum),
        OF(by_hand, nesterov),
        OF(by_hand, adam),
        OF(hundred_steps, sgd),
        OF(hundred_steps, momentum),
        OF(hundred_steps, nesterov),
        OF(hundred_steps, adam),
        OF(decay_of_weights, sgd),
        OF(decay_of_weights, momentum),
        OF(decay_of_weights, nesterov),
        OF(decay_of_weights, adam),
        OF(stored_steps, sgd),
        OF(stored_steps, momentum),
        OF(stored_steps, nesterov),
        OF(stored_steps, adam),
        cmocka_unit_test(running_fold),
        cmocka_unit_test(unknown_refused),
        cmocka_unit_test(unknown_flags_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("update", tests, subject_open, subject_close);
}
