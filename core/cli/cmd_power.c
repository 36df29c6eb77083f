/* repro power FIGURE: how many seeds each claim takes for a verdict, and how long that is here. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "judge/evidence.h"
#include "lab/figure.h"
#include "lab/power.h"
#include "results/sets.h"

#include <stdio.h>

/* How fast training goes here; *known 0 where no backend or no data can say. */
static int find_speed(const struct command_options *options, const char *profile,
                      const struct store *store, struct forecast_speed *speed, int *known,
                      struct err *err)
{
    struct figure figure = {0};
    struct session_options chosen = session_choice(options);
    chosen.profile = profile;
    int code = figure_init(&figure, &chosen, results_folder(options), first_seed(options), 1, err);
    if (code == 0)
        code = forecast_speed(&figure, store, speed, err);
    *known = code == 0;
    figure_release(&figure);
    return code == ERR_CANNOT_RUN || code == ERR_BACKEND ? 0 : code;
}

static int print_power(const struct command_options *options, const struct store *store,
                       const struct claim_evidence *evidence, struct err *err)
{
    struct forecast_speed speed;
    struct err why = {0};
    char *text = NULL;
    int known = 0;
    const struct experiment_profile *profile = &evidence->experiment->profiles[evidence->profile];
    int code = find_speed(options, profile->name, store, &speed, &known, &why);
    if (code != 0) {
        *err = why;
        return code;
    }
    code = power_text(evidence, known ? &speed : NULL, &text, err);
    if (code == 0) {
        fputs(text, stdout);
        if (!known)
            printf("  How long that takes here is not known: %s\n", why.text);
    }
    mem_free(text);
    return code;
}

/* By the results that the options name; where there are none, by what is supposed. */
static int power(const struct command_options *options, const struct experiment *experiment,
                 struct err *err)
{
    struct store store = {0};
    struct result_set set;
    struct evidence evidence = {0};
    struct facts facts = {.experiment = experiment};
    const char *name = options->profile == NULL ? experiment->default_profile : options->profile;
    int found = 0, code = store_open(&store, results_folder(options), err);
    if (code == 0)
        code = choose_results(options, experiment, &store, &set, &found, err);
    if (code == 0 && !found) {
        facts.profile = experiment_profile(experiment, name, err);
        code = facts.profile == NULL ? ERR_USAGE : 0;
    }
    if (code == 0)
        code = evidence_load(found ? &store : NULL, found ? &set.facts : &facts,
                             options->seed == 0 && found ? set.first : first_seed(options),
                             options->seeds == 0 ? EVIDENCE_SEEDS : options->seeds, &evidence, err);
    if (code == 0)
        code = print_power(options, &store, &evidence.claims, err);
    evidence_release(&evidence);
    store_close(&store);
    return code;
}

int command_power(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    struct experiment *experiment = NULL;
    options_parse(
        argc, argv, "FIGURE",
        "Prints, for each of the paper's claims behind a figure that finished runs decide, how "
        "many seeds of each run a verdict takes, by the spread between the seeds under --out, or "
        "before any training by one that is supposed; and the time that the missing ones take on "
        "this backend, from earlier logs or a few timed updates.  Trains and writes nothing.",
        1, &options);
    struct session_options chosen = session_choice(&options);
    int code = session_load(&chosen, &experiment, &err);
    if (code == 0 && (experiment->claim_count == 0 || experiment->schedules_only))
        printf("%s: no claim of it needs a trained run\n", experiment->name);
    else if (code == 0)
        code = power(&options, experiment, &err);
    experiment_free(experiment);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
