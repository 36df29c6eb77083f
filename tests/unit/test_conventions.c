/* Conventions by name, and what each does to the paper's counts. */
#include "experiment/conventions.h"
#include "experiment/experiment.h"

#include "backend/backend.h"
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *json_of(const struct schedule_conventions *conventions)
{
    json_t *object;
    struct err err = {0};
    assert_int_equal(conventions_json(conventions, &object, &err), 0);
    return object;
}

static void words(void **state)
{
    (void)state;
    struct schedule_conventions c = {0};
    struct image_conventions images = {0};
    struct err err = {0};
    char text[CONVENTIONS_TEXT];
    conventions_text(&c, text);
    assert_string_equal(text, "");
    assert_null(json_of(&c));
    assert_int_equal(conventions_apply("extra_epochs=5", &c, &images, &err), 0);
    assert_null(json_of(&c)); /* the phases show it */
    assert_int_equal(
        conventions_apply("last_batch=keep,early_steps=1,moments_at_step=reset", &c, &images, &err),
        0);
    assert_true(c.keep_last_batch && c.early_steps == 1 && c.reset_moments && c.extra_epochs == 5);
    conventions_text(&c, text);
    assert_string_equal(
        text, "last batch of an epoch kept, steps 1 epoch early, optimizer begins anew at steps, "
              "5 extra epochs");
    json_t *json = json_of(&c);
    assert_int_equal(json_object_size(json), 2);
    assert_string_equal(json_string_value(json_object_get(json, "last_batch")), "keep");
    assert_string_equal(json_string_value(json_object_get(json, "moments_at_step")), "reset");
    json_decref(json);
    assert_int_equal(
        conventions_apply("last_batch=drop,early_steps=0,moments_at_step=keep,extra_epochs=0", &c,
                          &images, &err),
        0);
    assert_true(!c.keep_last_batch && c.early_steps == 0 && !c.reset_moments &&
                c.extra_epochs == 0);
}

static void words_of_images(void **state)
{
    (void)state;
    struct schedule_conventions c = {.early_steps = 1};
    struct image_conventions images = {0};
    struct err err = {0};
    assert_int_equal(conventions_apply("antialias=no", &c, &images, &err), 0);
    assert_true(images.aliased && !images.coloured && !images.oriented);
    assert_int_equal(
        conventions_apply("colour=inception,orientation=apply,early_steps=0", &c, &images, &err),
        0);
    assert_true(images.aliased && images.coloured && images.oriented && c.early_steps == 0);
    assert_int_equal(
        conventions_apply("antialias=yes,colour=none,orientation=ignore", &c, &images, &err), 0);
    assert_true(!images.aliased && !images.coloured && !images.oriented);
}

/* Of training alone: no count changes, so each stands in the identity. */
static void training_words(void **state)
{
    (void)state;
    static const struct {
        const char *words, *usual, *key, *text;
    } one[] = {
        {"weight_decay_on=weights", "weight_decay_on=all", "weight_decay_on",
         "weight decay on weights only"},
        {"label_smoothing=0.1", "label_smoothing=0", "label_smoothing", "labels smoothed by 0.1"},
        {"bn_gamma=no", "bn_gamma=yes", "bn_gamma", "batch norm without gamma"},
        {"running_statistics=update", "running_statistics=image", "running_statistics",
         "running statistics per update"},
    };
    struct schedule_conventions all = {0}, none = {0};
    struct image_conventions images = {0};
    struct err err = {0};
    char text[CONVENTIONS_TEXT];
    for (size_t i = 0; i < sizeof one / sizeof one[0]; i++) {
        struct schedule_conventions c = {0};
        assert_int_equal(conventions_apply(one[i].words, &c, &images, &err), 0);
        assert_int_equal(conventions_apply(one[i].words, &all, &images, &err), 0);
        conventions_text(&c, text);
        assert_string_equal(text, one[i].text);
        json_t *json = json_of(&c), *value = json_object_get(json, one[i].key);
        assert_int_equal(json_object_size(json), 1);
        if (json_is_real(value))
            assert_true(json_real_value(value) == 0.1);
        else
            assert_string_equal(json_string_value(value), strchr(one[i].words, '=') + 1);
        json_decref(json);
        assert_int_equal(conventions_apply(one[i].usual, &c, &images, &err), 0);
        assert_memory_equal(&c, &none, sizeof c);
        assert_null(json_of(&c));
    }
    assert_true(all.decay_weights && all.no_gamma && all.running_per_update);
    assert_true(all.label_smoothing == 0.1);
    conventions_text(&all, text);
    assert_string_equal(text, "weight decay on weights only, labels smoothed by 0.1, batch norm "
                              "without gamma, running statistics per update");
}

/* A convention that a run has no use for would make a stranger of it for nothing. */
static void checked_against_the_run(void **state)
{
    (void)state;
    struct experiment_run run = {.name = "plain"};
    struct err err = {0};
    assert_int_equal(conventions_check(&run, &err), 0);
    run.spec.conventions.decay_weights = 1;
    assert_int_equal(conventions_check(&run, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "run 'plain': weight_decay_on=weights"));
    run.weight_decay = 4e-5;
    assert_int_equal(conventions_check(&run, &err), 0);
}

/* Allocations to come before one fails. */
static int allocations_left;

static void *scarce(size_t size)
{
    return allocations_left-- == 0 ? NULL : malloc(size);
}

/* A part of a run's identity is never left out in silence. */
static void out_of_memory(void **state)
{
    (void)state;
    struct schedule_conventions c = {
        .keep_last_batch = 1, .reset_moments = 1, .label_smoothing = 0.1};
    int code = ERR_MEMORY, failures = 0;
    json_set_alloc_funcs(scarce, free);
    while (code != 0 && failures < 100) {
        struct err err = {0};
        json_t *object = NULL;
        allocations_left = failures;
        code = conventions_json(&c, &object, &err);
        if (code != 0) {
            assert_int_equal(code, ERR_MEMORY);
            assert_null(object);
            failures++;
        } else {
            assert_int_equal(json_object_size(object), 3);
        }
        json_decref(object);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 4 && failures < 100);
}

static void refusals(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "no '='"},
        {"last_batch", "'last_batch': no '='"},
        {"last_batch=keep,", "no '='"},
        {"last_batch=kept", "last_batch=kept: it is drop or keep"},
        {"lastbatch=keep", "unknown convention 'lastbatch'; did you mean 'last_batch'?"},
        {"early_steps=-1", "it is a number of epochs"},
        {"early_steps=1x", "it is a number of epochs"},
        {"early_steps=", "it is a number of epochs"},
        {"extra_epochs=99999999999999999999", "it is a number of epochs"},
        {"hue=red", "there are last_batch=drop|keep, early_steps=N, moments_at_step=keep|reset, "
                    "extra_epochs=N, weight_decay_on=all|weights, label_smoothing=0.N, "
                    "bn_gamma=yes|no, running_statistics=image|update, antialias=yes|no, "
                    "colour=none|inception, orientation=ignore|apply"},
        {"colour=red", "colour=red: it is none or inception"},
        {"antialiased=no", "did you mean 'antialias'?"},
        {"weight_decay_on=some", "weight_decay_on=some: it is all or weights"},
        {"bn_gamma=maybe", "it is yes or no"},
        {"running_statistics=epoch", "it is image or update"},
        {"label_smoothing=1", "label_smoothing=1: it is a number at least 0 and below 1"},
        {"label_smoothing=-0.1", "at least 0"},
        {"label_smoothing=0.1x", "at least 0"},
        {"label_smoothing=", "at least 0"},
        {"label_smoothing=nan", "at least 0"},
        {"labels_smoothing=0.1", "did you mean 'label_smoothing'?"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct schedule_conventions c = {.early_steps = 7};
        struct image_conventions images = {.aliased = 1};
        struct err err = {0};
        assert_int_equal(conventions_apply(bad[i][0], &c, &images, &err), ERR_USAGE);
        if (strstr(err.text, bad[i][1]) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, bad[i][1]);
        assert_true(c.early_steps == 7 && !c.keep_last_batch && images.aliased);
    }
}

static struct schedule_spec original(void)
{
    return (struct schedule_spec){
        .optimizer = REPRO_OPTIMIZER_MOMENTUM,
        .lr = 0.1,
        .momentum = 0.9,
        .train_n = 50000,
        .batch = 128,
        .ghost = 128,
        .epochs = 200,
        .step_count = 3,
        .step_epoch = {60, 120, 160},
        .factor = {5, 5, 5},
        .action = {SCHEDULE_DECAY_LR, SCHEDULE_DECAY_LR, SCHEDULE_DECAY_LR}};
}

static int64_t updates(struct schedule_spec spec, const char *convention)
{
    struct schedule schedule;
    struct image_conventions images = {0};
    struct err err = {0};
    assert_int_equal(conventions_apply(convention, &spec.conventions, &images, &err), 0);
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(schedule_updates_before(&schedule, schedule.epochs), schedule.updates);
    return schedule.updates;
}

static void counts(void **state)
{
    (void)state;
    struct schedule_spec spec = original();
    struct schedule schedule;
    struct err err = {0};
    assert_int_equal(updates(spec, "last_batch=drop"), 78000);
    assert_int_equal(updates(spec, "last_batch=keep"), 391 * 200);
    assert_int_equal(updates(spec, "extra_epochs=5"), 79950); /* where the printed curves end */
    assert_int_equal(updates(spec, "early_steps=1"), 78000);
    spec.conventions.early_steps = 1;
    assert_int_equal(schedule_build(&spec, &schedule, &err), 0);
    static const int first[] = {0, 59, 119, 159}, epochs[] = {59, 60, 40, 41};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(schedule.phase[i].first_epoch, first[i]);
        assert_int_equal(schedule.phase[i].epochs, epochs[i]);
    }
    /* "increased initial learning rate": exactly the 6500 that the paper says it stays under. */
    spec = original();
    spec.lr = 0.5;
    spec.batch = 640;
    spec.batch_max = 5120;
    for (int i = 0; i < 3; i++)
        spec.action[i] = SCHEDULE_GROW_BATCH;
    assert_int_equal(updates(spec, "last_batch=drop"), 6300);
    assert_int_equal(updates(spec, "last_batch=keep"), 6500);
}

static void impossible(void **state)
{
    (void)state;
    struct schedule schedule;
    struct err err = {0};
    struct schedule_spec spec = original();
    spec.conventions.early_steps = 60;
    assert_int_equal(schedule_build(&spec, &schedule, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "leave nothing of the first phase"));
    spec = original();
    spec.conventions.extra_epochs = 201;
    assert_int_equal(schedule_build(&spec, &schedule, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "0 to 200"));
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),          cmocka_unit_test(words_of_images),
        cmocka_unit_test(training_words), cmocka_unit_test(checked_against_the_run),
        cmocka_unit_test(out_of_memory),  cmocka_unit_test(refusals),
        cmocka_unit_test(counts),         cmocka_unit_test(impossible)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
