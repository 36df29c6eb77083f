/* repro plan FIGURE: what it comes to, before any compute, and what of it is left to do here. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "lab/anatomy.h"
#include "lab/figure.h"
#include "lab/forecast.h"
#include "lab/power.h"
#include "experiment/plan.h"
#include "judge/evidence.h"
#include "results/store.h"

#include <stdio.h>

/* The sums of the profile's network, or every layer. */
static int print_network(const struct experiment *experiment,
                         const struct experiment_profile *profile, int layers, struct err *err)
{
    struct net net = {0};
    char *text = NULL;
    int code = anatomy_net(experiment, profile, &net, err);
    if (code == 0)
        code = layers ? anatomy_layers(profile->network, &net, &text, err)
                      : anatomy_text(profile->network, &net, &text, err);
    if (code == 0)
        printf("%s%s", layers ? "" : "\n", text);
    mem_free(text);
    net_release(&net);
    return code;
}

static int print_runs(const struct experiment *experiment, const struct experiment_profile *profile,
                      struct err *err)
{
    char *text = NULL;
    int code = plan_text(experiment, profile, &text, err);
    if (code == 0)
        fputs(text, stdout);
    mem_free(text);
    return code;
}

/* *trained: there are runs that can be forecast. */
static int print_plan(const struct command_options *options, int *trained, struct err *err)
{
    struct experiment *experiment = NULL;
    const struct experiment_profile *profile = NULL;
    struct session_options chosen = session_choice(options);
    int code = session_load(&chosen, &experiment, err);
    if (code == 0) {
        profile = experiment_profile(experiment, options->profile, err);
        code = profile == NULL ? ERR_USAGE : 0;
    }
    if (code == 0 && !options->layers)
        code = print_runs(experiment, profile, err);
    if (code == 0 && (options->layers || !experiment->schedules_only))
        code = print_network(experiment, profile, options->layers, err);
    if (code == 0)
        *trained = !experiment->schedules_only && experiment->study == NULL;
    fflush(stdout);
    experiment_free(experiment);
    return code;
}

/* How many seeds the claims take. */
static int print_power(const struct figure *figure, struct store *store, struct err *err)
{
    struct evidence evidence = {0};
    char *text = NULL;
    int code = evidence_load(store, &figure->session.facts, figure->first_seed, EVIDENCE_SEEDS,
                             &evidence, err);
    if (code == 0)
        code = power_line(&evidence.claims, &text, err);
    if (code == 0)
        fputs(text, stdout);
    mem_free(text);
    evidence_release(&evidence);
    return code;
}

/* Where no backend can run there is still a plan: says why the rest is missing. */
static int print_forecast(const struct command_options *options)
{
    struct figure figure = {0};
    struct store store = {0};
    struct err err = {0};
    char *text = NULL;
    struct session_options chosen = session_choice(options);
    int code = figure_init(&figure, &chosen, results_folder(options), first_seed(options),
                           options->seeds, &err);
    if (code == 0)
        code = store_open(&store, figure.out, &err);
    if (code == 0)
        code = forecast_text(&figure, &store, &text, &err);
    if (code == 0) {
        printf("\n%s", text);
        code = print_power(&figure, &store, &err);
    } else if (err.code == ERR_CANNOT_RUN || err.code == ERR_BACKEND)
        printf("\nWhat is left to do here is not known: %s\n", err.text);
    mem_free(text);
    store_close(&store);
    figure_release(&figure);
    return code == 0 || err.code == ERR_CANNOT_RUN || err.code == ERR_BACKEND ? EXIT_DONE
                                                                              : report_error(&err);
}

int command_plan(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    int trained = 0;
    options_parse_plan(
        argc, argv, "FIGURE",
        "Prints the phases, batch sizes, learning rates, exact updates and noise scales of "
        "a figure's runs beside the paper's words; what the network comes to; then which of the "
        "runs are done, begun or stale "
        "under --out, and "
        "the time and memory that the rest takes on this backend, from earlier logs or a few timed "
        "updates, one run "
        "after the other whatever --jobs says.  "
        "Trains and writes nothing.  With --workers it predicts instead what the runs take among "
        "more workers, and draws it.",
        &options);
    if (options.profile == NULL)
        options.profile = "paper";
    if (options.workers != NULL)
        return plan_workers(&options, &err) == 0 ? EXIT_DONE : report_error(&err);
    if (print_plan(&options, &trained, &err) != 0)
        return report_error(&err);
    return trained && !options.layers ? print_forecast(&options) : EXIT_DONE;
}
