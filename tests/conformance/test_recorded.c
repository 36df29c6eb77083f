/* Sums of groups added on the device, and updates that nobody waits for, against the same sums and
 * looks on the host.
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
#include <string.h>

#define SLOTS 3

static void need_sums(void)
{
    subject_need_function(subject.backend.net_keep != NULL, "net_keep");
}

static void need_history(void)
{
    subject_need_function(subject.backend.net_history != NULL, "net_history");
}

static struct repro_net *start(struct trial *trial, const char *name, int slots)
{
    const struct graph_case *graph_case = graph_cases;
    struct repro_net_options options = {.slots = slots};
    while (strcmp(graph_case->name, name) != 0)
        graph_case++;
    trial_without_backend(trial, graph_case);
    subject_need_ops(&trial->net.graph);
    trial_fill(trial, 1);
    struct repro_net *net = trial_compile_with(trial, &options);
    trial_load(trial, net);
    return net;
}

static struct repro_net *another(const struct trial *trial)
{
    struct repro_net *net = trial_compile_with(trial, &(struct repro_net_options){.slots = 0});
    trial_load(trial, net);
    return net;
}

static void keep(struct repro_net *net, int32_t slot)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_keep(net, slot, &error), &error);
}

static void join(struct repro_net *net, int32_t slot)
{
    struct repro_error error = {0};
    subject_done(subject.backend.net_join(net, slot, &error), &error);
}

/* Group g: one or two micros of other rows. */
static void group(struct trial *trial, struct repro_net *net, int g)
{
    subject_zero(net);
    for (int i = 0; i <= g % 2; i++) {
        struct repro_rows rows = trial->rows;
        int64_t ghosts = (g + i) % (trial->micro / trial->ghost) + 1;
        rows.count = ghosts * trial->ghost;
        rows.pixels += (g + i) % 2 == 0 ? 0
                                        : (trial->micro - rows.count) * trial->net.graph.channels *
                                              trial->net.graph.height * trial->net.graph.width;
        rows.epoch = (uint32_t)g;
        subject_forward(net, &rows);
        subject_backward(net, 1.0 / (7.0 + g));
    }
}

/* ---- Sums ---- */

/* a = a + b as the contract has it: one f32 addition a float, a on the left. */
static void add_on_host(struct snapshot *a, const struct snapshot *b)
{
    float *left = a->arenas[REPRO_ARENA_PARTIAL], *right = b->arenas[REPRO_ARENA_PARTIAL];
    for (int64_t i = 0; i < snapshot_count(a, REPRO_ARENA_PARTIAL); i++)
        left[i] = left[i] + right[i];
    a->metrics.loss = a->metrics.loss + b->metrics.loss;
    a->metrics.correct += b->metrics.correct;
    a->metrics.rows += b->metrics.rows;
}

static void partial_is(struct repro_net *net, const struct snapshot *want, const char *words)
{
    struct snapshot got;
    snapshot_take(&got, want->graph, net, want->rows);
    snapshot_same_arenas(&got, want, 1u << REPRO_ARENA_PARTIAL | 1u << REPRO_ARENA_PARAM, words);
    assert_memory_equal(&got.metrics.loss, &want->metrics.loss, sizeof want->metrics.loss);
    assert_int_equal(got.metrics.correct, want->metrics.correct);
    assert_int_equal(got.metrics.rows, want->metrics.rows);
    snapshot_free(&got);
}

/* ((g0 + g1) + (g2 + g3)) + g4 by slots, read or not in between, five times over. */
static void a_tree_of_groups(void **state)
{
    struct trial trial;
    struct snapshot group_of[5];
    (void)state;
    need_sums();
    struct repro_net *net = start(&trial, "norm_relu", SLOTS), *host = another(&trial);
    const struct repro_graph *graph = &trial.net.graph;
    for (int g = 0; g < 5; g++) {
        group(&trial, host, g);
        snapshot_take(&group_of[g], graph, host, 0);
    }
    add_on_host(&group_of[0], &group_of[1]);
    add_on_host(&group_of[2], &group_of[3]);
    add_on_host(&group_of[0], &group_of[2]);
    add_on_host(&group_of[0], &group_of[4]);
    for (int round = 0; round < 5; round++) {
        for (int g = 0; g < 5; g++) {
            group(&trial, net, g);
            if (round == 4)
                subject_metrics(net);
            if (g % 2 == 1)
                join(net, 0);
            if (g == 3)
                join(net, 1);
            if (g < 4)
                keep(net, g == 3 ? 2 : g % 2 == 1 ? 1 : 0);
        }
        join(net, 2);
        partial_is(net, &group_of[0], "a tree of five groups");
    }
    for (int g = 0; g < 5; g++)
        snapshot_free(&group_of[g]);
    subject.backend.net_free(net);
    subject.backend.net_free(host);
    trial_end(&trial);
}

/* A slot outlives zeroes, forwards, joins and updates; keeping changes nothing but the slot. */
static void slots_stay(void **state)
{
    struct trial trial;
    struct snapshot zero, one, two, sum;
    struct repro_step step = {.struct_size = sizeof step,
                              .optimizer = REPRO_OPTIMIZER_SGD,
                              .lr = 0.0,
                              .update = 1,
                              .keep = 1.0,
                              .ghosts = 1};
    (void)state;
    need_sums();
    struct repro_net *net = start(&trial, "conv_3x3", SLOTS);
    const struct repro_graph *graph = &trial.net.graph;
    subject_zero(net);
    snapshot_take(&zero, graph, net, 0);
    group(&trial, net, 0);
    snapshot_take(&one, graph, net, 0);
    keep(net, 2);
    partial_is(net, &one, "keeping");
    group(&trial, net, 1);
    snapshot_take(&two, graph, net, 0);
    keep(net, 0);
    subject_update(net, &step);
    subject_zero(net);
    partial_is(net, &zero, "zero after joins");
    join(net, 2);
    partial_is(net, &one, "0 and the first slot");
    join(net, 0);
    snapshot_take(&sum, graph, net, 0);
    add_on_host(&two, &one);
    snapshot_same(&sum, &two, "two slots");
    keep(net, 0); /* takes its place */
    subject_zero(net);
    join(net, 0);
    partial_is(net, &two, "a slot kept again");
    join(net, 0); /* on itself */
    memcpy(sum.arenas[REPRO_ARENA_PARTIAL], two.arenas[REPRO_ARENA_PARTIAL],
           (size_t)snapshot_count(&two, REPRO_ARENA_PARTIAL) * sizeof(float));
    add_on_host(&two, &sum);
    partial_is(net, &two, "twice the same");
    snapshot_free(&zero);
    snapshot_free(&one);
    snapshot_free(&two);
    snapshot_free(&sum);
    subject.backend.net_free(net);
    trial_end(&trial);
}

static void slots_out_of_range(void **state)
{
    static const int32_t slots[] = {SLOTS, -1, INT32_MAX, INT32_MIN};
    struct repro_error error = {0};
    struct trial trial;
    (void)state;
    need_sums();
    struct repro_net *net = start(&trial, "conv_3x3", SLOTS), *none = another(&trial);
    for (int i = 0; i < 4; i++) {
        subject_refused(subject.backend.net_keep(net, slots[i], &error), &error, REPRO_ARGUMENT,
                        "slot");
        subject_refused(subject.backend.net_join(net, slots[i], &error), &error, REPRO_ARGUMENT,
                        "slot");
    }
    subject_refused(subject.backend.net_keep(none, 0, &error), &error, REPRO_ARGUMENT, "slot 0");
    subject_refused(subject.backend.net_join(none, 0, &error), &error, REPRO_ARGUMENT, "slot 0");
    struct repro_net_options options = {
        .struct_size = sizeof options, .micro = trial.micro, .ghost = trial.ghost, .slots = -1};
    struct repro_net *mark = net;
    subject_refused(
        subject.backend.net_compile(subject.device, &trial.net.graph, &options, &mark, &error),
        &error, REPRO_ARGUMENT, "-1 slots");
    assert_ptr_equal(mark, net);
    subject.backend.net_free(net);
    subject.backend.net_free(none);
    trial_end(&trial);
}

/* ---- History ---- */

static struct repro_step step_of(int64_t update)
{
    return (struct repro_step){.struct_size = sizeof(struct repro_step),
                               .optimizer = REPRO_OPTIMIZER_ADAM,
                               .lr = 1e-3,
                               .beta1 = 0.9,
                               .beta2 = 0.999,
                               .epsilon = 1e-8,
                               .update = update,
                               .keep = 0.9,
                               .ghosts = 3,
                               .weight_decay = 1e-3};
}

static void recorded(struct trial *trial, struct repro_net *net, int64_t update)
{
    struct repro_step step = step_of(update);
    step.flags = REPRO_STEP_RECORD;
    group(trial, net, (int)(update % 11));
    subject_update(net, &step);
}

static struct repro_history history(struct repro_net *net, int64_t least)
{
    struct repro_history history = {.struct_size = sizeof history, .count = -1};
    struct repro_error error = {0};
    subject_done(subject.backend.net_history(net, least, &history, &error), &error);
    assert_in_range(history.count, least, REPRO_HISTORY);
    return history;
}

static void history_refused(struct repro_net *net, int64_t least)
{
    struct repro_history history = {.struct_size = sizeof history, .count = -7};
    struct repro_error error = {0};
    subject_refused(subject.backend.net_history(net, least, &history, &error), &error,
                    REPRO_ARGUMENT, "record");
    assert_int_equal(history.count, -7);
}

/* The record of an update says what net_metrics would have said before it, whenever it is read. */
static void records_are_metrics(void **state)
{
    enum { UPDATES = 150 };
    static struct repro_metrics want[UPDATES];
    struct trial trial;
    (void)state;
    need_history();
    struct repro_net *net = start(&trial, "dropped", 0), *asked = another(&trial);
    int64_t read = 0;
    for (int64_t update = 1; update <= UPDATES; update++) {
        struct repro_step step = step_of(update);
        group(&trial, asked, (int)(update % 11));
        want[update - 1] = subject_metrics(asked);
        subject_update(asked, &step);
        recorded(&trial, net, update);
        int64_t unread = update - read, least = update == UPDATES ? unread
                                                : update < 60     ? 0
                                                                  : unread * (update % 3) / 2;
        if (update < 60 ? update % 7 != 0 : update % 5 != 0 && update != UPDATES)
            continue;
        struct repro_history records = history(net, least > unread ? unread : least);
        assert_in_range(records.count, 0, unread);
        for (int32_t i = 0; i < records.count; i++, read++)
            if (records.loss[i] != want[read].loss || records.correct[i] != want[read].correct ||
                records.rows[i] != want[read].rows)
                fail_msg("record %d: loss %.17g of %d rows, %.17g of %d were due", (int)read,
                         records.loss[i], (int)records.rows[i], want[read].loss,
                         (int)want[read].rows);
    }
    assert_int_equal(read, UPDATES);
    assert_int_equal(history(net, 0).count, 0);
    snapshots_same(&trial.net.graph, net, asked, 0, "recorded and asked");
    subject.backend.net_free(net);
    subject.backend.net_free(asked);
    trial_end(&trial);
}

/* Joined groups count, a plain update leaves no record, and an evaluation in between touches
 * none. */
static void records_of_joined_groups(void **state)
{
    struct trial trial;
    struct repro_metrics want[2];
    (void)state;
    need_history();
    need_sums();
    struct repro_net *net = start(&trial, "norm_relu", 1);
    struct repro_rows eval = trial.rows;
    eval.mode = REPRO_MODE_EVAL;
    eval.count = 1;
    for (int i = 0; i < 2; i++) {
        struct repro_step step = step_of(2 * i + 1);
        group(&trial, net, i);
        keep(net, 0);
        group(&trial, net, i + 2);
        join(net, 0);
        want[i] = subject_metrics(net);
        step.flags = REPRO_STEP_RECORD;
        subject_update(net, &step);
        subject_zero(net);
        subject_forward(net, &eval);
        group(&trial, net, 5);
        step = step_of(2 * i + 2);
        subject_update(net, &step);
    }
    struct repro_history records = history(net, 2);
    assert_int_equal(records.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(records.loss[i] == want[i].loss);
        assert_int_equal(records.correct[i], want[i].correct);
        assert_int_equal(records.rows[i], want[i].rows);
    }
    subject.backend.net_free(net);
    trial_end(&trial);
}

/* The 65th is refused and changes nothing; one record read makes room for one update. */
static void room_for_records(void **state)
{
    struct trial trial;
    struct repro_error error = {0};
    struct repro_step step = step_of(REPRO_HISTORY + 1);
    (void)state;
    need_history();
    struct repro_net *net = start(&trial, "dense_of_one_pixel", 0), *asked = another(&trial);
    history_refused(net, 1);
    history_refused(net, -1);
    for (int64_t update = 1; update <= REPRO_HISTORY; update++) {
        struct repro_step plain = step_of(update);
        recorded(&trial, net, update);
        group(&trial, asked, (int)(update % 11));
        subject_update(asked, &plain);
    }
    group(&trial, net, 1);
    group(&trial, asked, 1);
    step.flags = REPRO_STEP_RECORD;
    subject_refused(subject.backend.net_update(net, &step, &error), &error, REPRO_ARGUMENT,
                    "unread");
    snapshots_same(&trial.net.graph, net, asked, 0, "after the refusal");
    history_refused(net, REPRO_HISTORY + 1);
    history_refused(net, INT64_MIN);
    struct repro_history few = history(net, REPRO_HISTORY);
    assert_int_equal(few.count, REPRO_HISTORY);
    history_refused(net, 1);
    subject_update(net, &step);
    step.flags = 0;
    subject_update(asked, &step);
    snapshots_same(&trial.net.graph, net, asked, 0, "with room again");
    step.flags = 1u << 7;
    subject_refused(subject.backend.net_update(net, &step, &error), &error, REPRO_UNSUPPORTED,
                    "flag");
    step.flags = 0;
    step.reserved = 1;
    subject_refused(subject.backend.net_update(net, &step, &error), &error, REPRO_UNSUPPORTED,
                    "reserved");
    struct repro_history small = {.struct_size = offsetof(struct repro_history, correct),
                                  .correct = {-5}};
    subject_done(subject.backend.net_history(net, 1, &small, &error), &error);
    assert_true(small.count == 1 && small.loss[0] > 0.0 && small.correct[0] == -5);
    subject.backend.net_free(net);
    subject.backend.net_free(asked);
    trial_end(&trial);
}

/* ---- What a loss that is no finite number stops ---- */

#define LEARNT                                                                         \
    (1u << REPRO_ARENA_PARAM | 1u << REPRO_ARENA_MOMENT1 | 1u << REPRO_ARENA_MOMENT2 | \
     1u << REPRO_ARENA_RUNNING)

static void learnt_is(struct repro_net *net, const struct snapshot *want, const char *words)
{
    struct snapshot got;
    snapshot_take(&got, want->graph, net, 0);
    snapshot_same_arenas(&got, want, LEARNT, words);
    snapshot_free(&got);
}

/* The weights explode in update 3, so that update 4's loss is none; everything stays as update 3
 * left it. */
static void stops_at_the_update(void **state)
{
    struct trial trial;
    struct snapshot before;
    (void)state;
    need_history();
    struct repro_net *net = start(&trial, "norm_relu", 0);
    for (int64_t update = 1; update <= 9; update++) {
        struct repro_step step = step_of(update);
        step.lr = update == 3 ? 1e39 : 1e-3; /* no float */
        step.flags = REPRO_STEP_RECORD;
        group(&trial, net, (int)update);
        subject_update(net, &step);
        if (update == 3)
            snapshot_take(&before, &trial.net.graph, net, 0);
    }
    struct repro_history records = history(net, 9);
    for (int i = 0; i < 9; i++)
        assert_int_equal(isfinite(records.loss[i]) != 0, i < 3);
    learnt_is(net, &before, "after the explosion");
    snapshot_free(&before);
    subject.backend.net_free(net);
    trial_end(&trial);
}

/* A negative running variance makes the loss of an EVAL forward NaN, and leaves the TRAIN ones as
 * they are: the updates behind it have finite losses and do nothing all the same. */
static void goes_on_when_written(void **state)
{
    struct trial trial;
    struct snapshot before, after;
    (void)state;
    need_history();
    struct repro_net *net = start(&trial, "norm", 0);
    const struct repro_graph *graph = &trial.net.graph;
    struct repro_rows eval = trial.rows;
    eval.mode = REPRO_MODE_EVAL;
    for (int64_t update = 1; update <= 2; update++)
        recorded(&trial, net, update);
    float *running = subject_read(net, REPRO_ARENA_RUNNING, 0, graph->running_count);
    for (int64_t i = 0; i < graph->running_count; i++)
        running[i] = -5.0f;
    subject_write(net, REPRO_ARENA_RUNNING, 0, graph->running_count, running);
    guard_free(running);
    snapshot_take(&before, graph, net, 0);
    struct repro_step step = step_of(3);
    step.flags = REPRO_STEP_RECORD;
    group(&trial, net, 1);
    subject_forward(net, &eval);
    subject_update(net, &step);
    for (int64_t update = 4; update <= 6; update++)
        recorded(&trial, net, update);
    struct repro_history records = history(net, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(isfinite(records.loss[i]) != 0, i != 2);
    learnt_is(net, &before, "updates behind the one that stopped");
    subject_write(net, REPRO_ARENA_MOMENT1, 0, graph->param_count,
                  before.arenas[REPRO_ARENA_MOMENT1]);
    subject_write(net, REPRO_ARENA_RUNNING, 0, graph->running_count,
                  before.arenas[REPRO_ARENA_RUNNING]);
    recorded(&trial, net, 7);
    learnt_is(net, &before, "another arena written");
    struct repro_net *fresh = another(&trial);
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_RUNNING; arena++)
        subject_write(fresh, arena, 0, snapshot_count(&before, arena), before.arenas[arena]);
    subject_write(net, REPRO_ARENA_PARAM, 0, 1, before.arenas[REPRO_ARENA_PARAM]);
    for (int64_t update = 8; update <= 10; update++) {
        recorded(&trial, net, update);
        recorded(&trial, fresh, update);
    }
    snapshots_same(graph, net, fresh, 0, "PARAM written");
    snapshot_take(&after, graph, net, 0);
    assert_true(snapshot_differs(&before, &after, REPRO_ARENA_PARAM));
    snapshot_free(&before);
    snapshot_free(&after);
    subject.backend.net_free(net);
    subject.backend.net_free(fresh);
    trial_end(&trial);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_of_groups),         cmocka_unit_test(slots_stay),
        cmocka_unit_test(slots_out_of_range),       cmocka_unit_test(records_are_metrics),
        cmocka_unit_test(records_of_joined_groups), cmocka_unit_test(room_for_records),
        cmocka_unit_test(stops_at_the_update),      cmocka_unit_test(goes_on_when_written),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("recorded", tests, subject_open, subject_close);
}
