/* The reference judged by itself: its backward against central differences of its own forward, all
 * in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "subject.h"

#include <math.h>
#include <stdlib.h>

/* Step and bound.  A central difference of step h errs by h^2 f'''/6, here about 1e-10, and by
 * 1e-16 f / h, about 1e-11. */
#define STEP 1e-5
#define BOUND 1e-6
#define MARGIN 1e-4 /* further from every kink than a step moves anything */
#define SAMPLE 24   /* parameters of a tensor */

static double loss_at(struct reference *ref, const struct repro_rows *rows, double *param,
                      double value)
{
    double before = *param;
    *param = value;
    reference_zero(ref);
    reference_forward(ref, rows);
    *param = before;
    return ref->loss;
}

/* |analytic - differences| / |analytic| over a sample of the tensor, in L2. */
static double tensor_error(struct trial *trial, const struct net_tensor *tensor, const double *grad,
                           double floor)
{
    struct reference *ref = &trial->reference;
    int64_t count = tensor->count < SAMPLE ? tensor->count : SAMPLE;
    double error = 0.0, norm = 0.0;
    for (int64_t k = 0; k < count; k++) {
        int64_t i = tensor->first + k * tensor->count / count;
        double *w = &ref->param[i], high = *w + STEP, low = *w - STEP;
        double slope = (loss_at(ref, &trial->rows, w, high) - loss_at(ref, &trial->rows, w, low)) /
                       (high - low);
        error += (slope - grad[i]) * (slope - grad[i]);
        norm += grad[i] * grad[i];
    }
    norm = sqrt(norm) > floor * sqrt((double)count) ? sqrt(norm) : floor * sqrt((double)count);
    return sqrt(error) / norm;
}

static void central_differences(void **state)
{
    struct trial trial;
    trial_without_backend(&trial, *state);
    trial_fill_clear(&trial, MARGIN);
    int64_t params = trial.net.graph.param_count;
    reference_forward(&trial.reference, &trial.rows);
    reference_backward(&trial.reference, 1.0);
    double *grad = guard_new((size_t)params, sizeof *grad), worst = 0.0;
    for (int64_t i = 0; i < params; i++)
        grad[i] = trial.reference.partial[i];
    for (size_t k = 0; k < trial.net.tensor_count; k++) {
        const struct net_tensor *tensor = &trial.net.tensors[k];
        if (tensor->arena != REPRO_ARENA_PARAM)
            continue;
        double error = tensor_error(&trial, tensor, grad, 1e-3 * reference_rms(grad, params));
        if (!(error < BOUND))
            fail_msg("%s: %.3g from its central differences", tensor->name, error);
        worst = error > worst ? error : worst;
    }
    print_message("# worst relative error %.1e\n", worst);
    guard_free(grad);
    trial_end(&trial);
}

/* One pixel, one logit a class: numbers worked by hand, so that something does not come from the
 * loops themselves. */
static int one_pixel(struct net *net)
{
    return -1 - net_dense(net, "dense", 0, GRAPH_CLASSES);
}

static void by_hand(void **state)
{
    static const struct graph_case graph_case = {"by_hand", 1, 1, 1, 1, 1, one_pixel};
    struct trial trial;
    (void)state;
    trial_without_backend(&trial, &graph_case);
    trial_fill(&trial, 1);
    struct reference *ref = &trial.reference;
    for (int i = 0; i < 2 * GRAPH_CLASSES; i++)
        ref->param[i] = 0.0;
    ref->param[GRAPH_CLASSES + 2] = log(6.0); /* softmax: 1/10 four times and 6/10 */
    trial.labels[0] = 2;
    reference_zero(ref);
    reference_forward(ref, &trial.rows);
    reference_backward(ref, 2.0);
    assert_true(fabs(ref->loss - log(10.0 / 6.0)) < 1e-14);
    assert_int_equal(ref->correct, 1);
    for (int i = 0; i < GRAPH_CLASSES; i++) {
        double source = ((double)trial.pixels[0] - (double)125.3f) / (double)63.0f,
               diff = 2.0 * (i == 2 ? -0.4 : 0.1);
        assert_true(fabs(ref->partial[GRAPH_CLASSES + i] - diff) < 1e-14);
        assert_true(fabs(ref->partial[i] - diff * source) < 1e-14);
    }
    trial_seal(&trial);
    trial_end(&trial);
}

int main(void)
{
    static struct CMUnitTest tests[GRAPH_CASE_MAX + 1];
    cmocka_set_message_output(CM_OUTPUT_TAP);
    tests[0] = (struct CMUnitTest)cmocka_unit_test(by_hand);
    for (int i = 0; i < graph_case_count; i++) {
        tests[i + 1] = (struct CMUnitTest)cmocka_unit_test_prestate(
            central_differences, (void *)(uintptr_t)&graph_cases[i]);
        tests[i + 1].name = graph_cases[i].name;
    }
    return cmocka_run_group_tests_name("reference", tests, NULL, NULL);
}
