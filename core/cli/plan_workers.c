/* repro plan FIGURE --workers: what its runs take among more workers, as a model has it. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "lab/figure.h"
#include "lab/forecast.h"
#include "lab/workers_figure.h"
#include "results/store.h"

#include <stdio.h>

#define LINK "25GB/s,2us" /* as --help says */

/* How fast one worker is here: from logs, else from a few timed updates. */
static int measure(struct workers_figure *workers, const struct command_options *options,
                   const struct session_options *chosen, struct err *err)
{
    struct figure figure = {0};
    struct store store = {0};
    struct forecast_speed speed;
    int code = figure_init(&figure, chosen, results_folder(options), first_seed(options),
                           options->seeds, err);
    if (code == 0)
        code = store_open(&store, figure.out, err);
    if (code == 0)
        code = forecast_speed(&figure, &store, &speed, err);
    if (code == 0) {
        workers_figure_measured(workers, &figure, &speed);
        snprintf(workers->words, sizeof workers->words, "%s", speed.words);
    }
    store_close(&store);
    figure_release(&figure);
    if (code == ERR_CANNOT_RUN || code == ERR_BACKEND)
        err_prefix(err, "the speed of one worker is not known here; give it by --speed");
    return code;
}

static int print(const struct workers_figure *workers, const char *out, struct err *err)
{
    char *text = NULL, *stem = NULL;
    int code = workers_figure_text(workers, &text, err);
    if (code == 0) {
        fputs(text, stdout);
        fflush(stdout);
        code = workers_figure_draw(workers, share_folder(), out, &stem, err);
    }
    if (code == 0)
        printf("\ndrawn: %s.{png,svg,pdf}, points in %s.tsv\n", stem, stem);
    mem_free(text);
    mem_free(stem);
    return code;
}

static int refuse_study(const struct experiment *experiment, struct err *err)
{
    return experiment->study == NULL
               ? 0
               : err_set(err, ERR_USAGE, "%s measures and trains no runs", experiment->name);
}

int plan_workers(const struct command_options *options, struct err *err)
{
    struct workers_figure workers = {.words = "--speed"};
    struct experiment *experiment = NULL;
    const struct experiment_profile *profile = NULL;
    struct session_options chosen = session_choice(options);
    int code = workers_link_parse(options->link == NULL ? LINK : options->link, &workers.model.link,
                                  err);
    if (code == 0)
        code = workers_list_parse(options->workers, workers.list, &workers.count, err);
    if (code == 0)
        code = session_load(&chosen, &experiment, err);
    if (code == 0)
        code = refuse_study(experiment, err);
    if (code == 0) {
        profile = experiment_profile(experiment, options->profile, err);
        code = profile == NULL ? ERR_USAGE : 0;
    }
    if (code == 0)
        code = workers_figure_init(&workers, experiment, profile,
                                   options->speed > 0 ? options->speed : 1.0, err);
    if (code == 0 && options->speed <= 0)
        code = measure(&workers, options, &chosen, err);
    if (code == 0)
        code = print(&workers, results_folder(options), err);
    experiment_free(experiment);
    return code;
}
