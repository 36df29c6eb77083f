/* Networks that are told for how many rows they will be called: the results of a network compiled
 * for that many alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "snapshot.h"
#include "subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BOUND 1e-6 /* relative L2: another count can make another order of sums */

static void start(struct trial *trial, const char *name, int ghosts)
{
    const struct graph_case *graph_case = graph_cases;
    subject_need();
    while (strcmp(graph_case->name, name) != 0)
        graph_case++;
    struct graph_case longer = *graph_case;
    longer.ghosts = ghosts;
    trial_without_backend(trial, &longer);
    subject_need_ops(&trial->net.graph);
    trial_fill(trial, 1);
}

static struct repro_net *compile(const struct trial *trial, int micro, const int32_t *counts,
                                 int32_t count)
{
    struct repro_net_options options = {.micro = micro, .counts = counts, .count_count = count};
    struct repro_net *net = trial_compile_with(trial, &options);
    trial_load(trial, net);
    return net;
}

static void pass(struct repro_net *net, const struct repro_rows *rows)
{
    subject_zero(net);
    subject_forward(net, rows);
    if (rows->mode == REPRO_MODE_TRAIN)
        subject_backward(net, 0.1);
}

static void close_to(const struct snapshot *got, const struct snapshot *want, int arena,
                     const char *words)
{
    int64_t count = snapshot_count(want, arena);
    double *exact = guard_new((size_t)count, sizeof *exact);
    for (int64_t i = 0; i < count; i++)
        exact[i] = (double)want->arenas[arena][i];
    double error = relative_error(got->arenas[arena], exact, count, 1e-6);
    guard_free(exact);
    subject_measured(error, BOUND, "%s, arena %d", words, arena);
    if (!(error <= BOUND))
        fail_msg("%s: arena %d is %g apart", words, arena, error);
}

/* Both networks do what `rows` say. */
static void agree(const struct trial *trial, struct repro_net *net, struct repro_net *exact,
                  int mode, int64_t count)
{
    struct repro_rows rows = trial->rows;
    struct snapshot got, want;
    char words[64];
    snprintf(words, sizeof words, "%s of %d rows", mode == REPRO_MODE_TRAIN ? "TRAIN" : "EVAL",
             (int)count);
    rows.mode = mode;
    rows.count = count;
    pass(net, &rows);
    pass(exact, &rows);
    snapshot_take(&got, &trial->net.graph, net, count);
    snapshot_take(&want, &trial->net.graph, exact, count);
    close_to(&got, &want, REPRO_ARENA_OUTPUT, words);
    close_to(&got, &want, REPRO_ARENA_PARTIAL, words);
    assert_int_equal(got.metrics.rows, count);
    assert_int_equal(got.metrics.correct, want.metrics.correct);
    if (!(fabs(got.metrics.loss - want.metrics.loss) <= BOUND * want.metrics.loss))
        fail_msg("%s: loss %.9g and %.9g", words, got.metrics.loss, want.metrics.loss);
    snapshot_free(&got);
    snapshot_free(&want);
}

/* Every number of rows that either mode allows, from the largest to the smallest and back. */
static void agree_everywhere(const struct trial *trial, struct repro_net *net)
{
    int micro = trial->micro, ghost = trial->ghost;
    for (int k = 0; k < 2 * micro; k++) {
        int count = k < micro ? micro - k : k - micro + 1,
            whole = (count + ghost - 1) / ghost * ghost;
        struct repro_net *exact = compile(trial, whole, NULL, 0);
        agree(trial, net, exact, REPRO_MODE_EVAL, count);
        if (count % ghost == 0)
            agree(trial, net, exact, REPRO_MODE_TRAIN, count);
        subject.backend.net_free(exact);
    }
}

static void smaller_sizes(void **state)
{
    static const char *const names[] = {"norm_relu", "inception", "conv_3x3_stride2",
                                        "norm_of_dense", "dropped"};
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct trial trial;
        start(&trial, names[i], 3); /* ghosts of 3, micro of 9 */
        int32_t counts[] = {3, 1, 9, 6, 3, 2};
        struct repro_net *net = compile(&trial, 0, counts, 6);
        memset(counts, 0x11, sizeof counts); /* they were borrowed */
        agree_everywhere(&trial, net);
        subject.backend.net_free(net);
        trial_end(&trial);
    }
}

/* More numbers than a backend may want to compile for. */
static void too_many_counts(void **state)
{
    struct trial trial;
    int32_t counts[36];
    (void)state;
    start(&trial, "norm_relu", 12);
    for (int order = 0; order < 3; order++) {
        for (int k = 0; k < 36; k++)
            counts[k] = order == 0 ? k + 1 : order == 1 ? 36 - k : k * 25 % 36 + 1;
        struct repro_net *net = compile(&trial, 0, counts, 36);
        if (order == 0) {
            agree_everywhere(&trial, net);
        } else {
            struct repro_net *exact = compile(&trial, 15, NULL, 0);
            for (int count = 1; count <= 15; count += 2)
                agree(&trial, net, exact, count % 3 == 0 ? REPRO_MODE_TRAIN : REPRO_MODE_EVAL,
                      count);
            subject.backend.net_free(exact);
        }
        subject.backend.net_free(net);
    }
    trial_end(&trial);
}

static void impossible_counts(void **state)
{
    static const struct {
        int32_t first, second, count;
    } bad[] = {{9, 0, 2}, {10, 1, 1}, {3, -3, 2}, {INT32_MIN, 1, 1}, {3, INT32_MAX, 2}, {3, 3, -1}};
    struct trial trial;
    struct repro_error error = {0};
    (void)state;
    subject_need_function(subject.backend.net_history != NULL,
                          "net_history: it is older than the counts");
    start(&trial, "norm_relu", 3);
    struct repro_net *mark = (struct repro_net *)(void *)&trial, *net = mark;
    struct repro_net_options options = {
        .struct_size = sizeof options, .micro = trial.micro, .ghost = trial.ghost};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t counts[] = {bad[i].first, bad[i].second};
        options.counts = counts;
        options.count_count = bad[i].count;
        subject_refused(
            subject.backend.net_compile(subject.device, &trial.net.graph, &options, &net, &error),
            &error, REPRO_ARGUMENT, "rows");
    }
    options.counts = NULL;
    options.count_count = 2;
    subject_refused(
        subject.backend.net_compile(subject.device, &trial.net.graph, &options, &net, &error),
        &error, REPRO_ARGUMENT, "rows");
    assert_ptr_equal(net, mark);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaller_sizes),
        cmocka_unit_test(too_many_counts),
        cmocka_unit_test(impossible_counts),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("counts", tests, subject_open, subject_close);
}
