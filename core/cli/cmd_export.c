/* repro export FIGURE|ID: finished runs and schedules for other programs. */
#include "cli/backend_rows.h"
#include "cli/command.h"
#include "cli/export_schedules.h"
#include "cli/options.h"
#include "cli/run_id.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "export/curves.h"
#include "export/events.h"
#include "export/weights.h"
#include "results/curves.h"
#include "results/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The places of their names, from 1. */
enum { AS_WEIGHTS = 1, AS_CURVES, AS_TENSORBOARD, AS_SCHEDULE };
static const char *const kinds[] = {"weights", "curves", "tensorboard", "schedule"};

struct request {
    struct command_options options; /* first: the rows that choose the arithmetic count on it */
    int kind;
    const char *to;
    const char *run; /* of an id; NULL: every run of the figure */
};

#define FIELD(name) offsetof(struct request, name)
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct option_row rows[] = {
    {.name = "as",
     .letter = 'a',
     .argument = "WHAT",
     .help = "weights: parameters for PyTorch, as safetensors with the module that loads them; "
             "curves: the logs as CSV and JSON; tensorboard: the logs as event files; schedule: "
             "learning rates and batch sizes for PyTorch, Keras, bs-scheduler and Megatron-LM",
     .kind = OPTION_CHOICE,
     .offset = FIELD(kind),
     .names = kinds,
     .name_count = COUNT_OF(kinds)},
    {.name = "to",
     .argument = "DIR",
     .help = "where it is written (default: OUT/export)",
     .kind = OPTION_TEXT,
     .offset = FIELD(to)},
    {.name = "out",
     .letter = 'o',
     .argument = "DIR",
     .help = "where the results are (default: results)",
     .kind = OPTION_TEXT,
     .offset = FIELD(options.out)},
    {.name = "profile",
     .letter = 'p',
     .argument = "NAME",
     .help = "of which profile (default: the one there are results of; of schedules the "
             "experiment's own)",
     .kind = OPTION_TEXT,
     .offset = FIELD(options.profile)},
    {.name = "data",
     .letter = 'd',
     .argument = "NAME",
     .help = "of which data set, by name or folder",
     .kind = OPTION_TEXT,
     .offset = FIELD(options.data)},
    {.name = "seed",
     .letter = 's',
     .argument = "N",
     .help = "of this seed alone, or the first of --seeds (default: every one there is)",
     .kind = OPTION_INT64,
     .offset = FIELD(options.seed),
     .low = 1,
     .high = INT64_MAX},
    {.name = "seeds",
     .letter = 'k',
     .argument = "K",
     .help = "how many seeds from --seed on",
     .kind = OPTION_SIZE,
     .offset = FIELD(options.seeds),
     .low = 1,
     .high = SETS_SEEDS},
    {.name = "set",
     .argument = "ID",
     .help = "of results, as `repro check` lists them",
     .kind = OPTION_TEXT,
     .offset = FIELD(options.set)},
    {.name = "convention",
     .letter = 'C',
     .argument = "NAME=VALUE,...",
     .help = "those of the runs, as `repro FIGURE` takes them",
     .kind = OPTION_TEXT,
     .offset = FIELD(options.conventions)},
    BACKEND_ROWS(struct command_options, "of results computed by so many CPU threads"),
};

static const struct option_table table = {
    .usage = "FIGURE|ID",
    .about =
        "Writes finished runs of a figure, or one run, for other programs: parameters, curves, "
        "event files, and the schedules, which need no run.  Reads results alone; trains "
        "nothing.  " RUN_ID_USAGE ".",
    .rows = rows,
    .count = COUNT_OF(rows),
    .operands = OPTION_OPERANDS_ONE,
    .operand_offset = FIELD(options.figure),
    .operand_missing = "which figure? `repro list` names them"};

/* ---- Runs ---- */

/* One folder a run. */
static int export_one(const struct request *request, const struct export_run *run, const char *to,
                      struct err *err)
{
    char *name = export_name(run, err);
    char *folder = name == NULL ? NULL
                                : mem_format(err, "%s/%s/%s", to, kinds[request->kind - 1], name);
    int code = folder == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = request->kind == AS_WEIGHTS ? export_weights(run, share_folder(), folder, err)
                                           : export_events(run, folder, err);
    if (code == 0)
        printf("exported: %s\n", folder);
    mem_free(folder);
    mem_free(name);
    return code;
}

/* All of them in one table. */
static int export_table(const struct request *request, const struct export_run *runs, size_t count,
                        const struct store *store, const char *to, struct err *err)
{
    char apart[9] = "";
    int code = sets_apart(store, runs->facts, apart, err);
    char *name = code != 0              ? NULL
                 : request->run != NULL ? export_name(runs, err)
                                        : facts_stem(runs->facts, apart, err);
    char *stem = name == NULL ? NULL : mem_format(err, "%s/%s", to, name);
    code = code == 0 && stem == NULL ? ERR_MEMORY : code;
    if (code == 0)
        code = file_make_folders(to, err);
    if (code == 0)
        code = export_curves(runs, count, stem, err);
    if (code == 0)
        printf("exported: %s.{csv,json}, %zu run%s\n", stem, count, count == 1 ? "" : "s");
    mem_free(stem);
    mem_free(name);
    return code;
}

/* The finished runs that are asked for; runs has room for all. */
static int list_runs(const struct request *request, const struct facts *facts,
                     const struct curves *curves, struct export_run *runs, size_t *count,
                     struct err *err)
{
    const struct experiment *experiment = facts->experiment;
    int code = 0;
    for (size_t i = 0; code == 0 && i < curves->count; i++) {
        const struct experiment_run *what = &experiment->runs[i];
        struct schedule schedule;
        if (request->run != NULL && strcmp(request->run, what->name) != 0)
            continue;
        code = experiment_schedule(experiment, facts->profile, what, &schedule, err);
        for (size_t s = 0; code == 0 && s < curves->curve[i].count; s++) {
            struct stored *stored = curves->curve[i].seeds[s];
            runs[(*count)++] = (struct export_run){facts, what, schedule, stored_seed(stored),
                                                   stored};
        }
    }
    if (code == 0 && *count == 0)
        code = err_set(err, ERR_INPUT,
                       "%s: no finished run of %s with that seed under '%s'; `repro runs %s` says "
                       "which there are",
                       experiment->name, request->run == NULL ? "it" : request->run,
                       results_folder(&request->options), experiment->name);
    return code;
}

static int export_set(const struct request *request, const struct store *store,
                      const struct result_set *set, const char *to, struct err *err)
{
    const struct command_options *options = &request->options;
    uint64_t first = options->seed == 0 ? set->first : options->seed;
    size_t seeds = options->seeds, count = 0;
    struct curves curves = {0};
    struct export_run *runs = NULL;
    if (seeds == 0)
        seeds = options->seed != 0                    ? 1
                : set->last - set->first < SETS_SEEDS ? (size_t)(set->last - set->first) + 1
                                                      : SETS_SEEDS;
    int code = curves_find(store, &set->facts, first, seeds, &curves, err);
    if (code == 0) {
        runs = mem_new(curves.count * seeds, sizeof *runs, err);
        code = runs == NULL ? ERR_MEMORY
                            : list_runs(request, &set->facts, &curves, runs, &count, err);
    }
    if (code == 0 && request->kind == AS_CURVES)
        code = export_table(request, runs, count, store, to, err);
    for (size_t i = 0; code == 0 && request->kind != AS_CURVES && i < count; i++)
        code = export_one(request, &runs[i], to, err);
    mem_free(runs);
    curves_release(&curves);
    return code;
}

static int export_results(const struct request *request, const struct experiment *experiment,
                          const char *to, struct err *err)
{
    struct store store = {0};
    struct result_set set;
    const char *out = results_folder(&request->options);
    int found = 0;
    if (experiment->schedules_only || experiment->study != NULL)
        return err_set(err, ERR_USAGE, "%s trains nothing: of its runs only --as schedule is there",
                       experiment->name);
    int code = store_open(&store, out, err);
    if (code == 0)
        code = choose_results(&request->options, experiment, &store, &set, &found, err);
    if (code == 0 && !found)
        code = err_set(err, ERR_INPUT,
                       "%s: no finished run under '%s'; `repro %s` trains them, --out names "
                       "another folder",
                       experiment->name, out, experiment->name);
    if (code == 0)
        code = export_set(request, &store, &set, to, err);
    store_close(&store);
    return code;
}

/* Of an operand with slashes that is no file: an id. */
static int take_id(struct request *request, char **text, struct err *err)
{
    struct command_options *options = &request->options;
    struct run_id id;
    if (strchr(options->figure, '/') == NULL || file_exists(options->figure))
        return 0;
    *text = mem_string(options->figure, err);
    int code = *text == NULL ? ERR_MEMORY : run_id_parse(*text, "export", &id, err);
    if (code == 0 && (options->profile != NULL || options->seed != 0 || options->seeds != 0))
        code = err_set(err, ERR_USAGE,
                       "export: the id says profile and seed, and it is one run; leave out "
                       "--profile, --seed and --seeds");
    if (code != 0)
        return code;
    options->figure = id.figure;
    options->profile = id.profile;
    options->seed = id.seed;
    request->run = id.name;
    return 0;
}

static int work(struct request *request, struct err *err)
{
    struct experiment *experiment = NULL;
    char *text = NULL, *to = NULL;
    if (request->kind == 0)
        return err_set(err, ERR_USAGE,
                       "export: as what? --as weights, curves, tensorboard or schedule");
    int code = take_id(request, &text, err);
    if (code == 0) {
        struct session_options chosen = session_choice(&request->options);
        code = session_load(&chosen, &experiment, err);
    }
    if (code == 0 && request->run != NULL && experiment_run(experiment, request->run, err) == NULL)
        code = ERR_USAGE;
    if (code == 0) {
        to = request->to != NULL ? mem_string(request->to, err)
                                 : mem_format(err, "%s/export", results_folder(&request->options));
        code = to == NULL ? ERR_MEMORY : 0;
    }
    if (code == 0)
        code = request->kind == AS_SCHEDULE
                   ? export_schedules(experiment, request->options.profile, request->run, to, err)
                   : export_results(request, experiment, to, err);
    mem_free(to);
    experiment_free(experiment);
    mem_free(text);
    return code;
}

int command_export(int argc, char **argv)
{
    struct request request = {0};
    struct err err = {0};
    option_table_parse(&table, argc, argv, &request);
    return work(&request, &err) == 0 ? EXIT_DONE : report_error(&err);
}
