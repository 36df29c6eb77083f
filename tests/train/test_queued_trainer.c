/* A trainer whose backend queues updates, joins groups and keeps the data set ends where one ends
 * that waits for everything and sends pixels: the same bits of arenas, state and scores, after the
 * same update. */
#include "fixture.h"

#include "base/err.h"
#include "data/whole.h"
#include "scratch.h"
#include "train/checkpoint.h"
#include "train/resident.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define END INT64_MAX
#define IDENTITY "0123456789abcdef0123456789abcdef"
#define LONG_N 860 /* images of the long epoch */

/* What a trainer may make use of. */
enum kind { PLAIN, RECORDING, JOINING, RESIDENT, QUEUED, KINDS };
static const char *const kind_names[] = {"plain", "recording", "joining", "resident", "queued"};

static struct repro_backend tables[KINDS];
static struct resident resident, long_resident;
static struct dataset long_data;
static struct scratch scratch;

/* The fixture's images over and over, each time darker, one batch of another shape left over. */
static int make_long_data(struct err *err)
{
    const struct dataset *data = &fixture.data;
    size_t image = dataset_image_bytes(data);
    long_data = *data;
    long_data.train_n = LONG_N;
    if (whole_allocate(&long_data, err) != 0)
        return -1;
    struct dataset_images train = dataset_whole(data, DATASET_TRAIN),
                          test = dataset_whole(data, DATASET_TEST);
    uint8_t *pixels = whole_pixels(&long_data, DATASET_TRAIN);
    int32_t *labels = whole_labels(&long_data, DATASET_TRAIN);
    size_t tests = (size_t)data->test_n;
    memcpy(whole_pixels(&long_data, DATASET_TEST), test.pixels, tests * image);
    memcpy(whole_labels(&long_data, DATASET_TEST), test.labels, tests * sizeof *test.labels);
    for (size_t i = 0; i < LONG_N; i++) {
        size_t from = i % FIXTURE_TRAIN_N;
        for (size_t p = 0; p < image; p++)
            pixels[i * image + p] = (uint8_t)(train.pixels[from * image + p] - i / FIXTURE_TRAIN_N);
        labels[i] = train.labels[from];
    }
    return 0;
}

static int set_up(void **state)
{
    struct err err = {0};
    if (scratch_make(&scratch) != 0)
        return -1;
    if (fixture_open(state) != 0 || make_long_data(&err) != 0)
        return -1;
    if (fixture.device == NULL)
        return 0;
    for (int kind = 0; kind < KINDS; kind++) {
        struct repro_backend *table = &tables[kind];
        *table = fixture.plain;
        if (kind == PLAIN || kind == JOINING || kind == RESIDENT)
            table->net_history = NULL;
        if (kind != JOINING && kind != QUEUED)
            table->net_keep = table->net_join = NULL;
    }
    if (resident_put(&fixture.plain, fixture.device, &fixture.data, &resident, &err) != 0 ||
        resident_put(&fixture.plain, fixture.device, &long_data, &long_resident, &err) != 0)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    resident_release(&resident);
    resident_release(&long_resident);
    dataset_release(&long_data);
    fixture_close(state);
    return scratch_remove(&scratch);
}

static void need(void)
{
    fixture_need();
    const struct repro_backend *table = &fixture.plain;
    if (table->net_history != NULL && table->net_keep != NULL && table->data_put != NULL)
        return;
    print_message("# %s does not queue\n", fixture.name);
    skip();
}

static struct trainer *trainer_of(enum kind kind, const struct trainer_config *given)
{
    struct trainer_config config = *given;
    config.backend = &tables[kind];
    if (kind == RESIDENT || kind == QUEUED)
        config.resident = config.data == &long_data ? &long_resident : &resident;
    return fixture_trainer(&config);
}

/* Trains on without a look at anything, epochs ended as they come, until `update` updates are
 * done. */
static void rush(struct trainer *trainer, int64_t update)
{
    struct err err = {0};
    const struct trainer_state *state = trainer_state(trainer);
    while (state->epoch < trainer_config(trainer)->schedule->epochs && state->update < update) {
        if (trainer_epoch_done(trainer))
            trainer_end_epoch(trainer);
        else if (trainer_update(trainer, &err) != 0)
            fail_msg("%s", err.text);
    }
}

static void settle(struct trainer *trainer)
{
    struct err err = {0};
    if (trainer_settle(trainer, &err) != 0)
        fail_msg("%s", err.text);
}

static struct trainer_score evaluation(struct trainer *trainer)
{
    struct trainer_score score = {0};
    struct err err = {0};
    if (trainer_evaluate(trainer, &score, &err) != 0)
        fail_msg("%s", err.text);
    return score;
}

/* Two trainers, side by side, to the end: the epochs' scores, evaluations and all bits. */
static void same_run(enum kind kind, const struct trainer_config *config, const char *words)
{
    struct trainer *plain = trainer_of(PLAIN, config), *other = trainer_of(kind, config);
    char text[160];
    snprintf(text, sizeof text, "%s, %s", kind_names[kind], words);
    for (int epoch = 0; epoch < config->schedule->epochs; epoch++) {
        int64_t end = schedule_updates_before(config->schedule, epoch + 1);
        rush(plain, end);
        rush(other, end);
        assert_true(trainer_epoch_done(plain) && trainer_epoch_done(other));
        fixture_same(plain, other, text);
        struct trainer_score a = evaluation(plain), b = evaluation(other);
        assert_memory_equal(&a, &b, sizeof a);
        a = trainer_end_epoch(plain);
        b = trainer_end_epoch(other);
        if (memcmp(&a, &b, sizeof a) != 0)
            fail_msg("%s: epoch %d: loss %.17g and %.17g", text, epoch + 1, a.loss, b.loss);
    }
    trainer_free(plain);
    trainer_free(other);
}

static void every_optimizer(void **state)
{
    static const int optimizers[] = {REPRO_OPTIMIZER_SGD, REPRO_OPTIMIZER_MOMENTUM,
                                     REPRO_OPTIMIZER_NESTEROV, REPRO_OPTIMIZER_ADAM};
    (void)state;
    need();
    for (int i = 0; i < 4; i++)
        for (int kind = RECORDING; kind < KINDS; kind++) {
            char words[64];
            snprintf(words, sizeof words, "optimizer %d", optimizers[i]);
            struct schedule schedule = fixture_schedule(optimizers[i], 12, 1);
            struct trainer_config config = fixture_config(&schedule);
            same_run((enum kind)kind, &config, words);
        }
}

/* B of 1, 2, 3, 5 and 8 micros, doubled after an epoch, in 1, 3 and 8 groups. */
static void every_cut(void **state)
{
    static const int micros[] = {1, 2, 3, 5, 8}, groups[] = {1, 3, 8};
    (void)state;
    need();
    for (int i = 0; i < 5; i++)
        for (int k = micros[i] == 1 ? 2 : 0; k < 3; k++) { /* one micro is one group */
            char words[64];
            struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 4 * micros[i], 1);
            struct trainer_config config = fixture_config(&schedule);
            config.groups = groups[k];
            snprintf(words, sizeof words, "%d micros in %d groups", micros[i], groups[k]);
            same_run(QUEUED, &config, words);
            config.micro = 8; /* of two ghosts; odd batches leave one behind */
            snprintf(words, sizeof words, "%d ghosts in %d groups", micros[i], groups[k]);
            same_run(QUEUED, &config, words);
        }
}

static struct schedule conventional(struct schedule_conventions conventions, int64_t train_n,
                                    int64_t batch)
{
    struct err err = {0};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_ADAM,
                                 .lr = 1e-3,
                                 .train_n = train_n,
                                 .batch = batch,
                                 .ghost = 4,
                                 .epochs = 3,
                                 .step_count = 2,
                                 .step_epoch = {1, 2},
                                 .factor = {2.0, 2.0},
                                 .action = {SCHEDULE_GROW_BATCH, SCHEDULE_DECAY_LR},
                                 .conventions = conventions};
    if (schedule_build(&spec, &schedule, &err) != 0)
        fail_msg("%s", err.text);
    return schedule;
}

/* The last batch kept: of whole ghosts, and with a rest that a second network computes; the moments
 * reset. */
static void conventions(void **state)
{
    (void)state;
    need();
    static const int64_t sizes[] = {72, 70, 61};
    for (int reset = 0; reset < 2; reset++)
        for (int i = 0; i < 3; i++)
            for (int64_t groups = 1; groups <= 8; groups += 7) {
                struct schedule_conventions ways = {.keep_last_batch = 1, .reset_moments = reset};
                struct schedule schedule = conventional(ways, sizes[i], 16);
                struct trainer_config config = fixture_config(&schedule);
                char words[64];
                config.groups = groups;
                snprintf(words, sizeof words, "%d images, reset %d", (int)sizes[i], reset);
                same_run(QUEUED, &config, words);
                if (groups == 1)
                    same_run(RECORDING, &config, words);
            }
    struct schedule schedule = conventional((struct schedule_conventions){.reset_moments = 1}, 72,
                                            12);
    struct trainer_config config = fixture_config(&schedule);
    same_run(QUEUED, &config, "moments reset");
}

/* More updates in an epoch than may be unread, twice, without any look at them. */
static void long_epochs(void **state)
{
    struct err err = {0};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_NESTEROV,
                                 .lr = 0.02,
                                 .momentum = 0.9,
                                 .train_n = LONG_N,
                                 .batch = 4,
                                 .ghost = 4,
                                 .epochs = 2,
                                 .step_count = 1,
                                 .step_epoch = {1},
                                 .factor = {2.0},
                                 .action = {SCHEDULE_GROW_BATCH}};
    (void)state;
    need();
    assert_int_equal(schedule_build(&spec, &schedule, &err), 0);
    assert_true(schedule.phase[0].updates_per_epoch > 3 * REPRO_HISTORY);
    struct trainer_config config = fixture_config(&schedule);
    config.data = &long_data;
    same_run(QUEUED, &config, "215 updates");
}

/* An evaluation, a reading of parameters and a settling in mid-epoch leave no trace. */
static void looks_in_mid_epoch(void **state)
{
    struct err err = {0};
    (void)state;
    need();
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *plain = trainer_of(PLAIN, &config), *queued = trainer_of(QUEUED, &config),
                   *rushed = trainer_of(QUEUED, &config);
    for (int64_t update = 1; update <= schedule.updates; update++) {
        double l2[2];
        rush(plain, update);
        rush(queued, update);
        struct trainer_score a = evaluation(plain), b = evaluation(queued);
        assert_memory_equal(&a, &b, sizeof a);
        assert_int_equal(trainer_l2(plain, &l2[0], &err), 0);
        assert_int_equal(trainer_l2(queued, &l2[1], &err), 0);
        assert_memory_equal(&l2[0], &l2[1], sizeof l2[0]);
        if (update % 3 == 0) {
            settle(queued);
            fixture_same(plain, queued, "in mid-epoch");
        }
    }
    rush(rushed, END);
    rush(plain, END);
    rush(queued, END);
    fixture_same(plain, queued, "looked at");
    fixture_same(rushed, queued, "looked at and rushed");
    trainer_free(plain);
    trainer_free(queued);
    trainer_free(rushed);
}

static struct trainer *loaded(enum kind kind, const struct trainer_config *config, const char *path)
{
    struct err err = {0};
    struct trainer *trainer = trainer_of(kind, config);
    rush(trainer, 3); /* whatever it did before is forgotten, unread updates too */
    if (checkpoint_load(trainer, path, IDENTITY, NULL, &err) != 0)
        fail_msg("%s", err.text);
    return trainer;
}

/* Saved anywhere with updates unread, gone on with by either kind. */
static void saved_and_resumed(void **state)
{
    (void)state;
    need();
    const char *path = scratch_path(&scratch, "queued.safetensors");
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_ADAM, 12, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *whole = trainer_of(PLAIN, &config);
    rush(whole, END);
    for (int64_t update = 0; update <= schedule.updates; update++)
        for (int from = 0; from < 2; from++)
            for (int to = !from; to < 2; to++) {
                struct err err = {0};
                struct trainer *first = trainer_of(from ? QUEUED : PLAIN, &config);
                rush(first, update);
                if (checkpoint_save(first, path, IDENTITY, &err) != 0)
                    fail_msg("%s", err.text);
                struct trainer *second = loaded(to ? QUEUED : PLAIN, &config, path);
                fixture_same(first, second, "loaded");
                rush(second, END);
                fixture_same(second, whole, "resumed");
                rush(first, END);
                fixture_same(first, whole, "went on behind its checkpoint");
                trainer_free(first);
                trainer_free(second);
            }
    trainer_free(whole);
}

/* ---- What goes wrong ---- */

/* Updates until one fails; its number, with the sentence.  0: none did. */
static int64_t first_failure(struct trainer *trainer, struct err *err)
{
    int code = 0;
    while (code == 0 && trainer_state(trainer)->epoch < trainer_config(trainer)->schedule->epochs) {
        if (trainer_epoch_done(trainer))
            trainer_end_epoch(trainer);
        else
            code = trainer_update(trainer, err);
    }
    return code == 0 ? 0 : trainer_state(trainer)->update + 1;
}

/* The explosion of an epoch's n-th update, wherever it shows: at a reading amid the epoch or at its
 * end. */
static void not_finite_where_plain(void **state)
{
    (void)state;
    need();
    static const double lrs[] = {1e39, 1e30, 1e12, 1e6};
    static const int optimizers[] = {REPRO_OPTIMIZER_SGD, REPRO_OPTIMIZER_MOMENTUM,
                                     REPRO_OPTIMIZER_ADAM};
    int stopped = 0;
    for (int i = 0; i < 4; i++)
        for (int o = 0; o < 3; o++)
            for (int phase = 0; phase < 2; phase++) {
                struct err said[2] = {{0}};
                struct schedule schedule = fixture_schedule(optimizers[o], 8, 1);
                schedule.phase[phase].lr = lrs[i];
                struct trainer_config config = fixture_config(&schedule);
                struct trainer *plain = trainer_of(PLAIN, &config),
                               *queued = trainer_of(QUEUED, &config);
                int64_t at = first_failure(plain, &said[0]);
                assert_int_equal(first_failure(queued, &said[1]), at);
                assert_int_equal(said[0].code, at == 0 ? 0 : ERR_NOT_FINITE);
                assert_int_equal(said[1].code, said[0].code);
                assert_string_equal(said[0].text, said[1].text);
                fixture_same(plain, queued, "stopped");
                stopped += at > 0;
                if (at > 0) { /* and stays so */
                    assert_int_equal(first_failure(queued, &said[1]), at);
                    assert_string_equal(said[0].text, said[1].text);
                    fixture_same(plain, queued, "stopped again");
                }
                trainer_free(plain);
                trainer_free(queued);
            }
    assert_true(stopped > 6);
}

/* The 70th update of a long epoch explodes, so that some records were read before and some updates
 * are unread behind it. */
static void not_finite_amid_records(void **state)
{
    struct err err = {0}, said[2] = {{0}};
    struct schedule schedule;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = 0.02,
                                 .momentum = 0.9,
                                 .train_n = LONG_N,
                                 .batch = 4,
                                 .ghost = 4,
                                 .epochs = 1};
    (void)state;
    need();
    assert_int_equal(schedule_build(&spec, &schedule, &err), 0);
    struct trainer_config config = fixture_config(&schedule);
    config.data = &long_data;
    struct trainer *plain = trainer_of(PLAIN, &config), *queued = trainer_of(QUEUED, &config);
    rush(plain, 69);
    rush(queued, 69);
    schedule.phase[0].lr = 1e39;
    rush(plain, 70);
    rush(queued, 70);
    schedule.phase[0].lr = 0.02;
    int64_t at = first_failure(plain, &said[0]);
    assert_int_equal(at, 71);
    assert_int_equal(first_failure(queued, &said[1]), at);
    assert_string_equal(said[0].text, said[1].text);
    fixture_same(plain, queued, "stopped amid records");
    trainer_free(plain);
    /* The parameters written anew, it goes on. */
    const char *path = scratch_path(&scratch, "fresh.safetensors");
    struct trainer *fresh = trainer_of(PLAIN, &config);
    rush(fresh, 5);
    assert_int_equal(checkpoint_save(fresh, path, IDENTITY, &err), 0);
    assert_int_equal(checkpoint_load(queued, path, IDENTITY, NULL, &err), 0);
    rush(fresh, 100);
    rush(queued, 100);
    settle(queued);
    fixture_same(fresh, queued, "went on from a checkpoint");
    trainer_free(fresh);
    trainer_free(queued);
}

/* The last test: the device stays lost.  The sentence names the update and the mend. */
static void lost_device(void **state)
{
    static char words[1 << 17];
    size_t used = 0;
    struct err err = {0};
    (void)state;
    need();
    if (strstr(fixture.name, "emulated") == NULL) {
        print_message("# %s cannot be lost on purpose\n", fixture.name);
        skip();
    }
    struct schedule schedule = fixture_schedule(REPRO_OPTIMIZER_MOMENTUM, 8, 1);
    struct trainer_config config = fixture_config(&schedule);
    struct trainer *trainer = trainer_of(QUEUED, &config);
    rush(trainer, 1);
    struct trainer_state before = *trainer_state(trainer);
    for (int n = 1; n < 4000; n++) /* the next one, whatever its number: an epoch's second update */
        used += (size_t)snprintf(words + used, sizeof words - used,
                                 "cudaStreamBeginCapture@%d=719 ", n);
    setenv("REPRO_EMULATED_GPU", words, 1);
    assert_int_equal(trainer_update(trainer, &err), ERR_BACKEND);
    if (strstr(err.text, "update 2: ") == NULL || strstr(err.text, "the GPU failed") == NULL ||
        strstr(err.text, "checkpointed") == NULL)
        fail_msg("'%s'", err.text);
    assert_int_equal(trainer_state(trainer)->update, before.update);
    assert_int_equal(trainer_update(trainer, &err), ERR_BACKEND);
    if (strstr(err.text, "the GPU failed") == NULL)
        fail_msg("'%s'", err.text);
    struct trainer_score score;
    assert_int_equal(trainer_evaluate(trainer, &score, &err), ERR_BACKEND);
    assert_int_equal(
        checkpoint_save(trainer, scratch_path(&scratch, "lost.safetensors"), IDENTITY, &err),
        ERR_BACKEND);
    trainer_free(trainer);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimizer),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(conventions),
        cmocka_unit_test(long_epochs),
        cmocka_unit_test(looks_in_mid_epoch),
        cmocka_unit_test(saved_and_resumed),
        cmocka_unit_test(not_finite_where_plain),
        cmocka_unit_test(not_finite_amid_records),
        cmocka_unit_test(lost_device),
    };
    return cmocka_run_group_tests_name("queued trainer", tests, set_up, tear_down);
}
