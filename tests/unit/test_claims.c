/* Claims: what the grammar refuses, and every kind of claim on made-up curves that hold it and that
 * break it. */
#include "judge/judge.h"

#include "base/err.h"
#include "base/mem.h"
#include "judge/verdicts.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RUNS 3
#define SEEDS 4
#define EPOCHS 12

/* N = 240, B = 8: 30 updates an epoch; steps behind epochs 4 and 8.  Line 14 is the first
 * claim's. */
static const char HEAD[] = "name = \"figure0\"; title = \"T\"; dataset = \"cifar10\"; train_n = "
                           "240; epochs = 12; groups = 8;\n"
                           "defaults = { optimizer = \"momentum\"; lr = 1.0; momentum = 0.5; batch "
                           "= 8; ghost = 4; weight_decay = 0;\n"
                           "  steps = [ 4, 8 ]; factor = 2; action = \"decay_lr\"; };\n"
                           "runs = (\n"
                           "  { name = \"decay\"; title = \"D\"; },\n"
                           "  { name = \"grow\"; title = \"G\"; action = \"grow_batch\"; },\n"
                           "  { name = \"plain\"; title = \"P\"; lr = 0.5; steps = [ 6 ]; }\n"
                           ");\n"
                           "default_profile = \"full\";\n"
                           "profiles = (\n"
                           "  { name = \"full\"; words = \"w\"; network = \"tiny\"; divide = 1; "
                           "epochs = 12; test_n = 10000; micro_ghosts = 1; },\n"
                           "  { name = \"half\"; words = \"w\"; network = \"tiny\"; divide = 2; "
                           "epochs = 12; test_n = 2500; micro_ghosts = 1; }\n"
                           ");\n"
                           "claims = ( {\n";
static const char TAIL[] = "} );\n";
#define WORDS "quote = \"q\"; section = \"5\"; from = \"f\"; "

static struct scratch scratch;
static struct experiment *experiment;
static struct schedule paper[RUNS], here[RUNS];
static struct runlog logs[RUNS][SEEDS];
static struct runlog_row rows[RUNS][SEEDS][EPOCHS];
static struct claim_curves curves[RUNS];
static struct claim_evidence evidence;
static struct claim_verdict verdict;

static int load(const char *claim, struct err *err)
{
    const char *path = scratch_path(&scratch, "figure0.exp");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%s%s\n%s", HEAD, claim, TAIL) > 0);
    assert_int_equal(fclose(file), 0);
    experiment_free(experiment);
    experiment = NULL;
    return experiment_load(path, &experiment, err);
}

/* Flat curves of the accuracies given, with `seeds` seeds that differ by `apart` from one to the
 * next. */
static void curves_at(size_t profile, size_t seeds, double apart, const double *accuracies)
{
    struct err err = {0};
    for (size_t r = 0; r < RUNS; r++) {
        assert_int_equal(schedule_build(&experiment->runs[r].spec, &paper[r], &err), 0);
        assert_int_equal(experiment_schedule(experiment, &experiment->profiles[profile],
                                             &experiment->runs[r], &here[r], &err),
                         0);
        curves[r] = (struct claim_curves){seeds, logs[r]};
        for (size_t s = 0; s < SEEDS; s++) {
            logs[r][s] = (struct runlog){.rows = rows[r][s], .count = EPOCHS, .capacity = EPOCHS};
            for (int e = 0; e < EPOCHS; e++)
                rows[r][s][e] = (struct runlog_row){
                    .epoch = e + 1,
                    .updates = schedule_updates_before(&here[r], e + 1),
                    .batch = schedule_at(&here[r], e)->batch,
                    .train_loss = 1.0 - accuracies[r] - apart * (double)s,
                    .test_accuracy = accuracies[r] +
                                     apart * ((double)s - 0.5 * (double)(seeds - 1))};
        }
    }
    evidence = (struct claim_evidence){experiment, profile, experiment->profiles[profile].test_n,
                                       paper,      here,    curves};
}

static void outcome(enum claim_outcome wanted, const char *words)
{
    claim_judge(&experiment->claims[0], &evidence, &verdict);
    if (verdict.outcome != wanted || strstr(verdict.measured, words) == NULL)
        fail_msg("%s: '%s' (needed: %s); wanted %s with '%s'", claim_outcome_word(verdict.outcome),
                 verdict.measured, verdict.needed, claim_outcome_word(wanted), words);
}

/* What the last verdict says of its power, and how many seeds it takes. */
static void power(size_t seeds, const char *words)
{
    if (verdict.need.seeds != seeds || strstr(verdict.power, words) == NULL)
        fail_msg("%zu seeds, '%s'; wanted %zu and '%s'", verdict.need.seeds, verdict.power, seeds,
                 words);
}

static void use(const char *claim)
{
    static const double equal[RUNS] = {0.5, 0.5, 0.5};
    struct err err = {0};
    if (load(claim, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(experiment->claim_count, 1);
    curves_at(0, SEEDS, 0.0, equal);
}

static void refuse(const char *claim, const char *words)
{
    struct err err = {0};
    if (load(claim, &err) != ERR_INPUT || strstr(err.text, words) == NULL ||
        strstr(err.text, "figure0.exp:1") == NULL)
        fail_msg("'%s' says '%s', not '%s'", claim, err.text, words);
}

static void refusals(void **state)
{
    (void)state;
    refuse(WORDS, "'kind' is missing");
    refuse(WORDS "kind = \"updates_belw\"; run = \"grow\"; value = 3;",
           "did you mean \"updates_below\"");
    refuse(WORDS "kind = \"updates_below\"; run = \"grow\";", "'value' is missing");
    refuse(WORDS "kind = \"updates_below\"; value = 3;", "'run' is missing");
    refuse(WORDS "kind = \"updates_below\"; run = \"grown\"; value = 3;", "did you mean \"grow\"");
    refuse(WORDS "kind = \"updates_below\"; run = \"grow\"; value = 3; within = 3;",
           "unknown key 'within'");
    refuse(WORDS "kind = \"updates_below\"; run = \"grow\"; value = -3;", "must be above 0");
    refuse(WORDS "kind = \"updates_below\"; run = \"grow\"; value = { ful = 3; };",
           "did you mean 'full'");
    refuse(WORDS "drawn = \"d\"; kind = \"updates_below\"; run = \"grow\"; value = 3;",
           "either 'quote'");
    refuse("section = \"5\"; from = \"f\"; kind = \"updates_below\"; run = \"grow\"; value = 3;",
           "either 'quote'");
    refuse("quote = \"q\"; from = \"f\"; kind = \"updates_below\"; run = \"grow\"; value = 3;",
           "'section' is missing");
    refuse("quote = \"q\"; section = \"5\"; kind = \"updates_below\"; run = \"grow\"; value = 3;",
           "'from' is missing");
    refuse(WORDS "kind = \"ratio_at_least\"; run = \"grow\"; over = \"grow\"; value = 3;",
           "a second time");
    refuse(WORDS "kind = \"equal_final_accuracy\"; runs = [ \"grow\" ]; margin = 0.1; seeds = 3; "
                 "confidence = 0.95;",
           "array of 2 to 8");
    refuse(WORDS "kind = \"equal_final_accuracy\"; runs = [ \"grow\", \"decay\" ]; margin = 0.1; "
                 "seeds = 1; confidence = 0.9;",
           "at least 2");
    refuse(WORDS "kind = \"track_by_epoch\"; runs = [ \"grow\", \"plain\" ]; quantity = "
                 "\"train_loss\"; smooth = 3; margin = 0.1;"
                 "confidence = 0.9; resolution = 1; seeds = 2;",
           "other steps");
    refuse(WORDS "kind = \"improves_at\"; runs = [ \"plain\" ]; quantity = \"loss\"; smooth = 3; "
                 "margin = 0.1; step = 1; seeds = 1;",
           "must be one of test_accuracy, train_loss");
    refuse(WORDS "kind = \"flat_after\"; runs = [ \"plain\" ]; smooth = 3; margin = 0.1; step = 1; "
                 "seeds = 1;",
           "looks on to the step behind it");
}

static void counts(void **state)
{
    (void)state;
    use(WORDS "kind = \"updates_below\"; run = \"grow\"; value = 211;"); /* 120 + 60 + 28 */
    assert_int_equal(paper[1].updates, 208);
    outcome(CLAIM_HOLDS, "208 updates, by the plan and by 4 logs");
    experiment->claims[0].number[CLAIM_VALUE][0] = 208;
    outcome(CLAIM_FAILS, "208 updates");
    use(WORDS "kind = \"updates_about\"; run = \"decay\"; value = 380; within = 20;");
    outcome(CLAIM_HOLDS, "360 updates");
    experiment->claims[0].number[CLAIM_WITHIN][0] = 19;
    outcome(CLAIM_FAILS, "360 updates");
    use(WORDS "kind = \"ratio_at_least\"; run = \"decay\"; over = \"grow\"; value = 1.7;");
    outcome(CLAIM_HOLDS, "1.7 times as many: 360 (decay) over 208 (grow)");
    experiment->claims[0].number[CLAIM_VALUE][0] = 1.75;
    outcome(CLAIM_FAILS, "1.7 times");
}

/* No training is needed; a log that is there must agree with its plan. */
static void counts_and_logs(void **state)
{
    (void)state;
    static const double equal[RUNS] = {0.5, 0.5, 0.5};
    use(WORDS "kind = \"updates_below\"; run = \"grow\"; value = 211;");
    curves_at(1, 0, 0.0, equal);
    outcome(CLAIM_HOLDS,
            "208 updates at the paper's scale; at this profile 208, by the plan; not trained yet");
    curves_at(1, 2, 0.0, equal);
    outcome(CLAIM_HOLDS, "by the plan and by 2 logs");
    rows[1][1][6].updates++;
    outcome(CLAIM_FAILS, "a log of grow leaves its plan at epoch 7");
    rows[1][1][6].updates--;
    logs[1][1].count--;
    outcome(CLAIM_FAILS, "it ends before");
}

static void equal_accuracy(void **state)
{
    (void)state;
    use(WORDS "kind = \"equal_final_accuracy\"; runs = [ \"decay\", \"grow\" ]; margin = { full = "
              "0.01; };"
              "confidence = 0.95; seeds = 3;");
    /* Seeds at +-0.0015 and +-0.0005 x 2: s = 0.00258, standard error 0.001826, t(0.95, 6) = 1.943:
     * reach 0.00355 */
    curves_at(0, 4, 0.002, (const double[]){0.900, 0.906, 0.1});
    outcome(CLAIM_HOLDS, "largest difference 0.60 points (decay 90.00 %, grow 90.60 %), at most "
                         "0.95 at 95 % confidence; 4 seeds");
    /* t(0.975, 6) + t(0.8, 6) = 3.353 */
    power(3,
          "a difference of 1.61 points or more would be seen in 80 of 100 trials, and equal "
          "runs be seen to be equal in at least 98; by a spread between seeds of 0.26 points, as "
          "seen, about 3 seeds would tell if the runs are equal");
    curves_at(0, 4, 0.002, (const double[]){0.900, 0.907, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "at most 1.05");
    curves_at(0, 4, 0.002, (const double[]){0.900, 0.9144, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "1.44 points");
    /* beyond 1 by t(0.975, 6) = 2.447 errors: FAILS shares its level between two sides */
    curves_at(0, 4, 0.002, (const double[]){0.9145, 0.900, 0.1});
    outcome(CLAIM_FAILS, "largest difference 1.45");
    curves_at(0, 2, 0.0, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS,
            "3 seeds of each run are needed, too few of: decay (2), grow (2)");
    curves_at(0, 1, 0.0, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "too few of: decay (1), grow (1)");
    curves_at(0, 4, 0.0, (const double[]){0.9, 0.9, 0.1});
    curves[1].count = 0;
    outcome(CLAIM_NOT_RUN, "there is none of: grow");
    curves_at(1, 4, 0.0, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_NOT_RUN, "not judged at profile half; the tolerance is stated for: full");
    curves_at(0, 4, 0.0, (const double[]){0.9, 0.9, 0.1});
    rows[0][0][3].updates = 7;
    outcome(CLAIM_NOT_RUN, "leaves its plan at epoch 4: 7 updates, planned 120");
}

static void lower_accuracy(void **state)
{
    (void)state;
    use(WORDS "kind = \"lower_final_accuracy\"; run = \"grow\"; below = \"decay\"; margin = 0.002; "
              "confidence = 0.95; seeds = 1;");
    /* One seed: twice sqrt(0.9 x 0.1 / 10000) = 0.006, times sqrt(2) times 1.645 = 0.0140 */
    curves_at(0, 1, 0.0, (const double[]){0.9085, 0.8915, 0.1});
    outcome(CLAIM_HOLDS, "1.70 points lower (grow 89.15 %, decay 90.85 %), at least 0.30 at 95 % "
                         "confidence; 1 seed");
    power(4, "by a spread between seeds of 0.6 points, supposed, about 4 seeds would tell");
    curves_at(1, 1, 0.0, (const double[]){0.9085, 0.8915, 0.1}); /* a quarter of the images */
    outcome(CLAIM_NOT_ENOUGH_RUNS, "at least -1.09");
    curves_at(0, 1, 0.0, (const double[]){0.8945, 0.9055, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "-1.10 points lower");
    curves_at(0, 1, 0.0, (const double[]){0.894, 0.906, 0.1});
    outcome(CLAIM_FAILS, "-1.20 points lower");
    /* an epoch of the last phase swings by 0.02: 0.02^2 / 3 in one of the two */
    curves_at(0, 1, 0.0, (const double[]){0.9085, 0.8915, 0.1});
    rows[0][0][9].test_accuracy += 0.02;
    outcome(CLAIM_NOT_ENOUGH_RUNS,
            "1.70 points lower (grow 89.15 %, decay 90.85 %), at least -0.66");
    curves_at(0, 4, 0.001, (const double[]){0.905, 0.895, 0.1});
    outcome(CLAIM_HOLDS, "4 seeds");
    curves_at(0, 4, 0.02, (const double[]){0.905, 0.895, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "4 seeds");
    power(130, "as seen"); /* 2 (2.487 x 0.0258 / 0.008)^2, and a little for t */
    /* one seed beside four that spread: what they show is what it is supposed to have */
    curves_at(0, 4, 0.02, (const double[]){0.9085, 0.8915, 0.1});
    curves[1].count = 1;
    outcome(CLAIM_NOT_ENOUGH_RUNS, "1 to 4 seeds");
    power(5, "by a spread between seeds of 2.6 points, supposed");
    curves[0].count = curves[1].count = 0;
    outcome(CLAIM_NOT_RUN, "there is none of: grow, decay");
}

static void least_accuracy(void **state)
{
    (void)state;
    use(WORDS "kind = \"final_accuracy_at_least\"; run = \"grow\"; value = 0.9; margin = 0.01; "
              "seeds = 2;");
    /* s = 0.00258, standard error 0.00129, t(0.95, 3) = 2.353: 0.00304 */
    curves_at(0, 4, 0.002, (const double[]){0.1, 0.8931, 0.1});
    outcome(CLAIM_HOLDS, "grow 89.31 %, at least 89.01 at 95 % confidence; 4 seeds");
    curves_at(0, 4, 0.002, (const double[]){0.1, 0.893, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "grow 89.30 %");
    curves_at(0, 4, 0.002, (const double[]){0.1, 0.887, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "grow 88.70 %");
    curves_at(0, 4, 0.002, (const double[]){0.1, 0.8869, 0.1});
    outcome(CLAIM_FAILS, "grow 88.69 %");
    power(6, "a mean of 89.4 points or more would be seen to hold, of 88.6 or less to fail");
}

/* Every kind says before training what it takes; where accuracies of other runs are there, by
 * these. */
static void ahead(void **state)
{
    (void)state;
    use(WORDS "kind = \"equal_final_accuracy\"; runs = [ \"decay\", \"grow\" ]; margin = 0.005; "
              "confidence = 0.95; seeds = 3;");
    curves_at(0, 0, 0.0, (const double[]){0.9, 0.9, 0.9});
    outcome(CLAIM_NOT_RUN, "there is none of: decay, grow");
    /* twice sqrt(0.5 x 0.5 / 10000) = 0.01: (1.66 + 1.29) 0.01 sqrt(2 / 70) = 0.005 */
    power(70, "before training; by a spread between seeds of 1 points, supposed, about 70 seeds");
    curves_at(0, 1, 0.0, (const double[]){0.9, 0.9, 0.9});
    curves[0].count = curves[1].count = 0;
    outcome(CLAIM_NOT_RUN, "there is none of: decay, grow");
    power(26, "0.6 points"); /* as run plain has it */
}

static void tracking(void **state)
{
    (void)state;
    use(WORDS "kind = \"track_by_epoch\"; runs = [ \"decay\", \"grow\" ]; quantity = "
              "\"test_accuracy\"; smooth = 3;"
              "margin = 0.01; confidence = 0.95; resolution = 0.02; seeds = 2;");
    curves_at(0, 4, 0.0, (const double[]){0.9, 0.9, 0.1});
    rows[0][0][2].test_accuracy = 0.2; /* the two do the same until the first step */
    outcome(CLAIM_HOLDS,
            "least certain mean gap of a phase 0 points, from epoch 5 on (decay, grow)");
    for (size_t s = 0; s < 4; s++)
        rows[1][s][9].test_accuracy += 0.027;
    outcome(CLAIM_HOLDS,
            "least certain mean gap of a phase 0.675 points, from epoch 9 on (decay, grow), "
            "at most 0.675 at 95 % confidence; widest gap 0.9 at epoch 9 ");
    for (size_t s = 0; s < 4; s++)
        rows[1][s][9].test_accuracy += 0.006;
    outcome(CLAIM_FAILS, "widest gap 1.1 at epoch 9");
    for (size_t s = 0; s < 4; s++)
        /* within every mean of three */
        rows[1][s][8].test_accuracy -= 0.02, rows[1][s][10].test_accuracy -= 0.02;
    outcome(CLAIM_HOLDS, "widest gap ");
    curves_at(0, 4, 0.0, (const double[]){0.9, 0.9101, 0.1});
    outcome(CLAIM_FAILS, "least certain mean gap of a phase 1.01 points");
    /* Seeds are shifted: 6 degrees of freedom for 8 windows.  s = 0.00516, standard error 0.00365;
     * t(1 - 0.0125 / 8, 6) = 4.73 */
    curves_at(0, 4, 0.004, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_HOLDS,
            "at most 0.71 at 95 % confidence; widest gap 0 at epoch 5 (decay, grow) in "
            "a band of +-1.7");
    curves_at(0, 4, 0.005, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "at most 0.887 at 95 % confidence");
    curves_at(0, 4, 0.004, (const double[]){0.9, 0.904, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "at most 1.11 at 95 % confidence");
    curves_at(0, 1, 0.0, (const double[]){0.9, 0.9, 0.1});
    outcome(CLAIM_NOT_ENOUGH_RUNS, "too few of");
    /* With two seeds a window's noise is supposed: of a loss of 0.1 it is 0.005, and the scatter of
     * these epochs, of which one is out by 0.012, adds sqrt(0.012^2 / 6) = 0.0049. */
    use(WORDS "kind = \"track_by_epoch\"; runs = [ \"decay\", \"grow\" ]; quantity = "
              "\"train_loss\"; smooth = 1;"
              "margin = 0.01; confidence = 0.95; resolution = 0.03; seeds = 2;");
    curves_at(0, 2, 0.0, (const double[]){0.9, 0.9, 0.1});
    rows[0][0][11].train_loss = rows[0][1][11].train_loss = 0.112;
    outcome(CLAIM_HOLDS, "widest gap 0.012 at epoch 12 (decay, grow) in a band of +-0.021");
    rows[0][0][11].train_loss = rows[0][1][11].train_loss = 0.2;
    outcome(CLAIM_FAILS, "widest gap 0.1 at epoch 12");
}

/* Every seed of a run at the epochs first .. last, counted from 1. */
static void set(size_t run, int first, int last, double accuracy, double loss)
{
    for (size_t s = 0; s < SEEDS; s++)
        for (int e = first - 1; e < last; e++) {
            rows[run][s][e].test_accuracy = accuracy;
            rows[run][s][e].train_loss = loss;
        }
}

static void shapes(void **state)
{
    (void)state;
    use(WORDS "kind = \"flat_after\"; runs = [ \"decay\", \"grow\" ]; smooth = 2; margin = 0.004; "
              "step = 1; seeds = 1;");
    set(0, 1, 4, 0.1, 0); /* before the step: of no account */
    outcome(CLAIM_HOLDS, "gain after step 1: +0.00 (decay), +0.00 (grow) points; 4 seeds");
    set(1, 11, 12, 0.505, 0);
    outcome(CLAIM_FAILS, "+0.50 (grow)");
    use(WORDS "kind = \"sags_and_jumps\"; runs = [ \"decay\" ]; smooth = 2; sag = 0.01; jump = "
              "0.02; step = 1; seeds = 1;");
    set(0, 5, 6, 0.52, 0);
    set(0, 9, 10, 0.53, 0);
    outcome(CLAIM_HOLDS, "decay: 52.00 % after step 1, 50.00 % before step 2, 53.00 % after it");
    set(0, 5, 6, 0.505, 0);
    outcome(CLAIM_FAILS, "50.50 % after step 1");
    set(0, 5, 6, 0.52, 0);
    set(0, 9, 10, 0.515, 0);
    outcome(CLAIM_FAILS, "51.50 % after it");
    use(WORDS "kind = \"improves_at\"; runs = [ \"plain\" ]; quantity = \"train_loss\"; smooth = "
              "9; margin = 0.2; step = 1; seeds = 1;");
    set(2, 1, 6, 0, 0.9);
    set(2, 7, 12, 0, 0.6);
    outcome(CLAIM_HOLDS, "fall at step 1: 0.3 (plain) nats");
    set(2, 7, 12, 0, 0.75);
    outcome(CLAIM_FAILS, "fall at step 1: 0.15 (plain) nats");
}

static void words_and_table(void **state)
{
    (void)state;
    struct verdicts verdicts;
    struct err err = {0};
    char *text, line[4096];
    use("quote = \"say \\\"quoted\\\" words\"; section = \"5.2\"; from = \"f\"; kind = "
        "\"updates_below\"; run = \"grow\"; value = 3;");
    curves_at(1, 0, 0.0, (const double[]){0.5, 0.5, 0.5});
    assert_int_equal(verdicts_judge(&verdicts, &evidence, "synthetic", "stub", &err), 0);
    assert_int_equal(verdicts_text(&verdicts, &text, &err), 0);
    assert_non_null(strstr(text, "section 5.2: 'say \"quoted\" words'"));
    mem_free(text);
    verdicts_release(&verdicts);
    use("quote = \"a long sentence that is wrapped because it is wider than what is left of the "
        "line it stands in\";"
        "section = \"5.2\"; from = \"the words\"; kind = \"updates_below\"; run = \"grow\"; value "
        "= 208;");
    curves_at(1, 0, 0.0, (const double[]){0.5, 0.5, 0.5});
    assert_int_equal(verdicts_judge(&verdicts, &evidence, "synthetic", "stub", &err), 0);
    assert_int_equal(verdicts_text(&verdicts, &text, &err), 0);
    assert_int_equal(
        strncmp(text, "FAILS            at profile half, section 5.2: \"a long sentence", 60), 0);
    assert_non_null(strstr(text, "\n                 needed     below 208 (the words)\n"));
    assert_non_null(
        strstr(text, "profile half, synthetic data, backend stub: of 1 claims 0 hold, 1 fail, "));
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n") + 1)
        assert_true(strcspn(at, "\n") <= 110);
    mem_free(text);
    const char *path = scratch_path(&scratch, "claims.tsv");
    assert_int_equal(verdicts_write(&verdicts, path, &err), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_int_equal(strncmp(line, "verdict\tfigure\tprofile\t", 23), 0);
    assert_non_null(fgets(line, sizeof line, file));
    assert_int_equal(
        strncmp(line, "FAILS\tfigure0\thalf\tsynthetic\tstub\t5.2\tupdates_below\ta long", 56), 0);
    assert_null(fgets(line, sizeof line, file));
    fclose(file);
    verdicts_release(&verdicts);
}

static int begin(void **state)
{
    (void)state;
    return scratch_make(&scratch);
}

static int end(void **state)
{
    (void)state;
    experiment_free(experiment);
    return scratch_remove(&scratch);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals),        cmocka_unit_test(counts),
        cmocka_unit_test(counts_and_logs), cmocka_unit_test(equal_accuracy),
        cmocka_unit_test(lower_accuracy),  cmocka_unit_test(least_accuracy),
        cmocka_unit_test(ahead),           cmocka_unit_test(tracking),
        cmocka_unit_test(shapes),          cmocka_unit_test(words_and_table),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
