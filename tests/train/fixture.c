#include "fixture.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "data/whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIDE 8
#define CHANNELS 3
#define CLASSES 4
#define TEST_N 20
#define IMAGE (SIDE * SIDE * CHANNELS)

struct fixture fixture;

static struct repro_backend real;

/* ---- The spy ---- */

uint64_t fixture_hash(uint64_t hash, const uint8_t *pixels, int32_t label)
{
    for (int i = 0; i < IMAGE; i++)
        hash = (hash ^ pixels[i]) * 1099511628211u;
    return (hash ^ (uint64_t)label) * 1099511628211u;
}

static int32_t spy_forward(struct repro_net *net, const struct repro_rows *rows,
                           struct repro_error *err)
{
    if (fixture.fail_forward > 0 && --fixture.fail_forward == 0) {
        *err = (struct repro_error){.code = REPRO_LIBRARY, .text = "the spy says no"};
        return REPRO_LIBRARY;
    }
    for (int64_t i = 0; rows->mode == REPRO_MODE_TRAIN && i < rows->count; i++) {
        if (fixture.image_count < FIXTURE_IMAGES)
            fixture.images[fixture.image_count++] = rows->image[i];
        fixture.pixel_hash = fixture_hash(fixture.pixel_hash, rows->pixels + i * IMAGE,
                                          rows->labels[i]);
    }
    return real.net_forward(net, rows, err);
}

static int32_t spy_update(struct repro_net *net, const struct repro_step *step,
                          struct repro_error *err)
{
    int32_t code = real.net_read(net, REPRO_ARENA_PARTIAL, 0,
                                 fixture.net.graph.param_count + fixture.net.graph.running_count,
                                 fixture.partial, err);
    fixture.step = *step;
    return code != 0 ? code : real.net_update(net, step, err);
}

/* ---- Data ---- */

/* A class is a bright colour (the last one: none) under noise, which no crop and no flip can
 * hide. */
static void draw_images(uint64_t seed, int64_t count, uint8_t *pixels, int32_t *labels)
{
    for (int64_t i = 0; i < count; i++) {
        struct random_words which = random_at(seed, RANDOM_SYNTHETIC, 0, (uint64_t)i, 0);
        labels[i] = (int32_t)(which.word[0] % CLASSES);
        for (uint32_t p = 0; p < SIDE * SIDE * CHANNELS; p++) {
            struct random_words noise = random_at(seed, RANDOM_SYNTHETIC, 1, (uint64_t)i, p);
            *pixels++ = (uint8_t)(noise.word[0] % 128 +
                                  ((int32_t)(p % CHANNELS) == labels[i] ? 100u : 0u));
        }
    }
}

static int make_data(struct dataset *data, struct err *err)
{
    *data = (struct dataset){.name = "colours",
                             .train_n = FIXTURE_TRAIN_N,
                             .test_n = TEST_N,
                             .channels = CHANNELS,
                             .height = SIDE,
                             .width = SIDE,
                             .classes = CLASSES,
                             .mean = {90.0f, 90.0f, 90.0f},
                             .deviation = {60.0f, 60.0f, 60.0f}};
    if (whole_allocate(data, err) != 0)
        return -1;
    for (int split = 0; split < DATASET_SPLITS; split++)
        draw_images(split == DATASET_TRAIN ? 11 : 12, dataset_count(data, split),
                    whole_pixels(data, split), whole_labels(data, split));
    return 0;
}

/* ---- Set-up ---- */

int fixture_required(const char *name)
{
    const char *list = getenv("REPRO_REQUIRE");
    size_t length = strlen(name);
    while (list != NULL && *list != '\0') {
        size_t part = strcspn(list, ",");
        if (part == length && memcmp(list, name, length) == 0)
            return 1;
        list += part + (list[part] == ',');
    }
    return 0;
}

int fixture_open(void **state)
{
    struct err err = {0};
    (void)state;
    if (make_data(&fixture.data, &err) != 0 ||
        net_named(&fixture.net, "tiny", CHANNELS, SIDE, SIDE, CLASSES, fixture.data.mean,
                  fixture.data.deviation, &err) != 0)
        return -1;
    fixture.partial = mem_new(
        (size_t)(fixture.net.graph.param_count + fixture.net.graph.running_count), sizeof(float),
        &err);
    if (fixture.partial == NULL)
        return -1;
    fixture.name = getenv("REPRO_TRAIN_BACKEND");
    if (fixture.name == NULL)
        fixture.name = "openblas";
    if (backend_load(fixture.name, &real, &err) != 0) {
        snprintf(fixture.reason, sizeof fixture.reason, "%s", err.text);
        return 0;
    }
    fixture.backend = fixture.plain = real;
    fixture.backend.net_forward = spy_forward;
    fixture.backend.net_update = spy_update;
    struct repro_device_options options = {.struct_size = sizeof options, .threads = 1};
    struct repro_error error = {0};
    if (real.device_open(&options, &fixture.device, &error) != 0)
        snprintf(fixture.reason, sizeof fixture.reason, "%s: %s", fixture.name, error.text);
    return 0;
}

int fixture_close(void **state)
{
    (void)state;
    if (fixture.device != NULL)
        real.device_close(fixture.device);
    net_release(&fixture.net);
    dataset_release(&fixture.data);
    mem_free(fixture.partial);
    return 0;
}

void fixture_need(void)
{
    fixture.image_count = 0;
    fixture.pixel_hash = 0;
    fixture.fail_forward = 0;
    if (fixture.reason[0] == '\0')
        return;
    if (fixture_required(fixture.name))
        fail_msg("%s (required by REPRO_REQUIRE)", fixture.reason);
    print_message("# %s\n", fixture.reason);
    skip();
}

struct repro_device *fixture_device(int threads)
{
    struct repro_device_options options = {.struct_size = sizeof options, .threads = threads};
    struct repro_device *device = NULL;
    struct repro_error error = {0};
    if (real.device_open(&options, &device, &error) != 0)
        fail_msg("%s", error.text);
    return device;
}

/* ---- Trainers ---- */

struct schedule fixture_schedule(int optimizer, int64_t batch, int grow)
{
    struct err err = {0};
    struct schedule schedule;
    int plain = optimizer == REPRO_OPTIMIZER_SGD || optimizer == REPRO_OPTIMIZER_ADAM;
    struct schedule_spec spec = {
        .optimizer = optimizer,
        .lr = optimizer == REPRO_OPTIMIZER_ADAM ? 1e-3 : 0.05,
        .momentum = plain ? 0.0 : 0.9,
        .train_n = FIXTURE_TRAIN_N,
        .batch = batch,
        .ghost = 4,
        .epochs = 2,
        .step_count = 1,
        .step_epoch = {1},
        .factor = {2.0},
        .action = {grow ? SCHEDULE_GROW_BATCH : SCHEDULE_DECAY_LR},
    };
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

struct trainer_config fixture_config(const struct schedule *schedule)
{
    return (struct trainer_config){
        .backend = &fixture.backend,
        .device = fixture.device,
        .net = &fixture.net,
        .data = &fixture.data,
        .schedule = schedule,
        .seed = 3,
        .precision = REPRO_PRECISION_F32,
        .micro = schedule->ghost,
        .groups = 8,
        .weight_decay = 5e-4,
        .beta1 = 0.9,
        .beta2 = 0.999,
        .epsilon = 1e-8,
    };
}

struct trainer *fixture_trainer(const struct trainer_config *config)
{
    struct err err = {0};
    struct trainer *trainer = NULL;
    if (trainer_new(config, &trainer, &err) != 0)
        fail_msg("%s", err.text);
    return trainer;
}

void fixture_train(struct trainer *trainer, int64_t update)
{
    struct err err = {0};
    const struct trainer_state *state = trainer_state(trainer);
    while (state->epoch < trainer_config(trainer)->schedule->epochs && state->update < update) {
        if (trainer_epoch_done(trainer))
            trainer_end_epoch(trainer);
        else if (trainer_update(trainer, &err) != 0)
            fail_msg("%s", err.text);
    }
    if (trainer_settle(trainer, &err) != 0)
        fail_msg("%s", err.text);
}

float *fixture_arenas(struct trainer *trainer, size_t *count)
{
    struct err err = {0};
    *count = 0;
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_RUNNING; arena++)
        if (trainer_arenas(trainer) >> arena & 1)
            *count += (size_t)trainer_arena_count(trainer, arena);
    float *values = mem_new(*count, sizeof *values, &err), *at = values;
    assert_non_null(values);
    for (int arena = REPRO_ARENA_PARAM; arena <= REPRO_ARENA_RUNNING; arena++) {
        if (!(trainer_arenas(trainer) >> arena & 1))
            continue;
        if (trainer_read(trainer, arena, at, &err) != 0)
            fail_msg("%s", err.text);
        at += trainer_arena_count(trainer, arena);
    }
    return values;
}

void fixture_same(struct trainer *a, struct trainer *b, const char *words)
{
    size_t count, other;
    float *left = fixture_arenas(a, &count), *right = fixture_arenas(b, &other);
    int differ = count != other || memcmp(left, right, count * sizeof *left) != 0;
    mem_free(left);
    mem_free(right);
    if (differ)
        fail_msg("%s: the arenas differ", words);
    const struct trainer_state *s = trainer_state(a), *t = trainer_state(b);
    if (s->update != t->update || s->epoch != t->epoch ||
        s->update_in_epoch != t->update_in_epoch || s->images != t->images ||
        s->correct != t->correct || s->rows != t->rows ||
        memcmp(&s->loss, &t->loss, sizeof s->loss) != 0)
        fail_msg("%s: the states differ", words);
}
