/* repro runs FIGURE, repro run ID: the runs behind a figure one by one, for a batch system. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/run_id.h"
#include "lab/bench.h"
#include "lab/figure.h"
#include "train/ranks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- runs ---- */

/* An earlier run of the figure has the same identity: training that one is enough. */
static int is_twin(const struct figure *figure, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (strcmp(figure->runs[i].hash, figure->runs[number].hash) == 0)
            return 1;
    return 0;
}

static const char *status_word(enum run_status status)
{
    return status == RUN_DONE ? "done" : status == RUN_PARTIAL ? "begun" : "new";
}

static int print_runs(struct command_options *options, struct err *err)
{
    struct figure figure = {0};
    struct session_options chosen = session_choice(options);
    int code = figure_init(&figure, &chosen, results_folder(options), first_seed(options),
                           options->seeds == 0 ? 1 : options->seeds, err);
    for (size_t i = 0; code == 0 && i < figure.seed_count * figure.run_count; i++) {
        const struct run *run = &figure.runs[i];
        double flop = bench_flop(&figure.session.net) * (double)schedule_images(&run->schedule);
        if (!is_twin(&figure, i))
            printf("%s/%s/%s/%" PRIu64 "\t%s\t%.4g TFLOP\n", options->figure,
                   run->facts->profile->name, run->what->name, run->seed, status_word(run->status),
                   flop / 1e12);
    }
    figure_release(&figure);
    return code;
}

int command_runs(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    options_parse(argc, argv, "FIGURE",
                  "Prints one line for every run behind a figure: its id, whether it is done, "
                  "begun or new under --out, and the arithmetic that it takes from the start.  "
                  "`repro run ID` trains one.  Runs of one identity are printed once.",
                  1, &options);
    return print_runs(&options, &err) == 0 ? EXIT_DONE : report_error(&err);
}

/* ---- run ---- */

static int find_run(const struct figure *figure, const struct run_id *id, struct run **out,
                    struct err *err)
{
    for (size_t i = 0; i < figure->run_count; i++)
        if (strcmp(figure->runs[i].what->name, id->name) == 0) {
            *out = &figure->runs[i];
            return 0;
        }
    return err_set(err, ERR_USAGE, "run: %s has no run '%s'; `repro runs %s` names them",
                   id->figure, id->name, id->figure);
}

static int train_one(const struct command_options *options, struct figure *figure,
                     const struct run_id *id, struct err *err)
{
    struct ranks *ranks = options->together;
    struct run *run = NULL;
    int code = find_run(figure, id, &run, err);
    if (code == 0 && ranks_is_first(ranks))
        code = file_make_folders(figure->out, err);
    code = ranks_agree(ranks, code, err);
    if (code == 0)
        code = train_figure(options, figure, run, err);
    return code;
}

static int make_run(struct command_options *options, int *status, struct err *err)
{
    struct figure figure = {0};
    struct run_id id = {0};
    *status = EXIT_DONE;
    char *text = mem_string(options->figure, err);
    int code = text == NULL ? ERR_MEMORY : run_id_parse(text, "run", &id, err);
    if (code == 0 && (options->profile != NULL || options->seed != 0 || options->seeds != 0 ||
                      options->jobs != 0))
        code = err_set(err, ERR_USAGE,
                       "run: the id says profile and seed, and it is one run; leave out "
                       "--profile, --seed, --seeds and --jobs");
    code = ranks_agree(options->together, code, err);
    if (code == 0) {
        struct command_options one = *options;
        one.figure = id.figure;
        one.profile = id.profile;
        struct session_options chosen = session_choice(&one);
        code = figure_init(&figure, &chosen, results_folder(&one), id.seed, 1, err);
    }
    if (code == 0) {
        print_head(&figure);
        code = train_one(options, &figure, &id, err);
        figure_release(&figure);
    }
    mem_free(text);
    return code;
}

int command_run(int argc, char **argv)
{
    struct command_options options = {0};
    options_parse_training(
        argc, argv, "ID",
        "Trains one run, or goes on with it, and draws nothing: " RUN_ID_USAGE ".  The other "
        "options are those of `repro FIGURE`, which draws the figure when all are done.",
        1, &options);
    return work_together(&options, make_run);
}
