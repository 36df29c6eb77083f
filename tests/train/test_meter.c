/* The meter against an exact computation over every ghost there is, on WRN-10-1; against its own
 * samples by another way; and that a run does not notice it.
 *
 * A ghost of two of 32 images: 496 of them, so that the mean and the covariance over all are sums
 * of 496 gradients, with no sampling in it. */
#include "base/err.h"
#include "base/random.h"
#include "data/whole.h"
#include "fixture.h"
#include "train/meter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WRN_N 32
#define WRN_GHOST 2
#define WRN_GHOSTS (WRN_N * (WRN_N - 1) / 2)
#define MEASUREMENTS 16 /* one before each update of an epoch */
#define SAMPLED 64      /* ghosts of each */
#define TOLERANCE 0.05

static struct noise_estimate measure(struct meter *meter)
{
    struct err err = {0};
    struct noise_estimate noise = {0};
    int finite = 0;
    if (meter_measure(meter, &noise, &finite, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(finite, 1);
    return noise;
}

static struct meter *new_meter(struct trainer *trainer, int64_t ghosts)
{
    struct err err = {0};
    struct meter *meter = NULL;
    if (meter_new(trainer, ghosts, &meter, &err) != 0)
        fail_msg("%s", err.text);
    return meter;
}

/* ---- The run does not notice ---- */

static void compare_with_and_without(int optimizer, int64_t batch, int64_t every, const char *words)
{
    struct schedule schedule = fixture_schedule(optimizer, batch, 1);
    struct trainer_config config = fixture_config(&schedule);
    config.backend = &fixture.plain;
    struct trainer *plain = fixture_trainer(&config), *watched = fixture_trainer(&config);
    struct meter *meter = new_meter(watched, 5);
    for (int64_t update = 0; update < schedule.updates; update++) {
        if (update % every == 0)
            measure(meter);
        fixture_train(watched, update + 1);
        fixture_train(plain, update + 1);
        fixture_same(plain, watched, words);
    }
    meter_free(meter);
    trainer_free(plain);
    trainer_free(watched);
}

static void the_run_is_the_same(void **state)
{
    (void)state;
    fixture_need();
    compare_with_and_without(REPRO_OPTIMIZER_MOMENTUM, 12, 1, "momentum, measured every update");
    compare_with_and_without(REPRO_OPTIMIZER_MOMENTUM, 4, 5, "a ghost a batch, every fifth");
    compare_with_and_without(REPRO_OPTIMIZER_ADAM, 36, 1, "Adam");
}

/* The same update, the same rows; another update, others. */
static void the_same_twice(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = fixture_trainer(&config);
    struct meter *meter = new_meter(trainer, 4);
    size_t before = fixture.image_count;
    struct noise_estimate first = measure(meter), second = measure(meter);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(fixture.image_count - before, 2 * 4 * 4);
    assert_memory_equal(fixture.images + before, fixture.images + before + 16,
                        16 * sizeof *fixture.images);
    for (int g = 0; g < 4; g++) /* the images of a ghost are distinct */
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < i; j++)
                assert_int_not_equal(fixture.images[before + (size_t)(4 * g + i)],
                                     fixture.images[before + (size_t)(4 * g + j)]);
    fixture_train(trainer, 1);
    size_t later = fixture.image_count;
    measure(meter);
    assert_memory_not_equal(fixture.images + before, fixture.images + later,
                            16 * sizeof *fixture.images);
    meter_free(meter);
    trainer_free(trainer);
}

static void refuses(void **state)
{
    (void)state;
    fixture_need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = fixture_trainer(&config);
    struct meter *meter = NULL;
    struct err err = {0};
    assert_int_equal(meter_new(trainer, 3, &meter, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "take 4 to 64"));
    assert_null(meter);
    meter = new_meter(trainer, 4);
    struct noise_estimate noise;
    int finite = 1;
    fixture.fail_forward = 2;
    assert_int_equal(meter_measure(meter, &noise, &finite, &err), ERR_BACKEND);
    assert_non_null(strstr(err.text, "the spy says no"));
    meter_free(meter);
    trainer_free(trainer);
}

/* ---- The exact computation ---- */

static struct schedule still(void)
{
    struct err err = {0};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_SGD,
                                 .lr = 1e-30, /* the weights stay what they are */
                                 .train_n = WRN_N,
                                 .batch = WRN_GHOST,
                                 .ghost = WRN_GHOST,
                                 .epochs = 1};
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

/* Classes are colours under noise, so that there is a gradient beside the noise. */
static void make_images(struct dataset *data)
{
    struct err err = {0};
    *data = (struct dataset){.name = "colours",
                             .train_n = WRN_N,
                             .test_n = 1,
                             .channels = 3,
                             .height = 32,
                             .width = 32,
                             .classes = 4,
                             .mean = {128, 128, 128},
                             .deviation = {60, 60, 60}};
    if (whole_allocate(data, &err) != 0)
        fail_msg("%s", err.text);
    uint8_t *pixels = whole_pixels(data, DATASET_TRAIN);
    int32_t *labels = whole_labels(data, DATASET_TRAIN);
    for (int64_t i = 0; i < WRN_N; i++) {
        labels[i] = (int32_t)(i % 4);
        for (uint32_t p = 0; p < 32 * 32 * 3; p++)
            *pixels++ = (uint8_t)(random_at(5, RANDOM_SYNTHETIC, 1, (uint64_t)i, p).word[0] % 128 +
                                  ((int32_t)(p % 3) == labels[i] ? 100u : 0u));
    }
}

/* Gradient of a ghost of these images, by the contract alone. */
static void gradient_of(const struct trainer_config *config, struct repro_net *net,
                        const int64_t image[WRN_GHOST], float *gradient)
{
    static uint8_t pixels[WRN_GHOST * 32 * 32 * 3];
    int32_t labels[WRN_GHOST];
    struct err err = {0};
    struct repro_error error = {0};
    if (dataset_augmented(config->data, config->seed, 0, image, WRN_GHOST, pixels, labels, &err))
        fail_msg("%s", err.text);
    struct repro_rows rows = {.struct_size = sizeof rows,
                              .mode = REPRO_MODE_TRAIN,
                              .count = WRN_GHOST,
                              .pixels = pixels,
                              .labels = labels,
                              .image = image,
                              .seed = config->seed};
    if (config->backend->net_zero(net, &error) ||
        config->backend->net_forward(net, &rows, &error) ||
        config->backend->net_backward(net, 1.0 / WRN_GHOST, &error) ||
        config->backend->net_read(net, REPRO_ARENA_PARTIAL, 0, config->net->graph.param_count,
                                  gradient, &error))
        fail_msg("%s", error.text);
}

/* Mean and covariance over all ghosts, in two passes over their gradients. */
static struct noise_estimate exactly(const struct trainer_config *config, struct repro_net *net)
{
    size_t params = (size_t)config->net->graph.param_count;
    double *mean = calloc(params, sizeof *mean), square = 0.0, trace = 0.0;
    float *gradient = calloc(params, sizeof *gradient);
    assert_true(mean != NULL && gradient != NULL);
    for (int pass = 0; pass < 2; pass++)
        for (int64_t a = 0; a < WRN_N; a++)
            for (int64_t b = 0; b < a; b++) {
                gradient_of(config, net, (int64_t[]){a, b}, gradient);
                for (size_t i = 0; i < params; i++)
                    if (pass == 0)
                        mean[i] += gradient[i] / (double)WRN_GHOSTS;
                    else
                        trace += (gradient[i] - mean[i]) * (gradient[i] - mean[i]) / WRN_GHOSTS;
            }
    for (size_t i = 0; i < params; i++)
        square += mean[i] * mean[i];
    free(mean);
    free(gradient);
    return (struct noise_estimate){
        .rows = WRN_GHOST, .gradient = square, .trace = WRN_GHOST * trace};
}

static void near(double got, double want, const char *words)
{
    print_message("# %s: %.6g, exactly %.6g, off by %.2f %%\n", words, got, want,
                  100.0 * (got / want - 1.0));
    if (!(fabs(got / want - 1.0) <= TOLERANCE))
        fail_msg("%s: %.6g, exactly %.6g", words, got, want);
}

static void against_all_ghosts(void **state)
{
    (void)state;
    fixture_need();
    struct err err = {0};
    struct repro_error error = {0};
    struct dataset data;
    struct net net;
    struct schedule schedule = still();
    make_images(&data);
    if (net_named(&net, "wrn-10-1", 3, 32, 32, 4, data.mean, data.deviation, &err) != 0)
        fail_msg("%s", err.text);
    struct trainer_config config = fixture_config(&schedule);
    config.backend = &fixture.plain;
    config.net = &net;
    config.data = &data;
    struct trainer *trainer = fixture_trainer(&config);
    struct meter *meter = new_meter(trainer, SAMPLED);
    struct noise_estimate measured[MEASUREMENTS];
    for (int64_t m = 0; m < MEASUREMENTS; m++) {
        measured[m] = measure(meter);
        if (m + 1 < MEASUREMENTS && trainer_update(trainer, &err) != 0)
            fail_msg("%s", err.text);
    }
    struct noise_estimate pool = noise_pool(measured, MEASUREMENTS);

    struct repro_net_options options = {.struct_size = sizeof options,
                                        .precision = REPRO_PRECISION_F32,
                                        .micro = WRN_GHOST,
                                        .ghost = WRN_GHOST};
    struct repro_net *bare = NULL;
    size_t params = (size_t)net.graph.param_count;
    float *weights = calloc(params, sizeof *weights);
    assert_non_null(weights);
    if (trainer_read(trainer, REPRO_ARENA_PARAM, weights, &err) != 0)
        fail_msg("%s", err.text);
    if (config.backend->net_compile(config.device, &net.graph, &options, &bare, &error) ||
        config.backend->net_write(bare, REPRO_ARENA_PARAM, 0, (int64_t)params, weights, &error))
        fail_msg("%s", error.text);
    struct noise_estimate exact = exactly(&config, bare);
    near(pool.trace, exact.trace, "tr Sigma");
    near(pool.gradient, exact.gradient, "|G|^2");
    near(noise_simple(&pool), noise_simple(&exact), "B_simple");
    struct noise_interval interval = noise_interval(&pool, 0.95);
    print_message("# interval %.4g to %.4g\n", interval.low, interval.high);
    assert_true(interval.low < noise_simple(&exact) && noise_simple(&exact) < interval.high);
    free(weights);
    config.backend->net_free(bare);
    meter_free(meter);
    trainer_free(trainer);
    net_release(&net);
    dataset_release(&data);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_run_is_the_same),
        cmocka_unit_test(the_same_twice),
        cmocka_unit_test(refuses),
        cmocka_unit_test(against_all_ghosts),
    };
    return cmocka_run_group_tests_name("meter", tests, fixture_open, fixture_close);
}
