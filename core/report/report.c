#include "report/report.h"

#include "base/err.h"
#include "base/mem.h"
#include "report/report_parts.h"

#include <stdio.h>
#include <string.h>

static const struct experiment_profile *profile_named(const struct experiment *experiment,
                                                      const char *name)
{
    for (size_t i = 0; name != NULL && i < experiment->profile_count; i++)
        if (strcmp(experiment->profiles[i].name, name) == 0)
            return &experiment->profiles[i];
    return NULL;
}

/* The profile of which a plan is shown: the one that is asked for; else, of a figure that trains,
 * the paper's; else the default one. */
static const struct experiment_profile *planned_profile(const struct report *report,
                                                        const struct experiment *experiment)
{
    const struct experiment_profile *profile = profile_named(experiment,
                                                             report->options->choice->profile);
    if (profile == NULL && !experiment->schedules_only)
        profile = profile_named(experiment, EXPERIMENT_PAPER);
    return profile == NULL ? profile_named(experiment, experiment->default_profile) : profile;
}

static int read_plan(struct report *report, struct report_figure *figure, struct err *err)
{
    const struct experiment *experiment = figure->experiment;
    figure->sets = mem_new(1, sizeof *figure->sets, err);
    if (figure->sets == NULL)
        return ERR_MEMORY;
    struct report_set *set = &figure->sets[figure->set_count++];
    set->found.facts.experiment = experiment;
    set->found.facts.profile = planned_profile(report, experiment);
    set->found.first = set->found.last = 1;
    return report_set_read(report, figure, set, err);
}

static int read_trained(struct report *report, struct report_figure *figure, struct err *err)
{
    struct result_sets sets = {0};
    int code = sets_find(&report->store, figure->experiment, &sets, err);
    if (code != 0)
        return code;
    figure->stale = sets.stale;
    snprintf(figure->stale_words, sizeof figure->stale_words, "%s", sets.stale_words);
    figure->sets = mem_new(sets.count, sizeof *figure->sets, err);
    code = figure->sets == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < sets.count && code == 0; i++) {
        if (!sets_fit(&sets.set[i], report->options->choice))
            continue;
        struct report_set *set = &figure->sets[figure->set_count++];
        set->found = sets.set[i];
        set->trained = 1;
        code = report_set_read(report, figure, set, err);
    }
    sets_release(&sets);
    if (code == 0 && figure->set_count == 0) {
        mem_free(figure->sets);
        code = read_plan(report, figure, err);
    }
    return code;
}

int report_read(struct report *report, const struct report_options *options, struct err *err)
{
    *report = (struct report){.options = options};
    report->figures = mem_new(options->count, sizeof *report->figures, err);
    int code = report->figures == NULL ? ERR_MEMORY : store_open(&report->store, options->out, err);
    for (size_t i = 0; i < options->count && code == 0; i++) {
        struct report_figure *figure = &report->figures[report->figure_count++];
        figure->experiment = options->experiments[i];
        figure->asked = options->asked[i];
        if (figure->experiment->study != NULL)
            code = report_studies_read(report, figure, err);
        else if (figure->experiment->schedules_only)
            code = read_plan(report, figure, err);
        else
            code = read_trained(report, figure, err);
    }
    if (code != 0)
        report_release(report);
    return code;
}

void report_release(struct report *report)
{
    for (size_t i = 0; i < report->figure_count; i++) {
        struct report_figure *figure = &report->figures[i];
        for (size_t s = 0; s < figure->set_count; s++)
            report_set_release(&figure->sets[s]);
        for (size_t s = 0; s < figure->study_count; s++)
            report_study_release(&figure->studies[s]);
        mem_free(figure->sets);
        mem_free(figure->studies);
    }
    mem_free(report->figures);
    store_close(&report->store);
    *report = (struct report){0};
}

void report_outcomes(const struct report *report, size_t outcomes[4])
{
    for (size_t i = 0; i < report->figure_count; i++)
        for (size_t s = 0; s < report->figures[i].set_count; s++)
            for (int outcome = 0; outcome < 4; outcome++)
                outcomes[outcome] += report->figures[i].sets[s].verdicts.outcomes[outcome];
}
