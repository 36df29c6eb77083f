/* An update is what the paper means, and the same bits however it is computed. */
#include "fixture.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"
#include "train/trainer_parts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define END INT64_MAX

static const int optimizers[] = {REPRO_OPTIMIZER_SGD, REPRO_OPTIMIZER_MOMENTUM,
                                 REPRO_OPTIMIZER_NESTEROV, REPRO_OPTIMIZER_ADAM};
#define OPTIMIZERS (sizeof optimizers / sizeof *optimizers)

/* |a - b| / |b| in L2. */
static double difference(const float *a, const float *b, size_t count)
{
    double apart = 0.0, size = 0.0;
    for (size_t i = 0; i < count; i++) {
        apart += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        size += (double)b[i] * b[i];
    }
    return sqrt(apart / size);
}

static void the_same_run_twice(void **state)
{
    (void)state;
    fixture_need();
    for (size_t i = 0; i < OPTIMIZERS; i++) {
        struct schedule schedule = fixture_schedule(optimizers[i], 8, 1);
        struct trainer_config config = fixture_config(&schedule);
        struct trainer *one = fixture_trainer(&config), *two = fixture_trainer(&config);
        fixture_same(one, two, "initial");
        fixture_train(one, END);
        fixture_train(two, END);
        fixture_same(one, two, "after two epochs");
        config.seed++;
        struct trainer *other = fixture_trainer(&config);
        size_t count;
        float *a = fixture_arenas(one, &count), *b = fixture_arenas(other, &count);
        assert_memory_not_equal(a, b, count * sizeof *a);
        mem_free(a);
        mem_free(b);
        trainer_free(one);
        trainer_free(two);
        trainer_free(other);
    }
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    config.micro = 12;
    struct trainer *one = fixture_trainer(&config);
    config.device = fixture_device(2);
    struct trainer *two = fixture_trainer(&config);
    fixture_train(one, END);
    fixture_train(two, END);
    fixture_same(one, two, "1 and 2 threads");
    trainer_free(one);
    trainer_free(two);
    fixture.backend.device_close(config.device);
}

/* Copies PARTIAL of the first update. */
static float *first_gradient(const struct schedule *schedule, int64_t micro, int64_t groups,
                             size_t *count)
{
    struct trainer_config config = fixture_config(schedule);
    config.micro = micro;
    config.groups = groups;
    struct trainer *trainer = fixture_trainer(&config);
    fixture_train(trainer, 1);
    trainer_free(trainer);
    *count = (size_t)(fixture.net.graph.param_count + fixture.net.graph.running_count);
    float *copy = mem_new(*count, sizeof *copy, NULL);
    memcpy(copy, fixture.partial, *count * sizeof *copy);
    return copy;
}

/* The cut into micros and groups changes only the order of a sum. */
static void a_batch_is_the_sum_of_its_micros(void **state)
{
    (void)state;
    fixture_need();
    static const int64_t cuts[][2] = {{4, 1},  {4, 2},  {4, 3},  {4, 8}, {8, 8},
                                      {12, 2}, {20, 8}, {36, 8}, {72, 1}};
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 36, 1);
    size_t count;
    float *whole = first_gradient(&schedule, 36, 1, &count);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        float *cut = first_gradient(&schedule, cuts[i][0], cuts[i][1], &count);
        double apart = difference(cut, whole, count);
        if (!(apart < 1e-6))
            fail_msg("micro %d, %d groups: %g apart", (int)cuts[i][0], (int)cuts[i][1], apart);
        mem_free(cut);
    }
    mem_free(whole);
}

/* The mean over the batch: four single micros, each trained as a batch of its own, average to
 * it. */
static void a_gradient_is_a_mean(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 36, 1);
    size_t count, gradients = (size_t)fixture.net.graph.param_count;
    float *whole = first_gradient(&schedule, 4, 8, &count),
          *sum = mem_new(count, sizeof *sum, NULL);
    struct repro_net *net;
    struct repro_net_options options = {
        .struct_size = sizeof options, .precision = REPRO_PRECISION_F32, .micro = 4, .ghost = 4};
    struct repro_error error = {0};
    struct err err = {0};
    int64_t order[FIXTURE_TRAIN_N];
    assert_int_equal(
        fixture.backend.net_compile(fixture.device, &fixture.net.graph, &options, &net, &error), 0);
    float *param = mem_new(gradients, sizeof *param, NULL),
          *running = mem_new(count - gradients, sizeof *running, NULL);
    net_initial(&fixture.net, 3, param, running);
    assert_int_equal(
        fixture.backend.net_write(net, REPRO_ARENA_PARAM, 0, (int64_t)gradients, param, &error), 0);
    batch_order(3, 0, FIXTURE_TRAIN_N, order);
    uint8_t pixels[4 * 8 * 8 * 3];
    int32_t labels[4];
    float *one = mem_new(count, sizeof *one, NULL);
    for (int m = 0; m < 9; m++) {
        assert_int_equal(
            dataset_augmented(&fixture.data, 3, 0, order + 4 * m, 4, pixels, labels, &err), 0);
        struct repro_rows rows = {.struct_size = sizeof rows,
                                  .mode = REPRO_MODE_TRAIN,
                                  .count = 4,
                                  .pixels = pixels,
                                  .labels = labels,
                                  .image = order + 4 * m,
                                  .seed = 3};
        assert_int_equal(fixture.backend.net_zero(net, &error), 0);
        assert_int_equal(fixture.backend.net_forward(net, &rows, &error), 0);
        /* the mean of its four rows */
        assert_int_equal(fixture.backend.net_backward(net, 0.25, &error), 0);
        assert_int_equal(
            fixture.backend.net_read(net, REPRO_ARENA_PARTIAL, 0, (int64_t)count, one, &error), 0);
        for (size_t i = 0; i < count; i++)
            sum[i] += i < gradients ? one[i] / 9.0f : one[i]; /* batch-norm sums are sums */
    }
    assert_true(difference(whole, sum, gradients) < 1e-6);
    assert_true(difference(whole + gradients, sum + gradients, count - gradients) < 1e-6);
    fixture.backend.net_free(net);
    mem_free(whole);
    mem_free(sum);
    mem_free(one);
    mem_free(param);
    mem_free(running);
}

static void groups_agree_after_two_epochs(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    float *first = NULL;
    static const int64_t groups[] = {1, 2, 8};
    for (int i = 0; i < 3; i++) {
        struct trainer_config config = fixture_config(&schedule);
        config.groups = groups[i];
        struct trainer *trainer = fixture_trainer(&config);
        fixture_train(trainer, END);
        size_t count;
        float *values = fixture_arenas(trainer, &count);
        if (first != NULL && !(difference(values, first, count) < 1e-4))
            fail_msg("%d groups: %g apart", (int)groups[i], difference(values, first, count));
        trainer_free(trainer);
        if (first != NULL)
            mem_free(values);
        else
            first = values;
    }
    mem_free(first);
}

/* The images in the order they reach the backend: by epoch alone, each once. */
static void the_order_is_the_epochs(void **state)
{
    (void)state;
    fixture_need();
    uint8_t pixels[8 * 8 * 3];
    int32_t label;
    struct err err = {0};
    static const int64_t batches[] = {4, 12, 36}; /* all divide 72, and so do their doubles */
    for (int i = 0; i < 3; i++) {
        struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, batches[i], 1);
        struct trainer_config config = fixture_config(&schedule);
        config.micro = batches[i];
        struct trainer *trainer = fixture_trainer(&config);
        fixture.image_count = 0;
        fixture.pixel_hash = 0;
        fixture_train(trainer, END);
        trainer_free(trainer);
        assert_int_equal(fixture.image_count, 2 * FIXTURE_TRAIN_N);
        uint64_t hash = 0;
        for (uint32_t epoch = 0; epoch < 2; epoch++) {
            int64_t order[FIXTURE_TRAIN_N], seen[FIXTURE_TRAIN_N] = {0};
            batch_order(3, epoch, FIXTURE_TRAIN_N, order);
            for (int r = 0; r < FIXTURE_TRAIN_N; r++) {
                assert_int_equal(fixture.images[epoch * FIXTURE_TRAIN_N + r], order[r]);
                assert_int_equal(seen[order[r]]++, 0);
                assert_int_equal(
                    dataset_augmented(&fixture.data, 3, epoch, &order[r], 1, pixels, &label, &err),
                    0);
                hash = fixture_hash(hash, pixels, label);
            }
        }
        assert_true(hash == fixture.pixel_hash); /* cropped and flipped by epoch and image alone */
    }
}

static void counts_are_the_plan(void **state)
{
    (void)state;
    fixture_need();
    for (int64_t batch = 4; batch <= 36; batch += 4) {
        struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, batch, 1);
        struct trainer_config config = fixture_config(&schedule);
        config.micro = 36;
        struct trainer *trainer = fixture_trainer(&config);
        const struct trainer_state *now = trainer_state(trainer);
        for (int epoch = 0; epoch < 2; epoch++) {
            int64_t updates = FIXTURE_TRAIN_N / (batch << epoch), rows = updates * (batch << epoch);
            assert_int_equal(now->update, schedule_updates_before(&schedule, epoch));
            fixture_train(trainer, now->update + updates);
            assert_true(trainer_epoch_done(trainer));
            assert_int_equal(now->update_in_epoch, updates);
            assert_int_equal(now->rows, rows);
            struct trainer_score score = trainer_end_epoch(trainer);
            assert_true(score.loss > 0.0 && score.accuracy >= 0.0 && score.accuracy <= 1.0);
            assert_int_equal(now->rows, 0);
        }
        assert_int_equal(now->update, schedule.updates);
        trainer_free(trainer);
    }
}

/* What the optimizer is told: the phase's lr and momentum, and a time constant counted in
 * images. */
static void the_step_follows_the_schedule(void **state)
{
    (void)state;
    fixture_need();
    for (int grow = 0; grow < 2; grow++) {
        struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_NESTEROV, 12, grow);
        struct trainer_config config = fixture_config(&schedule);
        struct trainer *trainer = fixture_trainer(&config);
        for (int64_t update = 1; update <= schedule.updates; update++) {
            int second = update > 6;
            int64_t batch = second && grow ? 24 : 12;
            fixture_train(trainer, update);
            assert_int_equal(fixture.step.update, update);
            assert_int_equal(fixture.step.optimizer, REPRO_OPTIMIZER_NESTEROV);
            assert_int_equal(fixture.step.ghosts, batch / 4);
            assert_true(fabs(fixture.step.keep - exp(log(0.9) * (double)batch / 128.0)) < 1e-15);
            assert_true(fabs(fixture.step.lr - (second && !grow ? 0.025 : 0.05)) < 1e-15);
            assert_true(fixture.step.momentum == 0.9 && fixture.step.weight_decay == 5e-4);
        }
        trainer_free(trainer);
    }
}

static void it_learns(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = 0.05,
                                 .momentum = 0.9,
                                 .train_n = FIXTURE_TRAIN_N,
                                 .batch = 12,
                                 .ghost = 12,
                                 .epochs = 12};
    struct schedule schedule;
    assert_int_equal(schedule_build(&spec, &schedule, &err), 0);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = fixture_trainer(&config);
    struct trainer_score before, again, first = {0}, last = {0};
    double l2_before, l2_after;
    assert_int_equal(trainer_evaluate(trainer, &before, &err), 0);
    assert_int_equal(trainer_l2(trainer, &l2_before, &err), 0);
    for (int epoch = 0; epoch < 12; epoch++) {
        while (!trainer_epoch_done(trainer))
            assert_int_equal(trainer_update(trainer, &err), 0);
        last = trainer_end_epoch(trainer);
        if (epoch == 0)
            first = last;
    }
    if (!(last.loss < 0.5 * first.loss))
        fail_msg("loss %g after the first epoch, %g after the last", first.loss, last.loss);
    assert_int_equal(trainer_evaluate(trainer, &again, &err), 0);
    assert_int_equal(trainer_l2(trainer, &l2_after, &err), 0);
    assert_true(l2_before > 0.0 && l2_after > 0.0 && l2_before != l2_after);
    struct trainer_score twice;
    assert_int_equal(trainer_evaluate(trainer, &twice, &err), 0);
    assert_memory_equal(&again, &twice, sizeof twice);
    trainer_free(trainer);
}

/* Whether rows of the test set are made ahead or when asked for, and wherever they are asked for:
 * the same scores, and what was trained behind them the same. */
static void evaluation_ahead_changes_nothing(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    config.micro = 8; /* 20 test images: two of them and a rest */
    struct trainer *plain = fixture_trainer(&config);
    config.evaluates = 1;
    struct trainer *ahead = fixture_trainer(&config);
    for (int epoch = 0; epoch < schedule.epochs; epoch++) {
        struct trainer_score a, b;
        while (!trainer_epoch_done(plain)) {
            assert_int_equal(trainer_update(plain, &err), 0);
            assert_int_equal(trainer_update(ahead, &err), 0);
        }
        assert_int_equal(trainer_evaluate(ahead, &b, &err), 0); /* before the epoch is ended */
        trainer_end_epoch(plain);
        trainer_end_epoch(ahead);
        assert_int_equal(trainer_evaluate(plain, &a, &err), 0);
        assert_memory_equal(&a, &b, sizeof a);
        if (epoch == 0) /* once more, out of turn */
            assert_int_equal(trainer_evaluate(ahead, &b, &err), 0);
        assert_memory_equal(&a, &b, sizeof a);
    }
    fixture_same(plain, ahead, "test rows made ahead");
    trainer_free(plain);
    trainer_free(ahead);
}

/* A run that evaluates behind every epoch never makes the thread begin again. */
static void a_run_is_one_beginning(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    for (int evaluates = 0; evaluates < 2; evaluates++) {
        struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
        struct trainer_config config = fixture_config(&schedule);
        config.evaluates = evaluates;
        struct trainer *trainer = fixture_trainer(&config);
        for (int epoch = 0; epoch < schedule.epochs; epoch++) {
            struct trainer_score score;
            while (!trainer_epoch_done(trainer))
                assert_int_equal(trainer_update(trainer, &err), 0);
            trainer_end_epoch(trainer);
            if (evaluates)
                assert_int_equal(trainer_evaluate(trainer, &score, &err), 0);
        }
        assert_int_equal(prefetch_beginnings(trainer->ahead), 1);
        trainer_free(trainer);
    }
}

/* Evaluation between updates leaves no trace in training. */
static void evaluation_changes_nothing(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *plain = fixture_trainer(&config), *watched = fixture_trainer(&config);
    struct trainer_score score;
    double l2;
    for (int64_t update = 1; update <= schedule.updates; update++) {
        fixture_train(watched, update);
        assert_int_equal(trainer_evaluate(watched, &score, &err), 0);
        assert_int_equal(trainer_l2(watched, &l2, &err), 0);
    }
    fixture_train(plain, schedule.updates);
    fixture_same(plain, watched, "evaluated after each update");
    trainer_free(plain);
    trainer_free(watched);
}

static void not_finite_stops(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_SGD, 8, 1);
    schedule.phase[0].lr = 1e30;
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = fixture_trainer(&config);
    int code = 0;
    float *before = NULL;
    size_t count;
    while (code == 0 && !trainer_epoch_done(trainer)) {
        mem_free(before);
        before = fixture_arenas(trainer, &count);
        code = trainer_update(trainer, &err);
    }
    assert_int_equal(code, ERR_NOT_FINITE);
    assert_int_equal(err.code, ERR_NOT_FINITE);
    char words[64];
    snprintf(words, sizeof words, "update %d (epoch 1)", (int)trainer_state(trainer)->update + 1);
    if (strstr(err.text, words) == NULL || strstr(err.text, "1e+30") == NULL)
        fail_msg("'%s'", err.text);
    float *after = fixture_arenas(trainer, &count);
    assert_memory_equal(before, after, count * sizeof *after);
    assert_int_equal(trainer_update(trainer, &err), ERR_NOT_FINITE); /* and stays so */
    mem_free(before);
    mem_free(after);
    trainer_free(trainer);
}

/* A failure in any micro: the sentence, no step, and the update can be tried again to the same
 * bits. */
static void a_failing_backend(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    for (int64_t groups = 1; groups <= 3; groups++) {
        struct trainer_config config = fixture_config(&schedule);
        config.groups = groups;
        struct trainer *trainer = fixture_trainer(&config), *good = fixture_trainer(&config);
        fixture_train(good, 2);
        fixture_train(trainer, 1);
        for (int micro = 1; micro <= 3; micro++) {
            struct err err = {0};
            fixture.fail_forward = micro;
            assert_int_equal(trainer_update(trainer, &err), ERR_BACKEND);
            if (strstr(err.text, "openblas, update 2: the spy says no") == NULL)
                fail_msg("'%s'", err.text);
            assert_int_equal(trainer_state(trainer)->update, 1);
        }
        fixture_train(trainer, 2);
        fixture_same(trainer, good, "tried again");
        trainer_free(trainer);
        trainer_free(good);
    }
}

static void refused(const struct trainer_config *config, const char *words)
{
    struct err err = {0};
    struct trainer *trainer = NULL;
    int code = trainer_new(config, &trainer, &err);
    assert_int_not_equal(code, 0);
    assert_null(trainer);
    if (strstr(err.text, words) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, words);
}

static void refusals(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    config.micro = 6;
    refused(&config, "no whole number of ghosts");
    config.micro = 2;
    refused(&config, "no whole number of ghosts");
    config = fixture_config(&schedule);
    config.precision = 77;
    refused(&config, "backend openblas");
    config = fixture_config(&schedule);
    schedule.train_n = FIXTURE_TRAIN_N + 1;
    refused(&config, "73 training images");
    schedule.train_n = FIXTURE_TRAIN_N;
    struct dataset data = fixture.data;
    config.data = &data;
    data.height = 9;
    refused(&config, "images of 8 x 8 x 3 in 4 classes, the data set has 9 x 8 x 3 in 4");
    data = fixture.data;
    data.classes = 5;
    refused(&config, "the data set has 8 x 8 x 3 in 5");
    trainer_free(NULL);
}

static void places_that_are_none(void **state)
{
    (void)state;
    fixture_need();
    /* 6 updates, then 3 */
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = fixture_trainer(&config);
    static const struct {
        int64_t update;
        int epoch;
        int64_t update_in_epoch;
        int legal;
    } places[] = {{0, 0, 0, 1}, {6, 0, 6, 1}, {6, 1, 0, 1},   {9, 1, 3, 1},
                  {9, 2, 0, 1}, {7, 0, 7, 0}, {1, 0, 0, 0},   {10, 1, 4, 0},
                  {9, 2, 1, 0}, {9, 3, 0, 0}, {-1, 0, -1, 0}, {0, -1, 0, 0}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct err err = {0};
        struct trainer_state place = {.update = places[i].update,
                                      .epoch = places[i].epoch,
                                      .update_in_epoch = places[i].update_in_epoch};
        assert_int_equal(trainer_restore(trainer, &place, &err), places[i].legal ? 0 : ERR_INPUT);
    }
    trainer_free(trainer);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_run_twice),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_batch_is_the_sum_of_its_micros),
        cmocka_unit_test(a_gradient_is_a_mean),
        cmocka_unit_test(groups_agree_after_two_epochs),
        cmocka_unit_test(the_order_is_the_epochs),
        cmocka_unit_test(counts_are_the_plan),
        cmocka_unit_test(the_step_follows_the_schedule),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(evaluation_ahead_changes_nothing),
        cmocka_unit_test(a_run_is_one_beginning),
        cmocka_unit_test(evaluation_changes_nothing),
        cmocka_unit_test(not_finite_stops),
        cmocka_unit_test(a_failing_backend),
        cmocka_unit_test(refusals),
        cmocka_unit_test(places_that_are_none),
    };
    return cmocka_run_group_tests_name("trainer", tests, fixture_open, fixture_close);
}
