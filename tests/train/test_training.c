/* The runs of a figure, one after the other and side by side: each is trained once, told of in
 * order, and left whole when another one fails or somebody asks to stop. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "fixture.h"
#include "lab/training.h"
#include "results/manifest.h"
#include "results/store.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The third run has the first one's identity. */
static const char experiment_text[] =
    "name = \"trial\"; title = \"A trial\"; dataset = \"synthetic\"; train_n = 64; epochs = 2;\n"
    "groups = 2;\n"
    "defaults = { optimizer = \"momentum\"; lr = 0.05; momentum = 0.9; batch = 16; ghost = 8;\n"
    "  weight_decay = 5e-4; steps = [ 1 ]; factor = 2.0; action = \"grow_batch\"; };\n"
    "runs = ( { name = \"growing\"; title = \"Growing\"; },\n"
    "  { name = \"decaying\"; title = \"Decaying\"; action = \"decay_lr\"; },\n"
    "  { name = \"twin\"; title = \"Growing too\"; } );\n"
    "default_profile = \"smoke\";\n"
    "profiles = ( { name = \"smoke\"; words = \"small\"; network = \"tiny\"; divide = 1;\n"
    "  epochs = 2; test_n = 16; micro_ghosts = 1; } );\n";

#define RUNS 3

static struct scratch scratch;
static char experiment_path[SCRATCH_PATH], reason[1200];

/* What was told, under one lock of the teller's. */
struct told {
    size_t begun[RUNS], ended[RUNS], progress[RUNS]; /* calls */
    size_t order[RUNS], count;                       /* runs as they began */
    enum run_status status[RUNS];                    /* when they began */
    int codes[RUNS];                                 /* when they ended */
    const struct figure *figure;
    atomic_int stop;
    int64_t stop_at; /* updates of any run; 0: never */
};

static size_t index_of(const struct told *told, const struct run *run)
{
    return (size_t)(run - told->figure->runs);
}

static void begin(void *context, const struct run *run)
{
    struct told *told = context;
    size_t i = index_of(told, run);
    told->begun[i]++;
    told->status[i] = run->status;
    told->order[told->count++] = i;
}

static void show(void *context, const struct execute_progress *progress)
{
    struct told *told = context;
    told->progress[index_of(told, progress->run)]++;
    if (told->stop_at != 0 && progress->update >= told->stop_at)
        atomic_store(&told->stop, 1);
}

static void end(void *context, const struct run *run, const struct err *err)
{
    struct told *told = context;
    told->ended[index_of(told, run)]++;
    told->codes[index_of(told, run)] = err->code;
}

static int stop(void *context)
{
    struct told *told = context;
    return atomic_load(&told->stop);
}

static int open_figure(struct figure *figure, int jobs, const char *out, struct err *err)
{
    struct session_options options = {
        .share = "/nowhere", .figure = experiment_path, .threads = 1, .jobs = jobs};
    unsetenv("REPRO_DATA");
    setenv("REPRO_DATA_HOME", "/nowhere", 1);
    return figure_init(figure, &options, out, 1, 1, err);
}

static int train(struct figure *figure, struct told *told, struct err *err)
{
    struct training_options options = {.commit = "abc",
                                       .version = "1",
                                       .checkpoint_seconds = 1e9,
                                       .context = told,
                                       .begin = begin,
                                       .progress = show,
                                       .end = end,
                                       .stop = stop};
    told->figure = figure;
    return training_run(figure, &options, err);
}

static void need(void)
{
    if (reason[0] == '\0')
        return;
    if (fixture_required("openblas"))
        fail_msg("%s (required by REPRO_REQUIRE)", reason);
    print_message("# %s\n", reason);
    skip();
}

static int set_up(void **state)
{
    struct err err = {0};
    struct figure figure = {0};
    (void)state;
    if (scratch_make(&scratch) != 0)
        return -1;
    snprintf(experiment_path, sizeof experiment_path, "%s/trial.exp", scratch.folder);
    int code = file_replace(experiment_path, experiment_text, sizeof experiment_text - 1, &err);
    if (code == 0)
        code = open_figure(&figure, 1, scratch.folder, &err);
    figure_release(&figure);
    if (code == ERR_BACKEND || code == ERR_CANNOT_RUN)
        snprintf(reason, sizeof reason, "%s", err.text);
    if (code == 0 || reason[0] != '\0')
        return 0;
    print_error("%s\n", err.text);
    scratch_remove(&scratch);
    return -1;
}

static int tear_down(void **state)
{
    (void)state;
    return scratch_remove(&scratch);
}

static char *checkpoint_of(const struct run *run, size_t *size)
{
    struct err err = {0};
    char *bytes = NULL;
    if (file_read(run->checkpoint_path, 1u << 26, &bytes, size, &err) != 0)
        fail_msg("%s", err.text);
    return bytes;
}

/* Twins share a folder: the later one finds its work done, and the manifest has both names. */
static void each_identity_is_trained_once(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct figure figure;
    struct told told = {0};
    json_t *manifest = NULL;
    assert_int_equal(open_figure(&figure, 1, scratch_path(&scratch, "once"), &err), 0);
    if (train(&figure, &told, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(told.begun[i], 1);
        assert_int_equal(told.ended[i], 1);
        assert_int_equal(told.codes[i], 0);
        assert_int_equal(told.order[i], i);
        assert_int_equal(figure.runs[i].status, RUN_DONE);
    }
    assert_string_equal(figure.runs[0].hash, figure.runs[2].hash);
    assert_int_equal(told.status[0], RUN_NEW);
    assert_int_equal(told.status[2], RUN_DONE);
    assert_true(told.progress[0] > 0);
    assert_int_equal(told.progress[2], 0);
    assert_int_equal(manifest_read(figure.runs[0].manifest_path, &manifest, &err), 0);
    assert_true(manifest_is_named(manifest, "trial", "growing"));
    assert_true(manifest_is_named(manifest, "trial", "twin"));
    json_decref(manifest);

    struct told again = {0};
    assert_int_equal(train(&figure, &again, &err), 0); /* all done: told of, not trained */
    for (size_t i = 0; i < RUNS; i++) {
        assert_int_equal(again.status[i], RUN_DONE);
        assert_int_equal(again.progress[i], 0);
    }
    figure_release(&figure);
}

/* Two at a time end at the bits of one after the other. */
static void side_by_side_is_the_same(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct figure one, two;
    struct told told[2];
    memset(told, 0, sizeof told);
    assert_int_equal(open_figure(&one, 1, scratch_path(&scratch, "one"), &err), 0);
    assert_int_equal(open_figure(&two, 2, scratch_path(&scratch, "two"), &err), 0);
    if (train(&one, &told[0], &err) != 0 || train(&two, &told[1], &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < RUNS; i++) {
        size_t size[2];
        char *bytes[2] = {checkpoint_of(&one.runs[i], &size[0]),
                          checkpoint_of(&two.runs[i], &size[1])};
        assert_string_equal(one.runs[i].hash, two.runs[i].hash);
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(bytes[0], bytes[1], size[0]);
        assert_int_equal(told[1].ended[i], 1);
        assert_int_equal(two.runs[i].status, RUN_DONE);
        mem_free(bytes[0]);
        mem_free(bytes[1]);
    }
    figure_release(&one);
    figure_release(&two);
}

/* Asked to stop, the runs under way leave a checkpoint and the others do not begin; the same call
 * goes on from there. */
static void stopping_stops_all(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct figure figure;
    struct told told = {.stop_at = 2};
    assert_int_equal(open_figure(&figure, 1, scratch_path(&scratch, "stopped"), &err), 0);
    assert_int_equal(train(&figure, &told, &err), ERR_STOPPED);
    assert_int_equal(told.codes[0], ERR_STOPPED);
    assert_int_equal(told.begun[1], 0);
    assert_int_equal(told.begun[2], 0);
    assert_true(file_exists(figure.runs[0].checkpoint_path));
    assert_false(file_exists(figure.runs[1].folder));
    figure_release(&figure);

    struct told on = {0};
    assert_int_equal(open_figure(&figure, 1, scratch_path(&scratch, "stopped"), &err), 0);
    assert_int_equal(figure.runs[0].status, RUN_PARTIAL);
    assert_int_equal(train(&figure, &on, &err), 0);
    assert_int_equal(on.status[0], RUN_PARTIAL);
    assert_int_equal(figure.runs[2].status, RUN_DONE);
    figure_release(&figure);
}

/* A run that fails ends the figure with its own sentence, not with that of those it stopped. */
static void a_failure_is_told(void **state)
{
    (void)state;
    need();
    struct err err = {0};
    struct figure figure;
    struct told told = {0};
    assert_int_equal(open_figure(&figure, 2, scratch_path(&scratch, "failed"), &err), 0);
    /* A file is in the way of the second run's folder. */
    assert_int_equal(file_make_folders(scratch_path(&scratch, "failed/runs"), &err), 0);
    assert_int_equal(file_replace(figure.runs[1].folder, "x", 1, &err), 0);
    assert_int_equal(train(&figure, &told, &err), ERR_IO);
    assert_non_null(strstr(err.text, figure.runs[1].folder));
    assert_int_equal(told.codes[1], ERR_IO);
    assert_true(told.codes[0] == 0 || told.codes[0] == ERR_STOPPED);
    figure_release(&figure);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_identity_is_trained_once),
        cmocka_unit_test(side_by_side_is_the_same),
        cmocka_unit_test(stopping_stops_all),
        cmocka_unit_test(a_failure_is_told),
    };
    return cmocka_run_group_tests_name("training", tests, set_up, tear_down);
}
