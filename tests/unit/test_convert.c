/* The schedule algebra's properties on random schedules, the paper's own schedules, and bad
 * words. */
#include "schedule/convert.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <cmocka.h>

#define ROUNDS 2000
#define CLOSE 1e-12 /* relative */

static const struct convert_setting cifar = {
    .train_n = 50000, .batch = 128, .epochs = 200, .momentum = 0.9, .ghost = 128};
static const char decay[] = "0.1@0 0.02@60 0.004@120 0.0008@160";

static struct schedule parse(const char *words, const struct convert_setting *setting)
{
    struct schedule schedule;
    struct err err = {0};
    if (convert_parse(words, setting, &schedule, &err) != 0)
        fail_msg("%s: %s", words, err.text);
    return schedule;
}

static struct conversion turn(const struct schedule *from, const struct convert_setting *setting,
                              struct convert_target target)
{
    struct conversion conversion;
    struct err err = {0};
    if (convert(from, setting, &target, &conversion, &err) != 0)
        fail_msg("%s", err.text);
    return conversion;
}

static double scale(const struct schedule *schedule, int i)
{
    const struct phase *phase = &schedule->phase[i];
    return noise_scale_approximate(phase->lr, phase->momentum, schedule->train_n, phase->batch);
}

static void close_to(double got, double want)
{
    if (!(fabs(got - want) <= CLOSE * fabs(want)))
        fail_msg("%.17g is not %.17g", got, want);
}

/* Phases add up to the run, updates to the plan. */
static void adds_up(const struct schedule *schedule)
{
    int64_t updates = 0;
    int epochs = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        assert_int_equal(phase->first_epoch, epochs);
        assert_int_equal(phase->updates, phase->epochs * (schedule->train_n / phase->batch));
        assert_int_equal(phase->dropped, schedule->train_n % phase->batch);
        epochs += phase->epochs;
        updates += phase->updates;
    }
    assert_int_equal(epochs, schedule->epochs);
    assert_int_equal(updates, schedule->updates);
    assert_int_equal(schedule_updates_before(schedule, schedule->epochs), updates);
}

static void same_schedule(const struct schedule *a, const struct schedule *b)
{
    assert_int_equal(a->phase_count, b->phase_count);
    for (int i = 0; i < a->phase_count; i++) {
        assert_int_equal(a->phase[i].first_epoch, b->phase[i].first_epoch);
        assert_int_equal(a->phase[i].batch, b->phase[i].batch);
        close_to(a->phase[i].lr, b->phase[i].lr);
        close_to(a->phase[i].momentum, b->phase[i].momentum);
    }
    assert_int_equal(a->updates, b->updates);
}

static uint32_t seed;

static int below(int bound)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((uint64_t)seed * (uint64_t)bound >> 32);
}

/* A decaying learning rate with whole factors of 2 to 5, in words. */
static struct schedule random_schedule(struct convert_setting *setting)
{
    char words[512];
    static const double momenta[] = {0.0, 0.5, 0.9, 0.98};
    int phases = 1 + below(4), epoch = 0;
    *setting = (struct convert_setting){
        .train_n = 50000000 + below(100000), .batch = 1 + below(32), .momentum = momenta[below(4)]};
    double lr = 0.001 * (1 + below(1000)), divisor = 1;
    size_t used = 0;
    for (int i = 0; i < phases; i++) {
        used += (size_t)snprintf(words + used, sizeof words - used, "%.17g@%d ", lr / divisor,
                                 epoch);
        epoch += 1 + below(40);
        divisor *= 2 + below(4);
    }
    setting->epochs = epoch;
    return parse(words, setting);
}

static void there_and_back(void **state)
{
    (void)state;
    seed = 1;
    for (int round = 0; round < ROUNDS; round++) {
        struct convert_setting setting;
        struct schedule from = random_schedule(&setting);
        struct conversion there = turn(
            &from, &setting, (struct convert_target){.kind = CONVERT_BATCH, .momentum = -1});
        struct conversion back = turn(&there.to, &setting,
                                      (struct convert_target){.kind = CONVERT_LR, .momentum = -1});
        same_schedule(&from, &back.to);
        for (int i = 1; i < there.to.phase_count; i++)
            close_to(there.to.phase[i].lr, from.phase[0].lr); /* the batch carries all of it */
        adds_up(&from);
        adds_up(&there.to);
        adds_up(&back.to);
    }
}

/* Whatever carries it, a limit on the batch included. */
static void equal_noise_scale(void **state)
{
    (void)state;
    seed = 2;
    for (int round = 0; round < ROUNDS; round++) {
        struct convert_setting setting;
        struct schedule from = random_schedule(&setting);
        for (int kind = CONVERT_BATCH; kind <= CONVERT_HYBRID; kind++) {
            struct convert_target target = {.kind = (enum convert_kind)kind,
                                            .momentum = -1,
                                            .batch_max = below(2) ? setting.batch * (1 + below(40))
                                                                  : 0};
            struct conversion twin = turn(&from, &setting, target);
            assert_int_equal(twin.to.phase_count, from.phase_count);
            for (int i = 0; i < from.phase_count; i++) {
                close_to(scale(&twin.to, i), scale(&from, i));
                assert_true(target.batch_max == 0 || twin.to.phase[i].batch <= target.batch_max);
            }
            adds_up(&twin.to);
            assert_true(twin.to.updates <= from.updates);
        }
    }
}

/* A larger first learning rate or momentum. */
static void equal_noise_scale_from_the_start(void **state)
{
    (void)state;
    seed = 3;
    for (int round = 0; round < ROUNDS; round++) {
        struct convert_setting setting;
        struct schedule from = random_schedule(&setting);
        struct convert_target target = {.kind = CONVERT_BATCH,
                                        .lr = from.phase[0].lr * (1 + below(8)),
                                        .momentum = setting.momentum == 0.9 ? 0.98 : -1};
        struct conversion twin = turn(&from, &setting, target);
        for (int i = 0; i < from.phase_count; i++)
            close_to(scale(&twin.to, i), scale(&from, i));
        adds_up(&twin.to);
    }
}

/* By hand: alpha 4, then 4. */
static void other_rules(void **state)
{
    static const struct convert_setting setting = {
        .train_n = 1 << 20, .batch = 64, .epochs = 30, .momentum = 0.9};
    static const struct {
        struct convert_target target;
        int64_t batch[3];
        double lr[3];
    } cases[] = {
        {{CONVERT_BATCH, 0, -1, 0, SCHEDULE_LINEAR}, {64, 256, 1024}, {0.8, 0.8, 0.8}},
        {{CONVERT_BATCH, 0, -1, 0, SCHEDULE_SQRT}, {64, 1024, 16384}, {0.8, 0.8, 0.8}},
        {{CONVERT_BATCH, 0, -1, 0, SCHEDULE_SEESAW}, {64, 256, 1024}, {0.8, 0.4, 0.2}},
        {{CONVERT_BATCH, 0, -1, 4096, SCHEDULE_SQRT}, {64, 1024, 4096}, {0.8, 0.8, 0.4}},
        {{CONVERT_BATCH, 0, -1, 256, SCHEDULE_SEESAW}, {64, 256, 256}, {0.8, 0.4, 0.1}},
        {{CONVERT_HYBRID, 0, -1, 0, SCHEDULE_SEESAW}, {64, 256, 256}, {0.8, 0.4, 0.1}},
        {{CONVERT_BATCH, 1.6, -1, 0, SCHEDULE_SQRT}, {256, 4096, 65536}, {1.6, 1.6, 1.6}},
    };
    struct schedule from = parse("0.8@0 0.2@10 0.05@20", &setting);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct conversion twin = turn(&from, &setting, cases[i].target);
        for (int p = 0; p < 3; p++) {
            assert_int_equal(twin.to.phase[p].batch, cases[i].batch[p]);
            close_to(twin.to.phase[p].lr, cases[i].lr[p]);
        }
    }
}

/* There and back, and what the rule holds is held, whatever carries it. */
static void rules_there_and_back(void **state)
{
    (void)state;
    seed = 4;
    for (int round = 0; round < ROUNDS; round++) {
        struct convert_setting setting;
        struct schedule from = random_schedule(&setting);
        for (int r = 0; r < SCHEDULE_RULE_COUNT; r++) {
            enum schedule_rule rule = (enum schedule_rule)r;
            struct convert_target target = {CONVERT_BATCH, 0, -1, setting.batch * (1 + below(40)),
                                            rule};
            struct conversion there = turn(&from, &setting, target);
            for (int i = 0; i < from.phase_count; i++) {
                const struct phase *a = &from.phase[i], *b = &there.to.phase[i];
                close_to(schedule_rate(rule, b->lr, b->momentum, b->batch),
                         schedule_rate(rule, a->lr, a->momentum, a->batch));
            }
            target = (struct convert_target){CONVERT_LR, 0, -1, 0, rule};
            struct conversion back = turn(&there.to, &setting, target);
            same_schedule(&from, &back.to);
            adds_up(&there.to);
        }
    }
}

/* Eleven schedules of the paper: batches, and updates. */
static void the_papers_schedules(void **state)
{
    static const struct convert_setting imagenet = {
        .train_n = 1281167, .batch = 8192, .epochs = 90, .momentum = 0.9};
    static const char steps[] = "3@0 0.3@30 0.03@60 0.003@80";
    static const struct {
        const struct convert_setting *setting;
        const char *words;
        struct convert_target target;
        int64_t batch[4], updates;
    } cases[] = {
        {&cifar, decay, {CONVERT_LR, 0, -1, 0, 0}, {128, 128, 128, 128}, 78000},
        {&cifar, decay, {CONVERT_HYBRID, 0, -1, 0, 0}, {128, 640, 640, 640}, 34320},
        {&cifar, decay, {CONVERT_BATCH, 0, -1, 0, 0}, {128, 640, 3200, 16000}, 28800},
        {&cifar, decay, {CONVERT_BATCH, 0, -1, 5120, 0}, {128, 640, 3200, 5120}, 29040},
        {&cifar, decay, {CONVERT_BATCH, 0.5, -1, 5120, 0}, {640, 3200, 5120, 5120}, 6300},
        {&cifar, decay, {CONVERT_BATCH, 0.5, 0.98, 5120, 0}, {3200, 5120, 5120, 5120}, 2160},
        {&imagenet, steps, {CONVERT_LR, 0, -1, 0, 0}, {8192, 8192, 8192, 8192}, 14040},
        {&imagenet, steps, {CONVERT_BATCH, 0, -1, 81920, 0}, {8192, 81920, 81920, 81920}, 5580},
        {&imagenet, steps, {CONVERT_BATCH, 0, -1, 65536, 0}, {8192, 65536, 65536, 65536}, 5820},
        {&imagenet, steps, {CONVERT_BATCH, 0, 0.95, 65536, 0}, {16384, 65536, 65536, 65536}, 3480},
        {&imagenet, steps, {CONVERT_BATCH, 0, 0.975, 65536, 0}, {32768, 65536, 65536, 65536}, 2310},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule from = parse(cases[i].words, cases[i].setting);
        struct conversion twin = turn(&from, cases[i].setting, cases[i].target);
        for (int p = 0; p < 4; p++)
            assert_int_equal(twin.to.phase[p].batch, cases[i].batch[p]);
        assert_int_equal(twin.to.updates, cases[i].updates);
    }
}

static void refused(const char *words, const struct convert_setting *setting, const char *first,
                    const char *second)
{
    struct schedule schedule = {.epochs = -7};
    struct err err = {0};
    assert_int_equal(convert_parse(words, setting, &schedule, &err), ERR_USAGE);
    assert_int_equal(schedule.epochs, -7);
    if (strstr(err.text, first) == NULL || strstr(err.text, second) == NULL)
        fail_msg("'%s' lacks '%s' or '%s'", err.text, first, second);
}

static void bad_words(void **state)
{
    struct convert_setting setting = cifar;
    (void)state;
    refused("", &cifar, "no schedule", "0.1@0");
    refused("0.1", &cifar, "'0.1'", "LR@EPOCH");
    refused("0.1@0 0.02@60x", &cifar, "0.02@60x", "LR@EPOCH");
    refused("-1@0", &cifar, "-1@0", "LR@EPOCH");
    refused("nan@0", &cifar, "nan@0", "LR@EPOCH");
    refused("inf@0", &cifar, "inf@0", "LR@EPOCH");
    refused("0x1@0", &cifar, "0x1@0", "LR@EPOCH"); /* no hexadecimal: the learning rate is 0 */
    refused("0.1x0x10@0", &cifar, "0.1x0x10@0", "LRxBATCH@EPOCH");
    refused("0.1x9223372036854775808@0", &cifar, "0.1x9223372036854775808@0", "LRxBATCH@EPOCH");
    refused("0.1x0@0", &cifar, "0.1x0@0", "LRxBATCH@EPOCH");
    refused("0.1@5", &cifar, "0.1@5", "epoch 0");
    refused("0.1@0 0.02@60 0.01@60", &cifar, "0.01@60", "does not come after");
    refused("0.1@0 0.02@200", &cifar, "0.02@200", "--epochs");
    refused("0.1@0 0.2@60", &cifar, "0.2@60", "does not fall");
    refused("0.1x60000@0", &cifar, "0.1x60000@0", "50000");
    setting.momentum = 1.0;
    refused(decay, &setting, "momentum", "below 1");
    setting = cifar;
    setting.batch = 0;
    refused(decay, &setting, "a batch", "epochs");
    setting = cifar;
    setting.train_n = CONVERT_TRAIN_MAX + 1; /* updates still have a number */
    refused(decay, &setting, "1099511627777", "1099511627776");
    setting = cifar;
    setting.epochs = CONVERT_EPOCHS_MAX + 1;
    refused(decay, &setting, "100001", "100000");
}

static void impossible_twins(void **state)
{
    static const struct {
        const char *words;
        struct convert_target target;
        const char *says;
    } cases[] = {
        {"0.1@0 0.07@60", {CONVERT_BATCH, 0, -1, 0, 0}, "no whole batch"},
        {decay, {CONVERT_BATCH, 0.13, -1, 0, 0}, "no whole number"},
        {decay, {CONVERT_BATCH, 90, -1, 0, 0}, "50000"},
        {"0.1@0 0.0001@60", {CONVERT_BATCH, 0, -1, 0, 0}, "batch_max"},
        {decay, {CONVERT_BATCH, 0, 1.0, 0, 0}, "below 1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct schedule from = parse(cases[i].words, &cifar);
        struct conversion twin;
        struct err err = {0};
        assert_true(convert(&from, &cifar, &cases[i].target, &twin, &err) != 0);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, cases[i].says);
    }
}

static void text_and_json(void **state)
{
    struct schedule from = parse(decay, &cifar);
    struct conversion twin = turn(&from, &cifar,
                                  (struct convert_target){.kind = CONVERT_BATCH, .momentum = -1});
    struct err err = {0};
    char *text = NULL, *json = NULL;
    (void)state;
    assert_int_equal(convert_text(&twin, &cifar, &text, &err), 0);
    static const char *const says[] = {
        "78000 updates",
        "28800 updates",
        "49200 updates saved: 2.71 times fewer",
        "390.63",
        "3.125",
        "phase 4: B = 16000 is above N/10 = 5000",
        "action = [ \"grow_batch\", \"grow_batch\", \"grow_batch\" ];",
        "factor = [ 5.0, 5.0, 5.0 ];",
        "steps = [ 60, 120, 160 ];",
        "momentum = 0.9;"};
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (strstr(text, says[i]) == NULL)
            fail_msg("'%s' is not in:\n%s", says[i], text);
    assert_int_equal(convert_json(&twin, &json, &err), 0);
    assert_non_null(strstr(json, "\"batch_size\": 16000"));
    assert_non_null(strstr(json, "\"updates\": 28800"));
    mem_free(text);
    mem_free(json);
}

/* Allocations to come before one fails. */
static int allocations_left;

static void *scarce(size_t size)
{
    return allocations_left-- == 0 ? NULL : malloc(size);
}

/* All of the table or none of it. */
static void json_out_of_memory(void **state)
{
    struct schedule from = parse(decay, &cifar);
    struct conversion twin = turn(&from, &cifar,
                                  (struct convert_target){.kind = CONVERT_BATCH, .momentum = -1});
    struct err err = {0};
    char *whole = NULL;
    int code = ERR_MEMORY, failures = 0;
    (void)state;
    assert_int_equal(convert_json(&twin, &whole, &err), 0);
    json_set_alloc_funcs(scarce, free);
    while (code != 0 && failures < 1000) {
        char *text = NULL;
        allocations_left = failures;
        err = (struct err){0};
        code = convert_json(&twin, &text, &err);
        if (code != 0) {
            assert_int_equal(code, ERR_MEMORY);
            assert_null(text);
            failures++;
        } else {
            assert_string_equal(text, whole);
        }
        mem_free(text);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 20 && failures < 1000);
    mem_free(whole);
}

static void warnings(void **state)
{
    struct convert_setting setting = cifar;
    struct err err = {0};
    char *text = NULL;
    (void)state;
    setting.epochs = 124;
    setting.ghost = 100;
    struct schedule from = parse("0.1@0 0.02@60 0.004@120", &setting);
    struct conversion twin = turn(&from, &setting,
                                  (struct convert_target){.kind = CONVERT_BATCH, .momentum = 0.98});
    assert_int_equal(convert_text(&twin, &setting, &text, &err), 0);
    assert_non_null(
        strstr(text, "phase 3: momentum needs N_lost = 16 epochs to build up, of the 4 it has"));
    assert_non_null(strstr(text, "phase 1: B = 640 is no multiple of the ghost batch of 100"));
    assert_non_null(strstr(text, "phase 3: B = 16000 is above N/10"));
    assert_null(strstr(text, "phase 2: momentum"));
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(equal_noise_scale),
        cmocka_unit_test(equal_noise_scale_from_the_start),
        cmocka_unit_test(other_rules),
        cmocka_unit_test(rules_there_and_back),
        cmocka_unit_test(the_papers_schedules),
        cmocka_unit_test(bad_words),
        cmocka_unit_test(impossible_twins),
        cmocka_unit_test(text_and_json),
        cmocka_unit_test(json_out_of_memory),
        cmocka_unit_test(warnings),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
