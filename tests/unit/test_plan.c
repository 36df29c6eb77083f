/* The text of `repro plan`: the numbers of figure 5 are in it, in their rows, beside the paper's
 * words. */
#include "experiment/plan.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct experiment *experiment;

/* The plan with every run of blanks turned into one, so that a row can be asked for without its
 * widths. */
static char *plan_of(const char *name)
{
    struct err err = {0};
    char *text;
    const struct experiment_profile *profile = experiment_profile(experiment, name, &err);
    assert_non_null(profile);
    if (plan_text(experiment, profile, &text, &err) != 0)
        fail_msg("%s", err.text);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        if (strcspn(line, "\n") > 110)
            fail_msg("%zu bytes wide: %.60s", strcspn(line, "\n"), line);
    char *to = text;
    for (const char *from = text; *from != '\0'; from++)
        if (*from != ' ' || from[1] != ' ')
            *to++ = *from;
    *to = '\0';
    return text;
}

static void holds(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("'%s' is not in:\n%s", words, text);
}

static void paper_profile(void **state)
{
    (void)state;
    char *text = plan_of("paper");
    holds(
        text,
        "wrn-16-4 on cifar10: N = 50000 of 50000 training images, 10000 test images, 200 epochs\n");
    /* phase, epochs, B, lr, m, updates per epoch, updates, g exact, g approximate, N_lost, dropped,
     * ghosts */
    holds(text, "\n 1 1-60 128 0.1 0.9 390 23400 389.63 390.63 0.0256 80 1\n");
    holds(text, "\n 4 161-200 128 0.0008 0.9 390 15600 3.117 3.125 0.0256 80 1\n");
    holds(text, "\n 4 161-200 5120 0.032 0.9 9 360 2.805 3.125 1.024 3920 40\n");
    holds(text, "\n 2 61-120 3200 0.5 0.9 15 900 73.125 78.125 0.64 2000 25\n");
    holds(text, "\n 1 1-60 3200 0.5 0.98 15 900 365.63 390.63 3.2 2000 25\n");
    holds(text, "\n 4 161-200 5120 0.0064 0.98 9 360 2.805 3.125 5.12 3920 40\n");
    holds(text, "\n total 200 78000\n");
    holds(text, "\n total 200 29040\n");
    holds(text, "\n total 200 6300\n");
    holds(text, "\n total 200 2160\n");
    holds(text, "The paper: \"under 6500 updates\".\n This schedule makes 6300 updates: agrees.\n");
    holds(text, "\nincreased-momentum-coefficient 2160 36.1x below 2500: agrees\n");
    assert_null(strstr(text, "differs"));
    assert_null(strstr(text, "paper profile"));
    assert_null(strstr(text, "never builds up"));
    mem_free(text);
}

static void reduced_profile(void **state)
{
    (void)state;
    char *text = plan_of("quick");
    holds(text,
          "wrn-10-1 on cifar10: N = 6250 of 50000 training images, 1250 test images, 20 epochs\n");
    holds(text, "\n 1 1-6 16 0.1 0.9 390 2340 389.63 390.63 0.0256 10 1\n");
    holds(text, "\n 3 13-16 640 0.032 0.98 9 36 14.025 15.625 5.12 490 40\n");
    holds(text, "\n In 2 of 4 phases N_lost exceeds the phase: momentum never builds up fully.\n");
    holds(text, "\n That number belongs to the paper profile, where this schedule makes 29040 "
                "updates: agrees.\n");
    holds(text, "\nincreased-initial-learning-rate 630 12.4x 6300 below 6500: agrees\n");
    mem_free(text);
    text = plan_of("smoke");
    holds(text, "\n total 10 3900\n");
    holds(text, "N = 781 of 50000");
    mem_free(text);
}

static void a_schedule_that_differs(void **state)
{
    (void)state;
    int64_t below = experiment->runs[2].paper_updates_below;
    experiment->runs[2].paper_updates_below = 6300; /* 6300 is not under 6300 */
    experiment->runs[1].paper_words = NULL;
    char *text = plan_of("paper");
    holds(text, "This schedule makes 6300 updates: differs.\n");
    holds(text, " 6300 12.4x below 6300: differs\n");
    assert_null(strstr(text, "29000 updates"));
    mem_free(text);
    experiment->runs[2].paper_updates_below = 0;
    text = plan_of("paper");
    holds(text, "\nincreased-initial-learning-rate 6300 12.4x -\n");
    mem_free(text);
    experiment->runs[2].paper_updates_below = below;
}

static void judging(void **state)
{
    (void)state;
    struct experiment_run run = {0};
    assert_int_equal(plan_judge(&run, 1), PLAN_SILENT);
    run.paper_updates_about = 1000;
    assert_int_equal(plan_judge(&run, 949), PLAN_DIFFERS);
    assert_int_equal(plan_judge(&run, 950), PLAN_AGREES);
    assert_int_equal(plan_judge(&run, 1050), PLAN_AGREES);
    assert_int_equal(plan_judge(&run, 1051), PLAN_DIFFERS);
    run.paper_updates_below = 1000; /* "just under 1000" */
    assert_int_equal(plan_judge(&run, 999), PLAN_AGREES);
    assert_int_equal(plan_judge(&run, 1000), PLAN_DIFFERS);
    run.paper_updates_about = 0;
    assert_int_equal(plan_judge(&run, 1), PLAN_AGREES);
}

static void a_profile_that_does_not_divide(void **state)
{
    (void)state;
    struct experiment_profile profile = experiment->profiles[0];
    struct err err = {0};
    char *text = NULL;
    profile.divide_batch = 7;
    assert_int_equal(plan_text(experiment, &profile, &text, &err), ERR_INPUT);
    assert_null(text);
    assert_non_null(strstr(err.text, "cannot be divided by 7"));
}

static int load(void **state)
{
    (void)state;
    char path[4096];
    const char *srcdir = getenv("srcdir");
    struct err err = {0};
    snprintf(path, sizeof path, "%s/experiments/figure5.exp", srcdir == NULL ? "." : srcdir);
    int code = experiment_load(path, &experiment, &err);
    if (code != 0)
        print_message("# %s\n", err.text);
    return code;
}

static int unload(void **state)
{
    (void)state;
    experiment_free(experiment);
    return 0;
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paper_profile),
        cmocka_unit_test(reduced_profile),
        cmocka_unit_test(a_schedule_that_differs),
        cmocka_unit_test(judging),
        cmocka_unit_test(a_profile_that_does_not_divide),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
