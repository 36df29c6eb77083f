/* Experiment files: the one of figure 5 as it stands, a small one with every optimizer, and a table
 * of broken ones. */
#include "experiment/experiment.h"

#include "backend/backend.h"
#include "base/err.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char scratch[256], file[300];

/* A correct file; the table below breaks it one text at a time.  Line 1 is the comment. */
static const char WHOLE[] =
    "# tiny\n"                                                                      /* 1 */
    "name = \"figure0\"; title = \"T\"; dataset = \"cifar10\";\n"                   /* 2 */
    "train_n = 1000; epochs = 20; groups = 8;\n"                                    /* 3 */
    "defaults = {\n"                                                                /* 4 */
    "  optimizer = \"momentum\"; lr = 1; momentum = 0.5; batch = 8; ghost = 4;\n"   /* 5 */
    "  weight_decay = 0; steps = [ 10, 15 ]; factor = 2;\n"                         /* 6 */
    "  action = \"grow_batch\";\n"                                                  /* 7 */
    "};\n"                                                                          /* 8 */
    "runs = (\n"                                                                    /* 9 */
    "  { name = \"first\"; title = \"First\"; },\n"                                 /* 10 */
    "  { name = \"hybrid\"; title = \"H\"; optimizer = \"nesterov\"; lr = 0.25;\n"  /* 11 */
    "    action = [ \"grow_batch\", \"decay_lr\" ]; factor = [ 2.0, 5.0 ];\n"       /* 12 */
    "    paper = { words = \"under 9\"; updates_below = 9; accuracy = 0.5; }; },\n" /* 13 */
    /* 14 */
    "  { name = \"plain\"; title = \"P\"; optimizer = \"sgd\"; momentum = 0; steps = []; },\n"
    "  { name = \"adam\"; title = \"A\"; optimizer = \"adam\"; momentum = 0.0;\n" /* 15 */
    "    beta1 = 0.9; beta2 = 0.999; epsilon = 1e-8; batch_max = 12L; }\n"        /* 16 */
    ");\n"                                                                        /* 17 */
    "default_profile = \"full\";\n"                                               /* 18 */
    "profiles = (\n"                                                              /* 19 */
    "  { name = \"full\"; words = \"w\"; network = \"tiny\"; divide = 1; epochs = 20; test_n = 10; "
    "micro_ghosts = 1; "
    "},\n" /* 20 */
    "  { name = \"half\"; words = \"w\"; network = \"tiny\"; divide = 2; epochs = 4; side = 96; "
    "test_n = 10; "
    "micro_ghosts = 3; }"
    "\n"    /* 21 */
    ");\n"; /* 22 */

static void write_file(const void *bytes, size_t size)
{
    FILE *out = fopen(file, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

/* Loads `bytes`, which must be refused with a sentence that begins "PATH:" and holds `words`. */
static void refuse_bytes(const void *bytes, size_t size, const char *words)
{
    struct experiment *experiment = NULL;
    struct err err = {0};
    write_file(bytes, size);
    int code = experiment_load(file, &experiment, &err);
    if (code != ERR_INPUT || err.code != ERR_INPUT || experiment != NULL)
        fail_msg("code %d (%s), where '%s' was to be refused", code, err.text, words);
    if (strncmp(err.text, file, strlen(file)) != 0 ||
        strstr(err.text + strlen(file), words) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, words);
}

/* WHOLE with the first `from` turned into `to`. */
static void refuse(const char *from, const char *to, const char *words)
{
    const char *at = strstr(WHOLE, from);
    assert_non_null(at);
    char text[sizeof WHOLE + 256];
    int length = snprintf(text, sizeof text, "%.*s%s%s", (int)(at - WHOLE), WHOLE, to,
                          at + strlen(from));
    assert_true(length > 0 && (size_t)length < sizeof text);
    refuse_bytes(text, (size_t)length, words);
}

static void unknown_keys(void **state)
{
    (void)state;
    refuse("momentum = 0.5", "momentun = 0.5",
           ":5: unknown key 'momentun'; did you mean 'momentum'?");
    refuse("groups = 8", "group = 8", ":3: unknown key 'group'; did you mean 'groups'?");
    refuse("updates_below", "update_below",
           ":13: unknown key 'update_below'; did you mean 'updates_below'?");
    refuse("divide = 2", "dvide = 2", ":21: unknown key 'dvide'; did you mean 'divide'?");
    refuse("lr = 0.25", "frobnicate = 0.25", ":11: unknown key 'frobnicate'; remove it");
    refuse("  weight_decay", "  name = \"x\"; weight_decay", ":6: unknown key 'name'");
}

static void wrong_types(void **state)
{
    (void)state;
    refuse("title = \"T\"", "title = 3", ":2: 'title' is a whole number; it must be a text");
    refuse("title = \"T\"", "title = \"\"", ":2: 'title' is empty");
    refuse("train_n = 1000", "train_n = 1e3",
           ":3: 'train_n' is a number with a fraction; it must be a whole");
    refuse("train_n = 1000", "train_n = true", ":3: 'train_n' is true or false");
    refuse("lr = 1;", "lr = \"1\";", ":5: 'lr' is a text; it must be a number");
    refuse("lr = 1;", "lr = [1];", ":5: 'lr' is an array");
    refuse("[ 10, 15 ]", "10", ":6: 'steps' must be an array");
    refuse("[ 10, 15 ]", "[ 10.0, 15.0 ]", ":6: 'steps' is a number with a fraction");
    refuse("factor = 2;", "factor = [2, 2, 2];", ":6: 'factor' has 3 entries for 2 steps");
    refuse("factor = 2;", "factor = \"2\";", ":6: 'factor' is a text");
    refuse("\"grow_batch\";", "\"grow_bach\";",
           ":7: 'action' is \"grow_bach\"; did you mean \"grow_batch\"?");
    refuse("\"grow_batch\";", "\"x\";",
           ":7: 'action' is \"x\"; it must be one of decay_lr, grow_batch");
    refuse("\"nesterov\"", "\"nestrov\"",
           ":11: 'optimizer' is \"nestrov\"; did you mean \"nesterov\"?");
    refuse("paper = {", "paper = 3; defaults = {", ":13: unknown key 'defaults'");
    refuse("paper = { words = \"under 9\"; updates_below = 9; accuracy = 0.5; };", "paper = 3;",
           ":13: paper is a whole number; it must be a group");
    refuse("{ name = \"first\"; title = \"First\"; },", "3,", "this element is a whole number");
    refuse("defaults = {", "defaults = 3; title2 = {", ":4: ");
    refuse("\"first\"", "\"a/b\"", ":10: 'name' is \"a/b\"; it must be at most 64 letters");
}

static void missing_keys(void **state)
{
    (void)state;
    refuse("dataset = \"cifar10\";", "", ":1: the key 'dataset' is missing");
    refuse("lr = 1;", "", ":10: the key 'lr' is missing, here and in defaults");
    refuse("action = \"grow_batch\";", "", ":10: the key 'action' is missing");
    refuse("title = \"First\";", "", ":10: the key 'title' is missing");
    refuse("beta2 = 0.999;", "", ":15: the key 'beta2' is missing");
    refuse("test_n = 10;", "", ":20: the key 'test_n' is missing");
    refuse("default_profile = \"full\";", "", ":1: the key 'default_profile' is missing");
    refuse_bytes("", 0, ":1: the key 'name' is missing");
}

static void out_of_range(void **state)
{
    (void)state;
    refuse("train_n = 1000", "train_n = 0", ":3: 'train_n' is 0; it must be 1 to");
    refuse("train_n = 1000", "train_n = 4294968296", ":3: the number 4294968296 is too large");
    refuse("train_n = 1000", "train_n = 99999999999999999999L",
           ":3: the number 99999999999999999999 is too large");
    refuse("train_n = 1000", "train_n = 0x1000003E8", ":3: the number 0x1000003E8 is too large");
    refuse("lr = 1;", "lr = 0;", ":5: 'lr' is 0; it must be above 0");
    refuse("lr = 1;", "lr = 1e999;", ":5: 'lr' is inf");
    refuse("momentum = 0.5", "momentum = 1",
           ":5: 'momentum' is 1; it must be at least 0 and below 1");
    refuse("weight_decay = 0", "weight_decay = -1", ":6: 'weight_decay' is -1; it must be 0 to 1");
    refuse("factor = 2;", "factor = 1;", ":6: 'factor' is 1; it must be above 1");
    refuse("[ 10, 15 ]", "[ 15, 10 ]",
           ":10: run 'first': step 2 is at epoch 10; it must come after epoch 15");
    refuse("[ 10, 15 ]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]",
           ":6: 'steps' has 16 entries; at most 15");
    refuse("ghost = 4", "ghost = 3",
           ":10: run 'first': the batch of 8 is no multiple of the ghost batch of 3");
    refuse("momentum = 0; steps", "steps",
           ":14: run 'plain': momentum is 0.5, but SGD and Adam have none");
    refuse("momentum = 0; steps", "beta1 = 0.1; steps",
           ":14: 'beta1' belongs to the optimizer \"adam\"");
    refuse("accuracy = 0.5", "accuracy = 94", ":13: 'accuracy' is 94; it must be a fraction");
    refuse("micro_ghosts = 3", "micro_ghosts = 0", ":21: 'micro_ghosts' is 0");
    refuse("micro_ghosts = 3", "micro_ghosts = 3; device_micro_ghosts = 0",
           ":21: 'device_micro_ghosts' is 0");
    refuse("side = 96", "side = 0", ":21: 'side' is 0");
    refuse("side = 96", "side = 5000", ":21: 'side' is 5000");
}

static void names_and_scales(void **state)
{
    (void)state;
    refuse("\"hybrid\"", "\"first\"", ":11: a second run is named 'first'; rename one");
    refuse("\"half\"", "\"full\"", ":21: a second profile is named 'full'; rename one");
    refuse("default_profile = \"full\"", "default_profile = \"ful\"",
           ":18: default_profile: figure0 has no profile 'ful'");
    refuse("divide = 2", "divide = 3",
           ":21: figure0: profile 'half', run 'first': the batch of 8 cannot be divided by 3");
    refuse("divide = 2", "divide = 8",
           ":21: figure0: profile 'half', run 'first': the ghost batch of 4 cannot");
    refuse("batch_max = 12L", "batch_max = 13",
           ":15: run 'adam': step 1 (epoch 10): the batch of 13 is no multiple");
    refuse("batch_max = 12L", "batch_max = 99",
           ":21: figure0: profile 'half', run 'adam': the batch_max of 99 cannot");
    refuse("epochs = 4;", "epochs = 5;",
           ":21: figure0: profile 'half', run 'first': step 1, epoch 10 of 20, falls on no");
}

static void broken_text(void **state)
{
    (void)state;
    refuse("runs = (", "runs (", ":9: syntax error");
    refuse("groups = 8;", "groups = 8; groups = 8;", ":3: duplicate setting name");
    refuse("# tiny\n", "# tiny\n@include \"x\"\n", ":2: @include is not supported");
    refuse("# tiny\n", "/* @include\n\"4294967296\" */ @include \"x\"\n",
           ":2: @include is not supported");
    refuse("title = \"First\"", "title = \"First",
           ":10: a text in quotes does not end on its line");
    refuse("dataset = \"cifar10\";", "dataset = \"cifar10\\",
           ":2: a text in quotes does not end on its line");
    refuse("runs = (", "runs = ((", ":");
    refuse_bytes("name = \"\0\";", 11, ":1: the file holds a NUL byte");
    refuse("runs = (", "runs = ( ); run2 = (", ":");
    char large[70000];
    memset(large, '\n', sizeof large);
    write_file(large, sizeof large);
    struct experiment *experiment = NULL;
    struct err err = {0};
    assert_int_not_equal(experiment_load(file, &experiment, &err), 0);
    assert_non_null(strstr(err.text, "65535"));
}

static void no_such_file(void **state)
{
    (void)state;
    struct experiment *experiment = NULL;
    struct err err = {0};
    assert_int_equal(experiment_load("/nonexistent/figure9.exp", &experiment, &err), ERR_IO);
    assert_non_null(strstr(err.text, "/nonexistent/figure9.exp"));
    assert_int_not_equal(experiment_load(scratch, &experiment, &err), 0); /* a folder */
    assert_null(experiment);
    experiment_free(NULL);
}

static void small_file(void **state)
{
    (void)state;
    struct experiment *e;
    struct err err = {0};
    struct schedule s;
    write_file(WHOLE, sizeof WHOLE - 1);
    if (experiment_load(file, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(e->run_count, 4);
    assert_int_equal(e->profile_count, 2);
    assert_int_equal(e->profiles[0].side, 0); /* the data set's own */
    assert_int_equal(e->profiles[1].side, 96);
    assert_string_equal(e->path, file);
    assert_string_equal(e->plot, "panels"); /* and one panel, as nothing is said of any */
    assert_int_equal(e->panel_count, 1);
    assert_string_equal(e->panels[0].x, "updates");
    assert_string_equal(e->panels[0].y, "test_accuracy");
    assert_int_equal(e->panels[0].run_count, 4);
    assert_null(e->panels[0].paper_curves);
    assert_int_equal(e->runs[0].spec.optimizer, REPRO_OPTIMIZER_MOMENTUM);
    assert_true(e->runs[0].spec.lr == 1 && e->runs[0].beta1 == 0 && e->runs[0].paper_words == NULL);
    assert_int_equal(e->runs[1].spec.optimizer, REPRO_OPTIMIZER_NESTEROV);
    assert_int_equal(e->runs[1].spec.action[0], SCHEDULE_GROW_BATCH);
    assert_int_equal(e->runs[1].spec.action[1], SCHEDULE_DECAY_LR);
    assert_true(e->runs[1].spec.factor[0] == 2 && e->runs[1].spec.factor[1] == 5);
    assert_int_equal(e->runs[1].paper_updates_below, 9);
    assert_int_equal(e->runs[2].spec.step_count, 0);
    assert_int_equal(e->runs[3].spec.optimizer, REPRO_OPTIMIZER_ADAM);
    assert_true(e->runs[3].beta1 == .9 && e->runs[3].beta2 == .999 && e->runs[3].epsilon == 1e-8);
    assert_int_equal(experiment_schedule(e, &e->profiles[1], &e->runs[3], &s, &err), 0);
    assert_int_equal(s.train_n, 500);
    assert_int_equal(s.phase[0].batch, 4);
    assert_int_equal(s.phase[1].batch, 6); /* 12 / 2, not 8 */
    assert_int_equal(s.phase[1].first_epoch, 2);
    assert_int_equal(s.phase[2].first_epoch, 3);

    assert_ptr_equal(experiment_run(e, "adam", &err), &e->runs[3]);
    assert_ptr_equal(experiment_profile(e, "half", &err), &e->profiles[1]);
    assert_null(experiment_run(e, "hybird", &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, "figure0 has no run 'hybird'; did you mean 'hybrid'? (There are: "
                                  "first, hybrid, plain, adam.)");
    assert_null(experiment_profile(e, "zzz", &err));
    assert_string_equal(err.text, "figure0 has no profile 'zzz'; there are: full, half");
    experiment_free(e);
}

static void figure5(void **state)
{
    (void)state;
    static const int64_t paper[] = {78000, 29040, 6300, 2160};
    static const struct {
        const char *name;
        int64_t divide;
    } profiles[] = {{"paper", 1}, {"small", 5}, {"quick", 10}, {"smoke", 20}};
    static const double scale[] = {390.625, 78.125, 15.625, 3.125},
                        accuracy[] = {.943, .944, .945, .933};
    char path[4096];
    const char *srcdir = getenv("srcdir");
    struct experiment *e;
    struct err err = {0};
    struct schedule s;
    snprintf(path, sizeof path, "%s/experiments/figure5.exp", srcdir == NULL ? "." : srcdir);
    if (experiment_load(path, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_string_equal(e->name, "figure5");
    assert_string_equal(e->default_profile, "quick");
    assert_int_equal(e->run_count, 4);
    assert_int_equal(e->groups, 8);
    for (size_t p = 0; p < 4; p++) {
        const struct experiment_profile *profile = experiment_profile(e, profiles[p].name, &err);
        assert_non_null(profile);
        for (size_t r = 0; r < 4; r++) {
            assert_int_equal(experiment_schedule(e, profile, &e->runs[r], &s, &err), 0);
            assert_int_equal(s.updates, paper[r] / profiles[p].divide);
            assert_int_equal(s.phase_count, 4);
            for (int i = 0; i < 4; i++) {
                const struct phase *phase = &s.phase[i];
                double g = noise_scale_approximate(phase->lr, phase->momentum, s.train_n,
                                                   phase->batch);
                assert_true(fabs(g / scale[i] - 1) < 1e-3); /* 781 is not quite 50000/64 */
            }
        }
    }
    for (size_t r = 0; r < 4; r++) {
        assert_true(e->runs[r].paper_accuracy == accuracy[r] && e->runs[r].weight_decay == 5e-4);
        assert_string_equal(e->runs[r].paper_curve[0], e->runs[r].name);
    }
    experiment_free(e);
}

static struct experiment *load_figure(int number);

/* Section 5.3: every number of updates, and what a profile divides by numbers of its own. */
static void imagenet(void **state)
{
    (void)state;
    static const int64_t updates[][3] = {{14040, 5580}, {5820, 3480, 2310}};
    struct err err = {0};
    for (int f = 0; f < 2; f++) {
        struct experiment *e = load_figure(6 + f);
        struct schedule s;
        const struct experiment_profile *paper = experiment_profile(e, "paper", &err),
                                        *small = experiment_profile(e, "small", &err);
        assert_non_null(paper);
        assert_non_null(small);
        assert_int_equal(e->seeds, 2);
        assert_int_equal(e->groups, 256);
        assert_true(experiment_is_paper(e, paper) && experiment_reduced(e, small));
        assert_int_equal(e->run_count, 2 + f);
        for (size_t r = 0; r < e->run_count; r++) {
            const struct experiment_run *run = &e->runs[r];
            assert_int_equal(experiment_schedule(e, paper, run, &s, &err), 0);
            assert_int_equal(s.updates, updates[f][r]);
            assert_int_equal(s.ghost, f == 0 ? 32 : 64);
            double g = noise_scale_approximate(s.phase[3].lr, s.phase[3].momentum, s.train_n,
                                               s.phase[3].batch);
            assert_true(fabs(g / 4.6918 - 1) < 1e-4);
            assert_int_equal(experiment_schedule(e, small, run, &s, &err), 0);
            assert_int_equal(s.train_n, 1281167 / small->divide);
            assert_int_equal(s.phase[0].batch * small->divide_batch, run->spec.batch);
            assert_int_equal(s.ghost * small->divide_ghost, run->spec.ghost);
            assert_true(s.phase[0].lr == 3.0 / small->divide_lr);
        }
        assert_int_equal(e->runs[f].paper_curve_count, 2);
        experiment_free(e);
    }
}

/* Two questions: are the counts the paper's, and is it what the paper trained? */
static void scales(void **state)
{
    (void)state;
    static const struct {
        const char *profile;
        int reduced, paper;
    } cases[] = {{"paper", 0, 1}, {"narrow", 0, 0}, {"small", 1, 0}, {"smoke", 1, 0}};
    struct experiment *e = load_figure(5);
    struct err err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct experiment_profile *profile = experiment_profile(e, cases[i].profile, &err);
        assert_non_null(profile);
        assert_int_equal(experiment_reduced(e, profile), cases[i].reduced);
        assert_int_equal(experiment_is_paper(e, profile), cases[i].paper);
    }
    struct experiment_profile other = *experiment_profile(e, "paper", &err);
    other.name = "other"; /* the same in all that counts */
    assert_true(experiment_is_paper(e, &other));
    other.test_n--;
    assert_false(experiment_reduced(e, &other) || experiment_is_paper(e, &other));
    other.test_n++;
    other.epochs--; /* fewer epochs are another scale, though nothing is divided */
    assert_true(experiment_reduced(e, &other) && !experiment_is_paper(e, &other));
    other.epochs++;
    e->profile_count = 0; /* no profile says what the paper trained */
    assert_false(experiment_reduced(e, &other) || experiment_is_paper(e, &other));
    experiment_free(e);
}

static struct experiment *load_figure(int number)
{
    char path[4096];
    const char *srcdir = getenv("srcdir");
    struct experiment *e;
    struct err err = {0};
    snprintf(path, sizeof path, "%s/experiments/figure%d.exp", srcdir == NULL ? "." : srcdir,
             number);
    if (experiment_load(path, &e, &err) != 0)
        fail_msg("%s", err.text);
    return e;
}

/* Figures 1 to 4: the three schedules of section 5.1, for every optimizer. */
static void figures_of_three_schedules(void **state)
{
    (void)state;
    static const int64_t updates[] = {78000, 34320, 28800};
    static const int64_t batch[3][4] = {
        {128, 128, 128, 128}, {128, 640, 640, 640}, {128, 640, 3200, 16000}};
    static const double lr[3][4] = {{1, .2, .04, .008}, {1, 1, .2, .04}, {1, 1, 1, 1}};
    static const int optimizers[5][2] = {{0, 0},
                                         {REPRO_OPTIMIZER_MOMENTUM, 0},
                                         {REPRO_OPTIMIZER_MOMENTUM, 0},
                                         {REPRO_OPTIMIZER_MOMENTUM, REPRO_OPTIMIZER_NESTEROV},
                                         {REPRO_OPTIMIZER_SGD, REPRO_OPTIMIZER_ADAM}};
    for (int f = 1; f <= 4; f++) {
        struct experiment *e = load_figure(f);
        struct err err = {0};
        assert_int_equal(e->schedules_only, f == 1);
        assert_int_equal(e->panel_count, 2);
        assert_int_equal(e->run_count, f < 3 ? 3 : 6);
        for (size_t r = 0; r < e->run_count; r++) {
            const struct experiment_run *run = &e->runs[r];
            double first = run->spec.optimizer == REPRO_OPTIMIZER_ADAM ? .001 : .1;
            struct schedule s;
            assert_int_equal(run->spec.optimizer, optimizers[f][r / 3]);
            assert_int_equal(
                experiment_schedule(e, experiment_profile(e, "paper", &err), run, &s, &err), 0);
            assert_int_equal(s.updates, updates[r % 3]);
            for (int i = 0; i < 4; i++) {
                assert_int_equal(s.phase[i].batch, batch[r % 3][i]);
                assert_true(fabs(s.phase[i].lr / (first * lr[r % 3][i]) - 1) < 1e-12);
            }
            for (size_t p = 0; p < e->profile_count; p++) /* every profile can be planned */
                assert_int_equal(experiment_schedule(e, &e->profiles[p], run, &s, &err), 0);
        }
        for (size_t p = 0; p < 2; p++) {
            assert_int_equal(e->panels[p].run_count, 3);
            for (size_t i = 0; i < 3; i++)
                assert_int_equal(e->panels[p].runs[i], (f < 3 ? 0 : 3 * p) + i);
        }
        experiment_free(e);
    }
}

/* A run that two figures share has one schedule in both. */
static void figures_share_runs(void **state)
{
    (void)state;
    struct experiment *two = load_figure(2), *three = load_figure(3), *five = load_figure(5);
    for (size_t r = 0; r < 3; r++)
        assert_memory_equal(&two->runs[r].spec, &three->runs[r].spec, sizeof two->runs[r].spec);
    assert_memory_equal(&two->runs[0].spec, &five->runs[0].spec, sizeof two->runs[0].spec);
    experiment_free(two);
    experiment_free(three);
    experiment_free(five);
}

static void panels(void **state)
{
    (void)state;
    static const char end[] =
        "  { name = \"half\"; words = \"w\"; network = \"tiny\"; divide = 2; epochs = 4; "
        "side = 96; test_n = 10; micro_ghosts = 3; }\n);\n";
    static const char *const bad[][2] = {
        {"panels = ( { x = \"epochs\"; y = \"lr\"; } );",
         ":23: 'x' is \"epochs\"; did you mean \"epoch\"?"},
        {"panels = ( { x = \"epoch\"; y = \"colour\"; } );",
         ":23: 'y' is \"colour\"; it must be one of lr, batch"},
        {"panels = ( { x = \"epoch\"; } );", ":23: the key 'y' is missing"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; z = 1; } );", ":23: unknown key 'z'"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; runs = [ \"frist\" ]; } );",
         ":23: figure0 has no run 'frist'"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; runs = [ \"first\", \"first\" ]; } );",
         "stands twice"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; runs = \"first\"; } );",
         "must be an array of names"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; runs = []; } );",
         "a panel shows 1 to 16 runs, not 0"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; x_range = [ 1.0 ]; } );",
         "must be two numbers [ low, high ]"},
        {"panels = ( { x = \"epoch\"; y = \"lr\"; x_range = [ 2.0, 1.0 ]; } );",
         "'x_range' must rise"},
        {"schedules_only = true; panels = ( { x = \"epoch\"; y = \"train_loss\"; } );",
         "known after training only"},
        {"schedules_only = 1;",
         ":23: 'schedules_only' is a whole number; it must be true or false"},
        {"panels = ();", "must have 1 to 2"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char to[1024];
        snprintf(to, sizeof to, "%s%s", end, bad[i][0]);
        refuse(end, to, bad[i][1]);
    }
}

/* What an experiment leaves out stands in the file that `base` names; a complaint names the file it
 * is about. */
static void base_file(void **state)
{
    (void)state;
    char path[300], text[sizeof WHOLE + 64], own[600];
    struct experiment *e;
    struct err err = {0};
    const char *rest = strstr(WHOLE, "train_n");
    snprintf(path, sizeof path, "%s/shared.conf", scratch);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(rest, out);
    assert_int_equal(fclose(out), 0);
    static const char head[] =
        "base = \"shared.conf\"; name = \"f\"; title = \"T\"; dataset = \"cifar10\"; groups = 4;\n";
    snprintf(own, sizeof own, "%sruns = ( { name = \"a\"; title = \"A\"; batch = 16; } );\n", head);
    write_file(own, strlen(own));
    if (experiment_load(file, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(e->groups, 4); /* its own comes first */
    assert_int_equal(e->run_count, 1);
    assert_int_equal(e->runs[0].spec.batch, 16);
    assert_int_equal(e->runs[0].spec.ghost, 4); /* from the defaults there */
    assert_int_equal(e->profile_count, 2);
    experiment_free(e);

    out = fopen(path, "w");
    assert_non_null(out);
    snprintf(text, sizeof text, "\n%s", rest);
    memcpy(strstr(text, "ghost"), "gohst", 5);
    fputs(text, out);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(experiment_load(file, &e, &err), ERR_INPUT);
    assert_non_null(strstr(err.text, "shared.conf:4: unknown key 'gohst'; did you mean 'ghost'?"));
    unlink(path);
    assert_int_not_equal(experiment_load(file, &e, &err), 0);
    assert_non_null(strstr(err.text, "shared.conf"));
    static const char outside[] = "base = \"../shared.conf\";\n";
    refuse_bytes(outside, sizeof outside - 1,
                 ":1: 'base' is \"../shared.conf\"; it must name a file in the same folder");
}

static void conventions(void **state)
{
    (void)state;
    struct experiment *e;
    struct err err = {0};
    struct schedule schedule;
    const char *at = strstr(WHOLE, "weight_decay = 0;");
    char text[sizeof WHOLE + 256];
    snprintf(
        text, sizeof text, "%.*s%s%s", (int)(at - WHOLE), WHOLE,
        "last_batch = \"keep\"; early_steps = 1; moments_at_step = \"reset\"; extra_epochs = 5; "
        "label_smoothing = 0.25; bn_gamma = \"no\"; running_statistics = \"update\"; ",
        at);
    write_file(text, strlen(text));
    if (experiment_load(file, &e, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(experiment_schedule(e, &e->profiles[0], &e->runs[0], &schedule, &err), 0);
    assert_int_equal(schedule.epochs, 25);
    assert_int_equal(schedule.phase[1].first_epoch, 9);
    assert_true(schedule.conventions.reset_moments && schedule.conventions.keep_last_batch);
    assert_true(schedule.conventions.no_gamma && schedule.conventions.running_per_update);
    assert_true(schedule.conventions.label_smoothing == 0.25);
    assert_int_equal(experiment_schedule(e, &e->profiles[1], &e->runs[0], &schedule, &err), 0);
    assert_int_equal(schedule.epochs, 5); /* 4, and a fifth of them */
    experiment_free(e);
    refuse("weight_decay = 0;", "weight_decay = 0; last_batch = \"kept\";",
           ":6: 'last_batch' is \"kept\"; it must be \"drop\" or \"keep\"");
    refuse("weight_decay = 0;", "weight_decay = 0; label_smoothing = 1.0;",
           ":6: 'label_smoothing' is 1; it must be at least 0 and below 1");
    refuse("weight_decay = 0;", "weight_decay = 0; bn_gamma = \"none\";",
           ":6: 'bn_gamma' is \"none\"; it must be \"yes\" or \"no\"");
    refuse("weight_decay = 0;", "weight_decay = 0; weight_decay_on = \"weights\";",
           "weight_decay_on=weights, and its weight_decay is 0");
    refuse("weight_decay = 0;", "weight_decay = 0; early_steps = 10;",
           "leave nothing of the first phase");
    refuse("weight_decay = 0;", "weight_decay = 0; extra_epochs = 3;",
           "3 extra epochs of 20 are no whole number of 4");
}

static int make_scratch(void **state)
{
    (void)state;
    const char *folder = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/test_experiment.XXXXXX",
             folder == NULL ? "/tmp" : folder);
    if (mkdtemp(scratch) == NULL)
        return -1;
    snprintf(file, sizeof file, "%s/broken.exp", scratch);
    return 0;
}

static int remove_scratch(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(scratch);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(wrong_types),
        cmocka_unit_test(missing_keys),
        cmocka_unit_test(out_of_range),
        cmocka_unit_test(names_and_scales),
        cmocka_unit_test(broken_text),
        cmocka_unit_test(no_such_file),
        cmocka_unit_test(small_file),
        cmocka_unit_test(figure5),
        cmocka_unit_test(imagenet),
        cmocka_unit_test(scales),
        cmocka_unit_test(figures_of_three_schedules),
        cmocka_unit_test(figures_share_runs),
        cmocka_unit_test(panels),
        cmocka_unit_test(base_file),
        cmocka_unit_test(conventions),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
