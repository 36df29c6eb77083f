/* A backend ($REPRO_CONFORMANCE_BACKEND, default onednn) against openblas: every op, a whole WRN,
 * and 50 updates of it, from the same parameters and rows, at every precision that it has.  Bounds
 * are relative L2: 1e-5 where both sum the definition in f32, 1e-4 where Winograd takes part, 1e-3
 * in tf32, 1e-2 in bf16. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "subject.h"

#include "backend/loader.h"
#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARGIN 1e-4

static struct repro_backend plain;
static struct repro_device *plain_device;
static char plain_reason[1200];

static int open_pair(void **state)
{
    struct repro_device_options options = {.struct_size = sizeof options};
    struct repro_error error = {0};
    struct err err = {0};
    setenv("REPRO_CONFORMANCE_BACKEND", "onednn", 0);
    int code = subject_open(state);
    if (backend_load("openblas", &plain, &err) != 0)
        snprintf(plain_reason, sizeof plain_reason, "%s", err.text);
    else if (plain.device_open(&options, &plain_device, &error) != 0)
        snprintf(plain_reason, sizeof plain_reason, "%s", error.text);
    return code;
}

static int close_pair(void **state)
{
    if (plain_device != NULL)
        plain.device_close(plain_device);
    return subject_close(state);
}

static void need(void)
{
    subject_need();
    if (plain_reason[0] != '\0') {
        print_message("# %s\n", plain_reason);
        skip();
    }
}

static int takes_winograd(const struct trial *trial)
{
    static char text[65536];
    struct repro_error error = {0};
    if (subject.backend.net_describe == NULL)
        return 0;
    subject_done(subject.backend.net_describe(trial->compiled, text, sizeof text, &error), &error);
    return strstr(text, "wino") != NULL;
}

/* The same net of the other backend, with the trial's parameters. */
static struct repro_net *plain_net(const struct trial *trial)
{
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = trial->micro,
                                        .ghost = trial->ghost};
    struct repro_error error = {0};
    struct repro_net *net = NULL;
    subject_done(plain.net_compile(plain_device, &trial->net.graph, &options, &net, &error),
                 &error);
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_RUNNING;
         arena += REPRO_ARENA_RUNNING - REPRO_ARENA_PARAM) {
        int64_t count = arena == REPRO_ARENA_PARAM ? trial->net.graph.param_count
                                                   : trial->net.graph.running_count;
        float *values = subject_read(trial->compiled, arena, 0, count);
        subject_done(plain.net_write(net, arena, 0, count, values, &error), &error);
        guard_free(values);
    }
    return net;
}

/* Relative L2 of the subject's arena against the other's. */
static double distance(const struct trial *trial, struct repro_net *net, int arena, int64_t count)
{
    struct repro_error error = {0};
    float *got = subject_read(trial->compiled, arena, 0, count),
          *other = guard_new((size_t)count, sizeof *other);
    double *want = guard_new((size_t)count, sizeof *want);
    subject_done(plain.net_read(net, arena, 0, count, other, &error), &error);
    for (int64_t i = 0; i < count; i++)
        want[i] = (double)other[i];
    double result = relative_error(got, want, count, 0.0);
    guard_free(got);
    guard_free(other);
    guard_free(want);
    return result;
}

static void pass(const struct repro_backend *backend, struct repro_net *net,
                 struct repro_rows *rows, int backward)
{
    struct repro_error error = {0};
    rows->mode = backward ? REPRO_MODE_TRAIN : REPRO_MODE_EVAL;
    subject_done(backend->net_zero(net, &error), &error);
    subject_done(backend->net_forward(net, rows, &error), &error);
    if (backward)
        subject_done(backend->net_backward(net, 1.0 / (double)rows->count, &error), &error);
}

/* bound is the logits', sums_bound that of gradients and batch-norm sums together. */
static void compare(struct trial *trial, struct repro_net *net, double bound, double sums_bound)
{
    const struct repro_graph *graph = &trial->net.graph;
    int64_t logits = trial->rows.count * graph->classes;
    pass(&subject.backend, trial->compiled, &trial->rows, 1);
    pass(&plain, net, &trial->rows, 1);
    double train = distance(trial, net, REPRO_ARENA_OUTPUT, logits);
    double grads = distance(trial, net, REPRO_ARENA_PARTIAL,
                            graph->param_count + graph->running_count);
    pass(&subject.backend, trial->compiled, &trial->rows, 0);
    pass(&plain, net, &trial->rows, 0);
    double eval = distance(trial, net, REPRO_ARENA_OUTPUT, logits);
    subject_measured(train, bound, "logits beside openblas's");
    subject_measured(grads, sums_bound, "gradients and batch-norm sums beside openblas's");
    subject_measured(eval, bound, "logits of EVAL beside openblas's");
    print_message("# logits %.1e, sums %.1e, EVAL %.1e, bound %.0e\n", train, grads, eval, bound);
    assert_true(train < bound && grads < sums_bound && eval < bound);
}

/* What a test is about; graph_case NULL: a whole network. */
struct pairing {
    const struct graph_case *graph_case;
    int precision;
};

/* Skips unless the device computes at this precision. */
static void need_precision(int precision)
{
    static const char *const names[] = {"", "f32", "tf32", "bf16"};
    if (subject.caps.precisions >> precision & 1)
        return;
    print_message("# %s has no %s on %s\n", subject.name, names[precision], subject.caps.device);
    skip();
}

/* The distance at which random rows keep from every kink: what rounding may move a value by. */
static double margin_of(int precision)
{
    return precision == REPRO_PRECISION_BF16   ? 1e-2
           : precision == REPRO_PRECISION_TF32 ? 3e-3
                                               : MARGIN;
}

static double bound_of(const struct trial *trial, int precision)
{
    return precision == REPRO_PRECISION_BF16   ? 1e-2
           : precision == REPRO_PRECISION_TF32 ? 1e-3
           : takes_winograd(trial)             ? 1e-4
                                               : 1e-5;
}

/* The trial's net anew, at a precision. */
static void recompile(struct trial *trial, int precision)
{
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = precision,
                                        .micro = trial->micro,
                                        .ghost = trial->ghost};
    struct repro_error error = {0};
    subject.backend.net_free(trial->compiled);
    trial->compiled = NULL;
    subject_done(subject.backend.net_compile(subject.device, &trial->net.graph, &options,
                                             &trial->compiled, &error),
                 &error);
}

static void every_op(void **state)
{
    const struct pairing *pairing = *state;
    struct trial trial;
    need();
    need_precision(pairing->precision);
    trial_of_case(&trial, pairing->graph_case);
    trial_fill_clear(&trial, margin_of(pairing->precision));
    recompile(&trial, pairing->precision);
    trial_load(&trial, trial.compiled);
    struct repro_net *net = plain_net(&trial);
    double bound = bound_of(&trial, pairing->precision);
    compare(&trial, net, bound, bound);
    plain.net_free(net);
    trial_end(&trial);
}

/* Sixteen layers deep, some ReLU's source lies closer to 0 than tf32 and bf16 round, whatever the
 * rows: the gradients differ there, by right.  f32's are held to its bound, the others' to the
 * coarsest; the logits to theirs. */
static void whole_wrn(void **state)
{
    const struct pairing *pairing = *state;
    struct trial trial;
    need();
    need_precision(pairing->precision);
    trial_of_name(&trial, "wrn-16-1", 32, 10, 8, 4);
    trial_fill_clear(&trial, pairing->precision == REPRO_PRECISION_F32 ? 1e-6 : 0.0);
    recompile(&trial, pairing->precision);
    trial_load(&trial, trial.compiled);
    struct repro_net *net = plain_net(&trial);
    double bound = bound_of(&trial, pairing->precision);
    compare(&trial, net, bound, pairing->precision == REPRO_PRECISION_F32 ? bound : 1e-2);
    plain.net_free(net);
    trial_end(&trial);
}

/* Momentum, on rows whose pixels move at every update.  Rounding grows along a training: a ReLU
 * falls on the other side now and then. */
static void fifty_updates(void **state)
{
    const struct pairing *pairing = *state;
    struct trial trial;
    need();
    need_precision(pairing->precision);
    trial_of_name(&trial, "wrn-10-1", 32, 10, 16, 8);
    trial_fill(&trial, 3);
    recompile(&trial, pairing->precision);
    trial_load(&trial, trial.compiled);
    struct repro_net *net = plain_net(&trial);
    double bound = bound_of(&trial, pairing->precision), worst = 0.0;
    struct repro_error error = {0};
    size_t bytes = (size_t)trial.rows.count * 32 * 32 * 3;
    for (int update = 1; update <= 50; update++) {
        struct repro_step step = {.struct_size = sizeof step,
                                  .optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                  .lr = 1e-4,
                                  .momentum = 0.9,
                                  .weight_decay = 5e-4,
                                  .update = update,
                                  .keep = 0.9,
                                  .ghosts = 2};
        for (size_t i = 0; i < bytes; i++)
            trial.pixels[i] = (uint8_t)(trial.pixels[i] * 5u + 3u);
        pass(&subject.backend, trial.compiled, &trial.rows, 1);
        pass(&plain, net, &trial.rows, 1);
        subject_update(trial.compiled, &step);
        subject_done(plain.net_update(net, &step, &error), &error);
        double params = distance(&trial, net, REPRO_ARENA_PARAM, trial.net.graph.param_count);
        worst = params > worst ? params : worst;
    }
    double running = distance(&trial, net, REPRO_ARENA_RUNNING, trial.net.graph.running_count);
    subject_measured(worst, bound, "parameters after fifty updates beside openblas's");
    subject_measured(running, bound, "running statistics after fifty updates beside openblas's");
    print_message("# parameters %.1e, running statistics %.1e, bound %.0e\n", worst, running,
                  bound);
    assert_true(worst < bound && running < bound);
    trial_seal(&trial);
    plain.net_free(net);
    trial_end(&trial);
}

/* Deep or discontinuous cases would need a wider margin than random rows keep; these show each op.
 * The last three have a ReLU, from which rows keep tf32's margin but not bf16's. */
static int is_shallow(const char *name, int precision)
{
    static const char *const names[] = {"dense_alone",      "norm",          "add_scaled",
                                        "concat_one",       "max_2x2",       "avg_3x3",
                                        "conv_twice_read",  "conv_1x1_bias", "conv_1x1",
                                        "conv_3x3_stride2", "conv_5x5_bias"};
    size_t count = sizeof names / sizeof *names - (precision == REPRO_PRECISION_BF16 ? 3 : 0);
    for (size_t k = 0; k < count; k++)
        if (strcmp(name, names[k]) == 0)
            return 1;
    return 0;
}

/* $REPRO_CONFORMANCE_PRECISION, a comma list, says which are tested; unset: all. */
static int is_wanted(const char *name)
{
    const char *list = getenv("REPRO_CONFORMANCE_PRECISION"),
               *found = list == NULL || *list == '\0' ? NULL : strstr(list, name);
    return list == NULL || *list == '\0' ||
           (found != NULL && (found == list || found[-1] == ',') &&
            (found[strlen(name)] == '\0' || found[strlen(name)] == ','));
}

int main(void)
{
    enum { PRECISIONS = 3 };
    static struct CMUnitTest tests[PRECISIONS * (GRAPH_CASE_MAX + 2)];
    static struct pairing pairings[PRECISIONS * (GRAPH_CASE_MAX + 2)];
    static const char *const names[] = {"", "f32", "tf32", "bf16"};
    static char titles[PRECISIONS * (GRAPH_CASE_MAX + 2)][64];
    int count = 0;
    for (int precision = REPRO_PRECISION_F32; precision <= REPRO_PRECISION_BF16; precision++) {
        for (int i = 0; i < graph_case_count + 2 && is_wanted(names[precision]); i++) {
            const struct graph_case *one = i < graph_case_count ? &graph_cases[i] : NULL;
            const char *name = one != NULL             ? one->name
                               : i == graph_case_count ? "whole_wrn"
                                                       : "fifty_updates";
            if (one != NULL && precision != REPRO_PRECISION_F32 && !is_shallow(name, precision))
                continue;
            pairings[count] = (struct pairing){one, precision};
            snprintf(titles[count], sizeof titles[count], "%s_%s", name, names[precision]);
            tests[count] = (struct CMUnitTest){titles[count],
                                               one != NULL             ? every_op
                                               : i == graph_case_count ? whole_wrn
                                                                       : fifty_updates,
                                               NULL, NULL, &pairings[count]};
            count++;
        }
    }
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return _cmocka_run_group_tests("pair", tests, (size_t)count, open_pair, close_pair);
}
