/* Every op of a backend against the reference: logits, loss, correct answers, gradients and
 * batch-norm sums, on the graphs of graphs.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "graphs.h"
#include "guard.h"
#include "subject.h"

#include <stdlib.h>
#include <string.h>

/* f32 rounds at 6e-8; sums of a few hundred products and two divisions stay below 1e-6 */
#define BOUND 1e-5
#define MARGIN 1e-4 /* no rounding of f32 crosses a kink */

static const int arenas[] = {REPRO_ARENA_PARAM, REPRO_ARENA_PARTIAL, REPRO_ARENA_MOMENT1,
                             REPRO_ARENA_MOMENT2, REPRO_ARENA_RUNNING};
#define ARENAS ((int)(sizeof arenas / sizeof *arenas))

static int64_t arena_size(const struct trial *trial, int arena)
{
    const struct repro_graph *graph = &trial->net.graph;
    return arena == REPRO_ARENA_RUNNING   ? graph->running_count
           : arena == REPRO_ARENA_PARTIAL ? graph->param_count + graph->running_count
                                          : graph->param_count;
}

static void read_arenas(const struct trial *trial, float *copies[ARENAS])
{
    for (int i = 0; i < ARENAS; i++)
        copies[i] = subject_read(trial->compiled, arenas[i], 0, arena_size(trial, arenas[i]));
}

/* Fails when an arena is not what it was; frees the copies. */
static void arenas_unchanged(const struct trial *trial, float *copies[ARENAS])
{
    float *now[ARENAS];
    read_arenas(trial, now);
    for (int i = 0; i < ARENAS; i++) {
        if (memcmp(now[i], copies[i], (size_t)arena_size(trial, arenas[i]) * sizeof(float)) != 0)
            fail_msg("a forward changed arena %d", arenas[i]);
        guard_free(now[i]);
        guard_free(copies[i]);
    }
}

/* Forward, which changes no arena, and its results. */
static void forward(struct trial *trial, int mode, int64_t rows)
{
    float *before[ARENAS];
    read_arenas(trial, before);
    trial_forward(trial, mode, rows);
    trial_check_logits(trial, BOUND);
    trial_check_metrics(trial, BOUND);
    arenas_unchanged(trial, before);
}

static void against_reference(void **state)
{
    struct trial trial;
    subject_need();
    trial_of_case(&trial, *state);
    trial_fill_clear(&trial, MARGIN);
    trial_load(&trial, trial.compiled);
    trial_zero(&trial);
    forward(&trial, REPRO_MODE_TRAIN, trial.micro);
    trial_backward(&trial, 1.0 / trial.micro);
    double worst = trial_check_partial(&trial, BOUND);
    print_message("# worst relative error %.1e\n", worst);
    /* EVAL of any number of rows, then less than a micro added to what is there. */
    forward(&trial, REPRO_MODE_EVAL, 1);
    forward(&trial, REPRO_MODE_EVAL, trial.micro - 1);
    forward(&trial, REPRO_MODE_TRAIN, trial.ghost);
    trial_backward(&trial, 3.0);
    trial_check_partial(&trial, BOUND);
    forward(&trial, REPRO_MODE_EVAL, trial.micro);
    trial_check_partial(&trial, BOUND);
    trial_zero(&trial);
    trial_check_partial(&trial, 0.0);
    trial_end(&trial);
}

int main(void)
{
    static struct CMUnitTest tests[GRAPH_CASE_MAX];
    cmocka_set_message_output(CM_OUTPUT_TAP);
    for (int i = 0; i < graph_case_count; i++) {
        tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(against_reference,
                                                                (void *)(uintptr_t)&graph_cases[i]);
        tests[i].name = graph_cases[i].name;
    }
    return cmocka_run_group_tests_name("ops", tests, subject_open, subject_close);
}
