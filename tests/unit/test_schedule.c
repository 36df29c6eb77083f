/* The schedule algebra against the paper's numbers, its refusals, and properties of random
 * schedules. */
#include "schedule/schedule.h"

#include "backend/backend.h"
#include "base/err.h"
#include "base/random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define D SCHEDULE_DECAY_LR
#define G SCHEDULE_GROW_BATCH

#define CIFAR 50000, 200, {60, 120, 160}, 5
#define IMAGENET 1281167, 90, {30, 60, 80}, 10

/* A schedule of the paper, all of three steps, and what it must come to. */
struct expected {
    const char *name;
    int64_t train_n;
    int epochs, step[3];
    double factor;
    double lr, momentum;
    int64_t batch, batch_max, ghost;
    enum schedule_action action[3];
    int64_t phase_batch[4];
    double phase_lr[4];
    int64_t updates[4], total;
};

static const struct expected PAPER[] = {
    {"1-4 decaying learning rate",
     CIFAR,
     .1,
     .9,
     128,
     0,
     128,
     {D, D, D},
     {128, 128, 128, 128},
     {.1, .02, .004, .0008},
     {23400, 23400, 15600, 15600},
     78000},
    {"1-4 hybrid",
     CIFAR,
     .1,
     .9,
     128,
     0,
     128,
     {G, D, D},
     {128, 640, 640, 640},
     {.1, .1, .02, .004},
     {23400, 4680, 3120, 3120},
     34320},
    {"1-4 increasing batch size",
     CIFAR,
     .1,
     .9,
     128,
     0,
     128,
     {G, G, G},
     {128, 640, 3200, 16000},
     {.1, .1, .1, .1},
     {23400, 4680, 600, 120},
     28800},
    {"5 increasing batch size",
     CIFAR,
     .1,
     .9,
     128,
     5120,
     128,
     {G, G, G},
     {128, 640, 3200, 5120},
     {.1, .1, .1, .032},
     {23400, 4680, 600, 360},
     29040},
    {"5 increased initial learning rate",
     CIFAR,
     .5,
     .9,
     640,
     5120,
     128,
     {G, G, G},
     {640, 3200, 5120, 5120},
     {.5, .5, .16, .032},
     {4680, 900, 360, 360},
     6300},
    {"5 increased momentum",
     CIFAR,
     .5,
     .98,
     3200,
     5120,
     128,
     {G, G, G},
     {3200, 5120, 5120, 5120},
     {.5, .16, .032, .0064},
     {900, 540, 360, 360},
     2160},
    {"6 decaying learning rate",
     IMAGENET,
     3,
     .9,
     8192,
     0,
     32,
     {D, D, D},
     {8192, 8192, 8192, 8192},
     {3, .3, .03, .003},
     {4680, 4680, 3120, 1560},
     14040},
    {"6 increasing batch size",
     IMAGENET,
     3,
     .9,
     8192,
     0,
     32,
     {G, D, D},
     {8192, 81920, 81920, 81920},
     {3, 3, .3, .03},
     {4680, 450, 300, 150},
     5580},
    {"7 momentum .9",
     IMAGENET,
     3,
     .9,
     8192,
     65536,
     64,
     {G, G, G},
     {8192, 65536, 65536, 65536},
     {3, 2.4, .24, .024},
     {4680, 570, 380, 190},
     5820},
    {"7 momentum .95",
     IMAGENET,
     3,
     .95,
     16384,
     65536,
     64,
     {G, G, G},
     {16384, 65536, 65536, 65536},
     {3, 1.2, .12, .012},
     {2340, 570, 380, 190},
     3480},
    {"7 momentum .975",
     IMAGENET,
     3,
     .975,
     32768,
     65536,
     64,
     {G, G, G},
     {32768, 65536, 65536, 65536},
     {3, .6, .06, .006},
     {1170, 570, 380, 190},
     2310},
};

static struct schedule_spec spec_of(const struct expected *e)
{
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = e->lr,
                                 .momentum = e->momentum,
                                 .train_n = e->train_n,
                                 .batch = e->batch,
                                 .batch_max = e->batch_max,
                                 .ghost = e->ghost,
                                 .epochs = e->epochs,
                                 .step_count = 3};
    for (int i = 0; i < 3; i++) {
        spec.step_epoch[i] = e->step[i];
        spec.factor[i] = e->factor;
        spec.action[i] = e->action[i];
    }
    return spec;
}

static void close_to(double value, double wanted, double relative)
{
    if (!(fabs(value - wanted) <= relative * fabs(wanted)))
        fail_msg("%.17g, wanted %.17g", value, wanted);
}

static void paper_schedules(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof PAPER / sizeof PAPER[0]; k++) {
        const struct expected *e = &PAPER[k];
        struct schedule_spec spec = spec_of(e);
        struct schedule s;
        struct err err = {0};
        print_message("# %s\n", e->name);
        assert_int_equal(schedule_build(&spec, &s, &err), 0);
        assert_int_equal(s.phase_count, 4);
        assert_int_equal(s.updates, e->total);
        int64_t images = 0;
        double g = e->epochs == 200 ? 390.625 : 4691.774;
        for (int i = 0; i < 4; i++, g /= e->factor) {
            const struct phase *p = &s.phase[i];
            assert_int_equal(p->first_epoch, i == 0 ? 0 : e->step[i - 1]);
            assert_int_equal(p->first_epoch + p->epochs, i == 3 ? e->epochs : e->step[i]);
            assert_int_equal(p->batch, e->phase_batch[i]);
            close_to(p->lr, e->phase_lr[i], 1e-14);
            close_to(p->momentum, e->momentum, 0);
            assert_int_equal(p->updates, e->updates[i]);
            assert_int_equal(p->updates_per_epoch, e->train_n / e->phase_batch[i]);
            assert_int_equal(p->dropped, e->train_n % e->phase_batch[i]);
            images += (e->train_n - p->dropped) * p->epochs;
            close_to(noise_scale_approximate(p->lr, p->momentum, s.train_n, p->batch), g, 1e-6);
        }
        assert_int_equal(schedule_images(&s), images);
    }
}

static void noise_scales(void **state)
{
    (void)state;
    close_to(noise_scale(.1, .9, 50000, 128), 389.625, 1e-12);
    close_to(noise_scale(.1, .9, 50000, 16000), 2.125, 1e-12);
    close_to(noise_scale(.032, .9, 50000, 5120), 2.805, 1e-12);
    close_to(noise_scale(.1, 0, 50000, 128), 38.9625, 1e-12);
    assert_true(noise_scale(.1, .9, 50000, 50000) == 0);
    close_to(noise_scale_approximate(.1, .9, 50000, 50000), 1, 1e-12);
    close_to(noise_scale_approximate(.1, 0, 50000, 128), 39.0625, 1e-12);
}

static void lost_epochs(void **state)
{
    (void)state;
    close_to(epochs_lost(.9, 50000, 128), .0256, 1e-12);
    close_to(epochs_lost(.9, 50000, 640), .128, 1e-12);
    close_to(epochs_lost(.9, 50000, 3200), .64, 1e-12);
    close_to(epochs_lost(.9, 50000, 5120), 1.024, 1e-12);
    close_to(epochs_lost(.9, 50000, 16000), 3.2, 1e-12);
    close_to(epochs_lost(.98, 50000, 3200), 3.2, 1e-12);
    close_to(epochs_lost(.98, 50000, 5120), 5.12, 1e-12);
    /* A batch that is eight times smaller in a set eight times smaller loses as many epochs. */
    close_to(epochs_lost(.98, 6250, 640), 5.12, 1e-12);
}

static void phase_of_an_epoch(void **state)
{
    (void)state;
    struct schedule_spec spec = spec_of(&PAPER[5]);
    struct schedule s;
    assert_int_equal(schedule_build(&spec, &s, NULL), 0);
    static const int epoch[] = {0, 59, 60, 119, 120, 159, 160, 199},
                     phase[] = {0, 0, 1, 1, 2, 2, 3, 3};
    for (size_t i = 0; i < 8; i++)
        assert_ptr_equal(schedule_at(&s, epoch[i]), &s.phase[phase[i]]);
    assert_int_equal(schedule_updates_before(&s, 0), 0);
    assert_int_equal(schedule_updates_before(&s, 1), 15);
    assert_int_equal(schedule_updates_before(&s, 60), 900);
    assert_int_equal(schedule_updates_before(&s, 61), 909);
    assert_int_equal(schedule_updates_before(&s, 200), 2160);
}

/* Builds the momentum .98 schedule after one change to its spec: the error must hold `words`, *out
 * stay untouched. */
#define REFUSES(words, ...)                                           \
    do {                                                              \
        struct schedule_spec spec = spec_of(&PAPER[5]);               \
        struct schedule s = {.updates = -7};                          \
        struct err err = {0};                                         \
        __VA_ARGS__;                                                  \
        assert_int_equal(schedule_build(&spec, &s, &err), ERR_INPUT); \
        assert_int_equal(err.code, ERR_INPUT);                        \
        if (strstr(err.text, words) == NULL)                          \
            fail_msg("'%s' lacks '%s'", err.text, words);             \
        assert_int_equal(s.updates, -7);                              \
    } while (0)

static void refusals(void **state)
{
    (void)state;
    REFUSES("learning rate is 0", spec.lr = 0);
    REFUSES("learning rate is -1", spec.lr = -1);
    REFUSES("learning rate is nan", spec.lr = NAN);
    REFUSES("learning rate is inf", spec.lr = INFINITY);
    REFUSES("learning rate falls to 0", spec.lr = DBL_TRUE_MIN);
    REFUSES("momentum is 1;", spec.momentum = 1);
    REFUSES("momentum is -0.1", spec.momentum = -.1);
    REFUSES("momentum is nan", spec.momentum = NAN);
    REFUSES("SGD and Adam have none", spec.optimizer = REPRO_OPTIMIZER_SGD);
    REFUSES("SGD and Adam have none", spec.optimizer = REPRO_OPTIMIZER_ADAM);
    REFUSES("optimizer 9", spec.optimizer = 9);
    REFUSES("0 training images", spec.train_n = 0);
    REFUSES("0 epochs", spec.epochs = 0);
    REFUSES("more than can be counted", spec.train_n = INT64_MAX / 100);
    REFUSES("the batch is 0", spec.batch = 0);
    REFUSES("the batch is 50048; it must be 1 to 50000", spec.batch = 50048);
    REFUSES("no multiple of the ghost batch of 0", spec.ghost = 0);
    REFUSES("3200 is no multiple of the ghost batch of 127", spec.ghost = 127);
    REFUSES("batch_max is 1280", spec.batch_max = 1280);
    REFUSES("batch_max is -1", spec.batch_max = -1);
    REFUSES("-1 steps", spec.step_count = -1);
    REFUSES("16 steps; at most 15", spec.step_count = 16);
    REFUSES("step 1 is at epoch 0", spec.step_epoch[0] = 0);
    REFUSES("step 2 is at epoch 60; it must come after epoch 60", spec.step_epoch[1] = 60);
    REFUSES("step 3 is at epoch 200; it must come before the end", spec.step_epoch[2] = 200);
    REFUSES("step 2 (epoch 120): the factor is 1;", spec.factor[1] = 1);
    REFUSES("step 2 (epoch 120): the factor is nan", spec.factor[1] = NAN);
    REFUSES("step 2 (epoch 120): the factor is inf", spec.factor[1] = INFINITY);
    REFUSES("step 3 (epoch 160): action 0", spec.action[2] = 0);
    REFUSES("step 1 (epoch 60): the batch of 5130 is no multiple of the ghost",
            spec.batch_max = 5130);
    REFUSES("step 2 (epoch 120): the batch grows to 80000", spec.batch_max = 0);
    REFUSES("step 2 (epoch 120): the batch of 51200 is above", spec.batch_max = 51200);
    REFUSES("step 1 (epoch 60): 3200 x 1.0001 is no whole batch", spec.factor[0] = 1.0001);
    REFUSES("step 1 (epoch 60): the batch of 4000 is no multiple", spec.factor[0] = 1.25);
}

static void no_steps_and_one_update(void **state)
{
    (void)state;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_SGD,
                                 .lr = 1,
                                 .train_n = 7,
                                 .batch = 7,
                                 .ghost = 1,
                                 .epochs = 1};
    struct schedule s;
    assert_int_equal(schedule_build(&spec, &s, NULL), 0);
    assert_int_equal(s.phase_count, 1);
    assert_int_equal(s.updates, 1);
    assert_int_equal(s.phase[0].dropped, 0);
}

/* A random spec of small whole factors, drawn by number. */
static struct schedule_spec random_spec(uint32_t draw)
{
    struct random_words w = random_at(5, RANDOM_SYNTHETIC, 0, draw, 0);
    struct random_words v = random_at(5, RANDOM_SYNTHETIC, 0, draw, 1);
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM};
    spec.lr = .01 + random_uniform(w.word[0]);
    spec.momentum = .98 * random_uniform(w.word[1]);
    spec.ghost = 1 + w.word[2] % 32;
    spec.batch = spec.ghost * (1 + w.word[3] % 8);
    spec.train_n = spec.batch * 4096 + v.word[0] % 1000;
    spec.step_count = (int)(v.word[1] % 5);
    int epoch = 0;
    for (int i = 0; i < spec.step_count; i++) {
        epoch += 1 + (int)((v.word[2] >> 4 * i) % 7);
        spec.step_epoch[i] = epoch;
        spec.factor[i] = 2 + (v.word[3] >> 3 * i) % 5;
    }
    spec.epochs = epoch + 1 + (int)(w.word[2] % 3);
    return spec;
}

static void random_schedules(void **state)
{
    (void)state;
    for (uint32_t draw = 0; draw < 500; draw++) {
        struct schedule_spec spec = random_spec(draw);
        struct schedule decay, grow, clipped;
        for (int i = 0; i < spec.step_count; i++)
            spec.action[i] = SCHEDULE_DECAY_LR;
        assert_int_equal(schedule_build(&spec, &decay, NULL), 0);
        for (int i = 0; i < spec.step_count; i++)
            spec.action[i] = SCHEDULE_GROW_BATCH;
        assert_int_equal(schedule_build(&spec, &grow, NULL), 0);
        spec.batch_max = spec.batch * 7;
        assert_int_equal(schedule_build(&spec, &clipped, NULL), 0);
        int64_t updates = 0;
        for (int i = 0; i < decay.phase_count; i++) {
            const struct phase *d = &decay.phase[i], *g = &grow.phase[i], *c = &clipped.phase[i];
            double scale = noise_scale_approximate(d->lr, d->momentum, spec.train_n, d->batch);
            close_to(noise_scale_approximate(g->lr, g->momentum, spec.train_n, g->batch), scale,
                     1e-12);
            close_to(noise_scale_approximate(c->lr, c->momentum, spec.train_n, c->batch), scale,
                     1e-12);
            assert_true(c->batch <= spec.batch_max && g->lr == spec.lr && d->batch == spec.batch);
            assert_true(g->batch <= spec.batch_max ? c->batch == g->batch
                                                   : c->batch == spec.batch_max);
            assert_int_equal(c->updates_per_epoch * c->batch + c->dropped, spec.train_n);
            updates += c->updates;
        }
        assert_int_equal(updates, clipped.updates);
        assert_int_equal(schedule_updates_before(&clipped, spec.epochs), clipped.updates);
        int64_t counted = 0;
        for (int epoch = 0; epoch < spec.epochs; epoch++) {
            assert_int_equal(schedule_updates_before(&clipped, epoch), counted);
            counted += spec.train_n / schedule_at(&clipped, epoch)->batch;
        }
        assert_int_equal(counted, clipped.updates);
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paper_schedules),  cmocka_unit_test(noise_scales),
        cmocka_unit_test(lost_epochs),      cmocka_unit_test(phase_of_an_epoch),
        cmocka_unit_test(refusals),         cmocka_unit_test(no_steps_and_one_update),
        cmocka_unit_test(random_schedules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
