/* repro plot FIGURE: draws a figure again from results alone. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "draw/drawing.h"
#include "draw/noise.h"
#include "draw/study.h"
#include "results/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int draw(const struct drawing *drawing, struct err *err)
{
    char *stem = NULL, *noise = NULL;
    int code = file_make_folders(drawing->out, err);
    if (code == 0)
        code = drawing_make(drawing, &stem, err);
    if (code == 0)
        printf("drawn: %s.{png,svg,pdf}, points in %s.tsv\n", stem, stem);
    if (code == 0)
        code = noise_draw(drawing, &noise, err);
    if (code == 0 && noise != NULL)
        printf("drawn: %s.{png,svg,pdf}, the measured noise, points in %s.tsv\n", noise, noise);
    mem_free(stem);
    mem_free(noise);
    return code;
}

static int plot_schedules(const struct command_options *options,
                          const struct experiment *experiment, struct err *err)
{
    const char *name = options->profile == NULL ? experiment->default_profile : options->profile;
    struct facts facts = {.experiment = experiment};
    facts.profile = experiment_profile(experiment, name, err);
    struct drawing drawing = {
        .facts = &facts, .seeds = 1, .share = share_folder(), .out = results_folder(options)};
    return facts.profile == NULL ? ERR_USAGE : draw(&drawing, err);
}

/* --seed and --seeds, else all seeds that are whole. */
static int choose_seeds(const struct command_options *options, const struct result_set *set,
                        struct drawing *drawing, struct err *err)
{
    const char *name = set->facts.experiment->name;
    int one_row = set->whole > 0 && set->whole_last - set->whole_first + 1 == set->whole;
    if (options->seed != 0 || options->seeds != 0) {
        drawing->first_seed = options->seed == 0 ? 1 : options->seed;
        drawing->seeds = options->seeds == 0 ? 1 : options->seeds;
        return 0;
    }
    drawing->first_seed = one_row ? set->whole_first : set->first;
    drawing->seeds = one_row ? set->whole : 1;
    if (set->whole > 0 && !one_row)
        return err_set(err, ERR_USAGE,
                       "%s: %zu of the seeds %" PRIu64 " to %" PRIu64 " are whole, with gaps; "
                       "name some by --seed and --seeds",
                       name, set->whole, set->whole_first, set->whole_last);
    return 0; /* where none is whole, drawing says which run is not done */
}

static int plot_set(const struct command_options *options, const struct store *store,
                    const struct result_set *set, struct err *err)
{
    struct curves curves = {0};
    char apart[9] = "";
    struct drawing drawing = {.facts = &set->facts,
                              .curves = &curves,
                              .apart = apart,
                              .share = share_folder(),
                              .out = results_folder(options)};
    int code = choose_seeds(options, set, &drawing, err);
    if (code == 0)
        code = curves_find(store, &set->facts, drawing.first_seed, drawing.seeds, &curves, err);
    if (code == 0)
        code = sets_apart(store, &set->facts, apart, err);
    if (code == 0)
        code = draw(&drawing, err);
    curves_release(&curves);
    return code;
}

static int plot_trained(const struct command_options *options, const struct experiment *experiment,
                        struct err *err)
{
    struct store store = {0};
    struct result_set set;
    int found = 0, code = store_open(&store, results_folder(options), err);
    if (code == 0)
        code = choose_results(options, experiment, &store, &set, &found, err);
    if (code == 0 && !found)
        code = err_set(err, ERR_INPUT,
                       "%s: no finished run under '%s'; `repro %s` trains them, --out names "
                       "another folder",
                       experiment->name, store.out, experiment->name);
    if (code == 0)
        code = plot_set(options, &store, &set, err);
    store_close(&store);
    return code;
}

/* Whether a stem is of what the options name: NAME-PROFILE-DATA-BACKEND-sSEED. */
static int fits(const struct command_options *options, const struct experiment *experiment,
                const char *stem)
{
    char part[160];
    const char *rest = stem + strlen(experiment->name);
    int fit = 1;
    if (options->profile != NULL) {
        snprintf(part, sizeof part, "-%.100s-", options->profile);
        fit &= strncmp(rest, part, strlen(part)) == 0;
    }
    if (options->backend != NULL) {
        snprintf(part, sizeof part, "-%.100s-", options->backend);
        fit &= strstr(rest, part) != NULL;
    }
    if (options->seed != 0) {
        snprintf(part, sizeof part, "-s%" PRIu64, options->seed);
        fit &= strlen(rest) > strlen(part) && strcmp(rest + strlen(rest) - strlen(part), part) == 0;
    }
    return fit;
}

static int plot_study(const struct command_options *options, const struct experiment *experiment,
                      struct err *err)
{
    char **stems = NULL, *stem = NULL, *caption = NULL;
    const char *out = results_folder(options), *chosen = NULL;
    size_t count = 0, fitting = 0;
    int code = study_stems(experiment, out, &stems, &count, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (fits(options, experiment, stems[i])) {
            chosen = stems[i];
            fitting++;
        }
    for (size_t i = 0; code == 0 && fitting > 1 && i < count; i++)
        fprintf(stderr, "    %s\n", stems[i]);
    if (code == 0 && fitting != 1)
        code = err_set(err, fitting == 0 ? ERR_INPUT : ERR_USAGE,
                       fitting == 0 ? "%s: no results under '%s'; `repro %s` measures them"
                                    : "%s: several results under '%s'; name one of the above by "
                                      "--profile, --backend or --seed of `repro plot %s`",
                       experiment->name, out, experiment->name);
    if (code == 0) {
        stem = mem_format(err, "%s/%s", out, chosen);
        caption = mem_format(err, "Drawn from the tables of %s.", chosen);
        code = stem == NULL || caption == NULL ? ERR_MEMORY : 0;
    }
    if (code == 0)
        code = study_redraw(experiment, share_folder(), stem, caption, err);
    if (code == 0)
        printf("drawn: %s.{png,svg,pdf}\n", stem);
    mem_free(stem);
    mem_free(caption);
    study_stems_free(stems, count);
    return code;
}

int command_plot(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    struct experiment *experiment = NULL;
    options_parse(argc, argv, "FIGURE",
                  "Draws a figure again from the results under --out.  Needs neither data nor "
                  "backend.  Where there are results of several profiles, backends, precisions or "
                  "threads it lists them: name one by the options.  All seeds that are whole are "
                  "drawn, or --seeds of them from --seed on.  Trains nothing.",
                  1, &options);
    struct session_options chosen = session_choice(&options);
    int code = session_load(&chosen, &experiment, &err);
    if (code == 0 && experiment->schedules_only)
        code = plot_schedules(&options, experiment, &err);
    else if (code == 0 && experiment->study != NULL)
        code = plot_study(&options, experiment, &err);
    else if (code == 0)
        code = plot_trained(&options, experiment, &err);
    experiment_free(experiment);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
