/* made.h -- made-up results: an experiment of two runs and three profiles, and run folders as a
 * training leaves them, but for the checkpoint. */
#ifndef TESTS_MADE_H
#define TESTS_MADE_H

#include "backend/backend.h"
#include "base/err.h"
#include "experiment/experiment.h"
#include "results/manifest.h"
#include "results/run.h"
#include "results/runlog.h"
#include "base/file.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct made {
    struct scratch scratch;
    struct experiment *experiment;
    struct facts facts; /* cifar10 on onednn, two threads, profile mini */
};

static const char made_experiment[] =
    "name = \"made\"; title = \"Made up\"; dataset = \"cifar10\"; train_n = 160; epochs = 4;\n"
    "groups = 2;\n"
    "defaults = { optimizer = \"momentum\"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8;\n"
    "  weight_decay = 5e-4; steps = [ 2 ]; factor = 2.0; action = \"grow_batch\"; };\n"
    "runs = ( { name = \"one\"; title = \"One\"; },\n"
    "  { name = \"two\"; title = \"Two\"; action = \"decay_lr\"; } );\n"
    "default_profile = \"mini\";\n"
    "profiles = ( { name = \"mini\"; words = \"small\"; network = \"tiny\"; divide = 1;\n"
    "    epochs = 4; test_n = 32; micro_ghosts = 1; },\n"
    "  { name = \"half\"; words = \"smaller\"; network = \"tiny\"; divide = 2; epochs = 4;\n"
    "    test_n = 16; micro_ghosts = 1; } );\n"
    "claims = ( { quote = \"fewer\"; section = \"1\"; kind = \"updates_below\"; run = \"one\";\n"
    "    value = 100; from = \"the words\"; },\n"
    "  { quote = \"lower\"; section = \"1\"; kind = \"lower_final_accuracy\"; run = \"two\";\n"
    "    below = \"one\"; margin = 0.001; confidence = 0.9; seeds = 1; from = \"a test\"; } );\n";

static inline struct experiment *made_load(const char *path, const char *text)
{
    struct err err = {0};
    struct experiment *experiment = NULL;
    if (file_replace(path, text, strlen(text), &err) != 0 ||
        experiment_load(path, &experiment, &err) != 0)
        fail_msg("%s", err.text);
    return experiment;
}

static inline int made_setup(void **state)
{
    static struct made made;
    if (scratch_make(&made.scratch) != 0)
        return -1;
    made.experiment = made_load(scratch_path(&made.scratch, "made.exp"), made_experiment);
    made.facts = (struct facts){.experiment = made.experiment,
                                .profile = &made.experiment->profiles[0],
                                .data = {.name = "cifar10",
                                         .title = "CIFAR-10",
                                         .augment = "flip",
                                         .digest = "0123456789abcdef"},
                                .backend = {.name = "onednn",
                                            .version = "1.0",
                                            .algorithms = "direct",
                                            .precision = REPRO_PRECISION_F32,
                                            .threads = 2,
                                            .device = "a processor",
                                            .library = "oneDNN 2.6.3"},
                                .micro_ghosts = 1};
    *state = &made;
    return 0;
}

static inline int made_teardown(void **state)
{
    struct made *made = *state;
    experiment_free(made->experiment);
    return scratch_remove(&made->scratch);
}

/* A log that follows the schedule for `epochs` epochs and ends at an accuracy. */
static inline struct runlog made_log(const struct schedule *schedule, int epochs, double accuracy)
{
    struct err err = {0};
    struct runlog log = {0};
    for (int epoch = 1; epoch <= epochs; epoch++) {
        const struct phase *phase = schedule_at(schedule, epoch - 1);
        struct runlog_row row = {.epoch = epoch,
                                 .updates = schedule_updates_before(schedule, epoch),
                                 .images = 100 * epoch,
                                 .lr = phase->lr,
                                 .batch = phase->batch,
                                 .momentum = phase->momentum,
                                 .noise_scale = 1.0,
                                 .train_loss = 1.0 / epoch,
                                 .train_loss_l2 = 1.1 / epoch,
                                 .train_accuracy = 0.5,
                                 .test_loss = 1.0,
                                 .test_accuracy = accuracy * epoch / epochs,
                                 .images_per_second = 50.0,
                                 .seconds = 2.5};
        assert_int_equal(runlog_append(&log, &row, &err), 0);
    }
    return log;
}

/* Leaves a run's folder under out: done, or after two epochs. */
static inline void made_run(const struct facts *facts, size_t which, uint64_t seed, int done,
                            double accuracy, const char *out)
{
    struct err err = {0};
    struct run run;
    json_t *manifest = NULL;
    struct manifest_session begun = {
        .commit = "abc", .version = "1", .choices = "node 1: direct\n", .jobs = 1};
    if (run_init(&run, facts, &facts->experiment->runs[which], seed, out, &err) != 0)
        fail_msg("%s", err.text);
    struct runlog log = made_log(&run.schedule, done ? run.schedule.epochs : 2, accuracy);
    if (file_make_folders(run.folder, &err) != 0 || runlog_write(&log, run.log_path, &err) != 0 ||
        manifest_begin(&run, &begun, &manifest, &err) != 0 ||
        manifest_write(&run, manifest, log.rows[log.count - 1].updates, done ? &log : NULL, &err) !=
            0)
        fail_msg("%s", err.text);
    json_decref(manifest);
    runlog_release(&log);
    run_release(&run);
}

#endif
