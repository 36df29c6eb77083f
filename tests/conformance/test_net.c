/* Whole networks: "tiny", WRN-10-1 and a small Inception-ResNet-V2 against the reference, "tiny"
 * against central differences of the backend's own loss, sums of ghosts, and the arenas. */
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
#include <string.h>

#define BOUND 1e-5

/* What is compared, and the bounds of TRAIN's logits and gradients; EVAL's is BOUND.
 *
 * margin: a ReLU's source errs by some 1e-6 of its size behind ten layers of f32; one on the wrong
 * side of 0 would change a gradient by far more than a bound, with neither side wrong. */
struct whole {
    const char *name;
    int side, ghost, ghosts;
    double margin, logits, gradients;
};

static void whole_net(const struct whole *whole)
{
    struct trial trial;
    int micro = whole->ghost * whole->ghosts;
    subject_need();
    trial_of_name(&trial, whole->name, whole->side, 10, micro, whole->ghost);
    trial_fill_clear(&trial, whole->margin);
    trial_load(&trial, trial.compiled);
    trial_zero(&trial);
    trial_forward(&trial, REPRO_MODE_TRAIN, micro);
    double logits = trial_check_logits(&trial, whole->logits);
    trial_check_metrics(&trial, whole->logits);
    trial_backward(&trial, 1.0 / micro);
    double partial = trial_check_partial(&trial, whole->gradients);
    trial_forward(&trial, REPRO_MODE_EVAL, micro - 1);
    double eval = trial_check_logits(&trial, BOUND);
    print_message("# %s at %d: logits %.1e, gradients %.1e, EVAL %.1e\n", whole->name, whole->side,
                  logits, partial, eval);
    trial_end(&trial);
}

static void tiny_net(void **state)
{
    (void)state;
    whole_net(&(struct whole){"tiny", 32, 2, 2, 1e-5, BOUND, BOUND});
}

static void wide_residual_net(void **state)
{
    (void)state;
    whole_net(&(struct whole){"wrn-10-1", 32, 2, 2, 3e-6, BOUND, BOUND});
}

/* Every branch, kernel, padding and scale of the full network, behind each other.  A batch norm
 * whose values are few and near each other enlarges their rounding, up to 30 times with an epsilon
 * of .001, and there are three such stages: at 107 pixels the last one has 8 values a channel, at
 * 75, the smallest, only 4.  EVAL, which takes no statistics, keeps the bound of all. */
static void inception_net(void **state)
{
    (void)state;
    whole_net(&(struct whole){"inception-resnet-v2-16-10", 107, 2, 2, 1e-6, 5e-5, 3e-4});
}

static void inception_net_of_the_smallest_image(void **state)
{
    (void)state;
    whole_net(&(struct whole){"inception-resnet-v2-16-10", 75, 4, 1, 3e-6, 1e-4, 1e-3});
}

/* ---- Central differences of the backend's own loss ---- */

static double loss_with(struct trial *trial, int64_t i, float value)
{
    subject_write(trial->compiled, REPRO_ARENA_PARAM, i, 1, &value);
    subject_zero(trial->compiled);
    subject_forward(trial->compiled, &trial->rows);
    return subject_metrics(trial->compiled).loss;
}

/* The loss's slope along parameter i by differences of step 2^-13.  The losses' rounding of 1e-6
 * gives 1e-6 / 2^-12, some 4e-3; the ReLUs that the step carries across 0 give an error in
 * proportion to the step: 0.13 of the slope at 2^-8, 0.008 at 2^-13.  Bound: 3e-2 of the tensor's
 * largest slope, which a factor, a sign, a missing term or a transposed index exceeds. */
#define SLOPE_STEP 0x1p-13f
#define SLOPE_BOUND 3e-2

static void own_differences(void **state)
{
    (void)state;
    subject_need();
    struct trial trial;
    trial_of_name(&trial, "tiny", 16, 10, 6, 3);
    trial_fill_clear(&trial, 1e-5);
    trial_load(&trial, trial.compiled);
    trial_zero(&trial);
    trial_forward(&trial, REPRO_MODE_TRAIN, 6);
    trial_backward(&trial, 1.0);
    int64_t count = trial.net.graph.param_count;
    float *grad = subject_read(trial.compiled, REPRO_ARENA_PARTIAL, 0, count);
    float *param = subject_read(trial.compiled, REPRO_ARENA_PARAM, 0, count);
    double worst = 0.0;
    for (size_t k = 0; k < trial.net.tensor_count; k++) {
        const struct net_tensor *tensor = &trial.net.tensors[k];
        double largest = 0.0;
        for (int64_t i = tensor->first;
             tensor->arena == REPRO_ARENA_PARAM && i < tensor->first + tensor->count; i++)
            largest = fabs((double)grad[i]) > largest ? fabs((double)grad[i]) : largest;
        for (int64_t s = 0; tensor->arena == REPRO_ARENA_PARAM && s < 8 && s < tensor->count; s++) {
            int64_t i = tensor->first + s * tensor->count / (tensor->count < 8 ? tensor->count : 8);
            float high = param[i] + SLOPE_STEP, low = param[i] - SLOPE_STEP;
            double slope = (loss_with(&trial, i, high) - loss_with(&trial, i, low)) /
                           ((double)high - (double)low);
            subject_write(trial.compiled, REPRO_ARENA_PARAM, i, 1, &param[i]);
            double error = fabs(slope - (double)grad[i]) / largest;
            if (!(error < SLOPE_BOUND))
                fail_msg("%s[%d]: gradient %.6g, differences %.6g", tensor->name,
                         (int)(i - tensor->first), (double)grad[i], slope);
            worst = error > worst ? error : worst;
        }
    }
    print_message("# worst %.1e of the tensor's largest\n", worst);
    guard_free(grad);
    guard_free(param);
    trial_end(&trial);
}

/* ---- Ghosts add up ---- */

/* Rows first..first+count-1 of the trial's. */
static struct repro_rows part(const struct trial *trial, int64_t first, int64_t count)
{
    const struct repro_graph *graph = &trial->net.graph;
    struct repro_rows rows = trial->rows;
    rows.pixels += first * graph->channels * graph->height * graph->width;
    rows.labels += first;
    rows.image += first;
    rows.count = count;
    return rows;
}

/* One micro of three ghosts gives what three calls of one ghost give, but for the order of the
 * sum. */
static void ghosts_add_up(void **state)
{
    (void)state;
    subject_need();
    struct trial trial;
    trial_of_name(&trial, "tiny", 20, 10, 9, 3);
    trial_fill(&trial, 5);
    trial_load(&trial, trial.compiled);
    int64_t count = trial.net.graph.param_count + trial.net.graph.running_count;
    double *want = guard_new((size_t)count, sizeof *want);
    subject_zero(trial.compiled);
    subject_forward(trial.compiled, &trial.rows);
    subject_backward(trial.compiled, 1.0);
    float *whole = subject_read(trial.compiled, REPRO_ARENA_PARTIAL, 0, count);
    struct repro_metrics together = subject_metrics(trial.compiled);
    subject_zero(trial.compiled);
    for (int64_t first = 0; first < 9; first += 3) {
        struct repro_rows rows = part(&trial, first, 3);
        subject_forward(trial.compiled, &rows);
        subject_backward(trial.compiled, 1.0);
    }
    float *parts = subject_read(trial.compiled, REPRO_ARENA_PARTIAL, 0, count);
    struct repro_metrics apart = subject_metrics(trial.compiled);
    for (int64_t i = 0; i < count; i++)
        want[i] = (double)whole[i];
    assert_true(relative_error(parts, want, count, 0.0) < 2e-6);
    assert_true(fabs(together.loss - apart.loss) < 1e-6 * together.loss);
    assert_int_equal(together.correct, apart.correct);
    assert_int_equal(apart.rows, 9);
    guard_free(want);
    guard_free(whole);
    guard_free(parts);
    trial_end(&trial);
}

/* EVAL is a function of one row: alone, in another place or in company it gives the same logits,
 * and its running statistics are those of RUNNING. */
static void eval_rows_are_independent(void **state)
{
    (void)state;
    subject_need();
    struct trial trial;
    trial_of_name(&trial, "tiny", 20, 10, 6, 3);
    trial_fill(&trial, 6);
    trial_load(&trial, trial.compiled);
    trial_zero(&trial);
    trial_forward(&trial, REPRO_MODE_EVAL, 6);
    trial_check_logits(&trial, BOUND);
    float *together = subject_read(trial.compiled, REPRO_ARENA_OUTPUT, 0, 60);
    double want[10];
    for (int64_t n = 0; n < 6; n++) {
        struct repro_rows rows = part(&trial, n, 1);
        subject_forward(trial.compiled, &rows);
        float *alone = subject_read(trial.compiled, REPRO_ARENA_OUTPUT, 0, 10);
        for (int j = 0; j < 10; j++)
            want[j] = (double)together[n * 10 + j];
        assert_true(relative_error(alone, want, 10, 0.0) < 1e-6);
        guard_free(alone);
    }
    guard_free(together);
    trial_end(&trial);
}

/* ---- Arenas ---- */

/* Writes and reads at odd offsets; the neighbours stay. */
static void arenas_keep_what_is_written(void **state)
{
    static const int arenas[] = {REPRO_ARENA_PARAM, REPRO_ARENA_PARTIAL, REPRO_ARENA_MOMENT1,
                                 REPRO_ARENA_MOMENT2, REPRO_ARENA_RUNNING};
    (void)state;
    subject_need();
    struct trial trial;
    trial_of_name(&trial, "tiny", 16, 10, 2, 2);
    trial_fill(&trial, 7);
    const struct repro_graph *graph = &trial.net.graph;
    for (int k = 0; k < 5; k++) {
        int64_t size = arenas[k] == REPRO_ARENA_RUNNING ? graph->running_count : graph->param_count;
        size += arenas[k] == REPRO_ARENA_PARTIAL ? graph->running_count : 0;
        float *values = guard_new((size_t)size, sizeof *values),
              *fresh = subject_read(trial.compiled, arenas[k], 0, size);
        for (int64_t i = 0; i < size; i++) {
            assert_true(fresh[i] == 0.0f);
            values[i] = (float)(i + 1) / (float)(k + 3);
        }
        subject_write(trial.compiled, arenas[k], 0, size, values);
        for (int64_t i = 3; i < 10; i++)
            values[i] = -values[i];
        subject_write(trial.compiled, arenas[k], 3, 7, values + 3);
        subject_write(trial.compiled, arenas[k], size, 0, values);
        float *all = subject_read(trial.compiled, arenas[k], 0, size),
              *some = subject_read(trial.compiled, arenas[k], 5, size - 6);
        assert_memory_equal(all, values, (size_t)size * sizeof *all);
        assert_memory_equal(some, values + 5, (size_t)(size - 6) * sizeof *some);
        guard_free(values);
        guard_free(fresh);
        guard_free(all);
        guard_free(some);
    }
    trial_end(&trial);
}

static void refused(const struct trial *trial, int arena, int64_t first, int64_t count, int write)
{
    struct repro_error error = {0};
    float *values = guard_new(16, sizeof *values);
    int32_t code = write ? subject.backend.net_write(trial->compiled, arena, first, count, values,
                                                     &error)
                         : subject.backend.net_read(trial->compiled, arena, first, count, values,
                                                    &error);
    if (code == 0)
        fail_msg("arena %d took a %s of %lld floats from %lld", arena, write ? "write" : "read",
                 (long long)count, (long long)first);
    assert_int_equal(code, error.code);
    assert_true(error.text[0] != '\0');
    for (int i = 0; i < 16; i++)
        assert_true(isnan(values[i])); /* outputs are written on success only */
    guard_free(values);
}

static void ranges_outside_refused(void **state)
{
    (void)state;
    subject_need();
    struct trial trial;
    trial_of_name(&trial, "tiny", 16, 10, 2, 2);
    trial_fill(&trial, 8);
    int64_t params = trial.net.graph.param_count, running = trial.net.graph.running_count;
    for (int write = 0; write < 2; write++) {
        refused(&trial, REPRO_ARENA_PARAM, params - 1, 2, write);
        refused(&trial, REPRO_ARENA_PARAM, params + 1, 0, write);
        refused(&trial, REPRO_ARENA_PARAM, -1, 2, write);
        refused(&trial, REPRO_ARENA_PARAM, 0, -1, write);
        refused(&trial, REPRO_ARENA_PARAM, 1, INT64_MAX, write);
        refused(&trial, REPRO_ARENA_PARAM, INT64_MAX, INT64_MAX, write);
        refused(&trial, REPRO_ARENA_PARTIAL, params + running, 1, write);
        refused(&trial, REPRO_ARENA_MOMENT2, params, 1, write);
        refused(&trial, REPRO_ARENA_RUNNING, running - 1, 2, write);
        refused(&trial, 0, 0, 1, write);
        refused(&trial, REPRO_ARENA_OUTPUT + 1, 0, 1, write);
    }
    subject_forward(trial.compiled, &trial.rows);
    refused(&trial, REPRO_ARENA_OUTPUT, 0, 1, 1);
    refused(&trial, REPRO_ARENA_OUTPUT, 20, 1, 0);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_net),
        cmocka_unit_test(wide_residual_net),
        cmocka_unit_test(inception_net),
        cmocka_unit_test(inception_net_of_the_smallest_image),
        cmocka_unit_test(own_differences),
        cmocka_unit_test(ghosts_add_up),
        cmocka_unit_test(eval_rows_are_independent),
        cmocka_unit_test(arenas_keep_what_is_written),
        cmocka_unit_test(ranges_outside_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("net", tests, subject_open, subject_close);
}
