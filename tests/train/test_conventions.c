/* What the paper leaves open: a kept last batch, an optimizer that begins anew at a step. */
#include "fixture.h"

#include "base/err.h"
#include "base/mem.h"
#include "data/batch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define END INT64_MAX

/* 72 images in ghosts of 10: a kept last batch has 2 rows beyond whole ghosts. */
static struct schedule kept_schedule(int optimizer, int64_t batch)
{
    struct schedule_spec spec = {.optimizer = optimizer,
                                 .lr = 0.05,
                                 .train_n = FIXTURE_TRAIN_N,
                                 .batch = batch,
                                 .momentum = optimizer == REPRO_OPTIMIZER_MOMENTUM ? 0.9 : 0.0,
                                 .ghost = 10,
                                 .epochs = 2,
                                 .conventions = {.keep_last_batch = 1}};
    struct schedule schedule;
    struct err err = {0};
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

static struct trainer_config kept_config(const struct schedule *schedule, int64_t micro)
{
    struct trainer_config config = fixture_config(schedule);
    config.micro = micro;
    return config;
}

/* Every image of an epoch is trained on, once, in the epoch's order. */
static void a_kept_batch_is_the_rest(void **state)
{
    (void)state;
    fixture_need();
    static const struct {
        int64_t batch, micro, updates, last;
    } cases[] = {{10, 10, 8, 2},  {20, 10, 4, 12}, {20, 20, 4, 12},
                 {30, 20, 3, 12}, {50, 10, 2, 22}, {70, 20, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule schedule = kept_schedule(REPRO_OPTIMIZER_MOMENTUM, cases[i].batch);
        assert_int_equal(schedule.phase[0].updates_per_epoch, cases[i].updates);
        assert_int_equal(schedule.phase[0].last_rows, cases[i].last);
        assert_int_equal(schedule.phase[0].dropped, 0);
        struct trainer_config config = kept_config(&schedule, cases[i].micro);
        struct trainer *trainer = fixture_trainer(&config);
        fixture.image_count = 0;
        fixture_train(trainer, END);
        assert_int_equal(trainer_state(trainer)->update, 2 * cases[i].updates);
        assert_int_equal(trainer_state(trainer)->images, 2 * FIXTURE_TRAIN_N);
        assert_int_equal(schedule_images(&schedule), 2 * FIXTURE_TRAIN_N);
        assert_int_equal(fixture.image_count, 2 * FIXTURE_TRAIN_N);
        int64_t order[FIXTURE_TRAIN_N];
        for (uint32_t epoch = 0; epoch < 2; epoch++) {
            batch_order(config.seed, epoch, FIXTURE_TRAIN_N, order);
            assert_memory_equal(order, fixture.images + epoch * FIXTURE_TRAIN_N, sizeof order);
        }
        assert_int_equal(fixture.step.ghosts, (cases[i].last + 9) / 10);
        assert_true(fabs(fixture.step.keep - pow(0.9, (double)cases[i].last / 128)) < 1e-15);
        trainer_free(trainer);
    }
}

/* The gradient of the last update by a network compiled for it alone, from the weights before
 * it. */
static void rest_by_hand(const struct trainer_config *config, const float *param, int64_t first,
                         int64_t count, float *partial, double *loss)
{
    const struct repro_graph *graph = &fixture.net.graph;
    struct repro_error error = {0};
    struct repro_net *net = NULL;
    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = (int32_t)count,
                                        .ghost = (int32_t)count};
    static uint8_t pixels[16 * 8 * 8 * 3];
    int64_t order[FIXTURE_TRAIN_N];
    int32_t labels[16];
    batch_order(config->seed, 0, FIXTURE_TRAIN_N, order);
    struct err err = {0};
    assert_int_equal(dataset_augmented(config->data, config->seed, 0, order + first, count, pixels,
                                       labels, &err),
                     0);
    struct repro_rows rows = {.struct_size = sizeof rows,
                              .mode = REPRO_MODE_TRAIN,
                              .count = count,
                              .pixels = pixels,
                              .labels = labels,
                              .image = order + first,
                              .seed = config->seed};
    struct repro_metrics metrics = {.struct_size = sizeof metrics};
    const struct repro_backend *backend = &fixture.backend;
    assert_int_equal(backend->net_compile(fixture.device, graph, &options, &net, &error), 0);
    assert_int_equal(
        backend->net_write(net, REPRO_ARENA_PARAM, 0, graph->param_count, param, &error), 0);
    assert_int_equal(backend->net_zero(net, &error), 0);
    assert_int_equal(backend->net_forward(net, &rows, &error), 0);
    assert_int_equal(backend->net_backward(net, 1.0 / (double)count, &error), 0);
    assert_int_equal(backend->net_metrics(net, &metrics, &error), 0);
    assert_int_equal(backend->net_read(net, REPRO_ARENA_PARTIAL, 0,
                                       graph->param_count + graph->running_count, partial, &error),
                     0);
    *loss = metrics.loss;
    backend->net_free(net);
}

static void a_rest_is_a_ghost_of_its_own(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = kept_schedule(REPRO_OPTIMIZER_SGD, 10);
    struct trainer_config config = kept_config(&schedule, 10);
    struct trainer *trainer = fixture_trainer(&config);
    size_t count = (size_t)fixture.net.graph.param_count,
           all = count + (size_t)fixture.net.graph.running_count;
    float *before = mem_new(count, sizeof *before, NULL),
          *expected = mem_new(all, sizeof *expected, NULL);
    struct err err = {0};
    double loss, loss_before;
    fixture_train(trainer, 7);
    assert_int_equal(trainer_read(trainer, REPRO_ARENA_PARAM, before, &err), 0);
    loss_before = trainer_state(trainer)->loss;
    rest_by_hand(&config, before, 70, 2, expected, &loss);
    assert_int_equal(trainer_update(trainer, &err), 0);
    assert_memory_equal(fixture.partial, expected, all * sizeof *expected);
    assert_true(fabs(trainer_state(trainer)->loss - loss_before - loss) < 1e-12);
    mem_free(before);
    mem_free(expected);
    trainer_free(trainer);
}

/* Whole ghosts and the rest together: a mean over all rows. */
static void whole_ghosts_and_a_rest_add_up(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = kept_schedule(REPRO_OPTIMIZER_SGD, 60); /* 60, then 10 + 2 */
    struct trainer_config config = kept_config(&schedule, 10);
    struct trainer *trainer = fixture_trainer(&config);
    size_t count = (size_t)fixture.net.graph.param_count,
           all = count + (size_t)fixture.net.graph.running_count;
    float *before = mem_new(count, sizeof *before, NULL);
    float *ten = mem_new(all, sizeof *ten, NULL), *two = mem_new(all, sizeof *two, NULL);
    struct err err = {0};
    double loss;
    fixture_train(trainer, 1);
    assert_int_equal(trainer_read(trainer, REPRO_ARENA_PARAM, before, &err), 0);
    rest_by_hand(&config, before, 60, 10, ten, &loss);
    rest_by_hand(&config, before, 70, 2, two, &loss);
    assert_int_equal(trainer_update(trainer, &err), 0);
    for (size_t i = 0; i < all; i++) {
        double sum = i < count ? ten[i] * (10.0 / 12) + two[i] * (2.0 / 12)
                               : (double)ten[i] + two[i];
        assert_true(fabs(fixture.partial[i] - sum) < 1e-5 * (1 + fabs(sum)));
    }
    mem_free(before);
    mem_free(ten);
    mem_free(two);
    trainer_free(trainer);
}

static void resets_are_the_same_twice(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = kept_schedule(REPRO_OPTIMIZER_ADAM, 20);
    struct trainer_config config = kept_config(&schedule, 20);
    struct trainer *one = fixture_trainer(&config), *two = fixture_trainer(&config);
    fixture_train(one, END);
    fixture_train(two, END);
    fixture_same(one, two, "with a kept last batch");
    trainer_free(one);
    trainer_free(two);
}

/* Two epochs with a step between them; what the moments are right behind it. */
static void moments_begin_anew(void **state)
{
    (void)state;
    fixture_need();
    static const int optimizers[] = {REPRO_OPTIMIZER_MOMENTUM, REPRO_OPTIMIZER_NESTEROV,
                                     REPRO_OPTIMIZER_ADAM};
    for (size_t o = 0; o < 3; o++) {
        struct schedule usual = fixture_schedule(optimizers[o], 12, 1), reset = usual;
        reset.conventions.reset_moments = 1;
        struct trainer_config config = fixture_config(&usual), other = fixture_config(&reset);
        struct trainer *kept = fixture_trainer(&config), *anew = fixture_trainer(&other);
        size_t count = (size_t)fixture.net.graph.param_count;
        float *old = mem_new(count, sizeof *old, NULL), *a = mem_new(count, sizeof *a, NULL);
        float *b = mem_new(count, sizeof *b, NULL);
        struct err err = {0};
        fixture_train(kept, 6);
        fixture_train(anew, 6);
        fixture_same(kept, anew, "before the step");
        assert_int_equal(trainer_read(kept, REPRO_ARENA_MOMENT1, old, &err), 0);
        fixture_train(kept, 7);
        assert_int_equal(fixture.step.update, 7);
        fixture_train(anew, 7);
        assert_int_equal(fixture.step.update, 1);
        assert_int_equal(trainer_read(kept, REPRO_ARENA_MOMENT1, a, &err), 0);
        assert_int_equal(trainer_read(anew, REPRO_ARENA_MOMENT1, b, &err), 0);
        double m = optimizers[o] == REPRO_OPTIMIZER_ADAM ? config.beta1 : usual.phase[1].momentum;
        for (size_t i = 0; i < count; i++)
            assert_true(fabs((double)a[i] - b[i] - m * old[i]) < 1e-5 * (1 + fabs(old[i])));
        fixture_train(anew, 8);
        assert_int_equal(fixture.step.update, 2);
        mem_free(old);
        mem_free(a);
        mem_free(b);
        trainer_free(kept);
        trainer_free(anew);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_batch_is_the_rest),
        cmocka_unit_test(a_rest_is_a_ghost_of_its_own),
        cmocka_unit_test(whole_ghosts_and_a_rest_add_up),
        cmocka_unit_test(resets_are_the_same_twice),
        cmocka_unit_test(moments_begin_anew),
    };
    return cmocka_run_group_tests_name("conventions", tests, fixture_open, fixture_close);
}
