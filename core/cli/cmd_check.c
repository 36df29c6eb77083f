/* repro check FIGURE: which of the paper's sentences held, by the plan and by what is trained. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/say.h"
#include "judge/evidence.h"
#include "judge/verdicts.h"
#include "results/sets.h"

#include <stdio.h>

/* Beside the figure, where there are results at all. */
static int keep(const struct verdicts *verdicts, const struct store *store,
                const struct facts *facts, const char *out, struct err *err)
{
    char apart[9] = "", *stem = NULL, *path = NULL;
    int code = 0;
    if (!file_exists(out) || (verdicts->data == NULL && !facts->experiment->schedules_only))
        return 0;
    if (!facts->experiment->schedules_only)
        code = sets_apart(store, facts, apart, err);
    if (code == 0 && (stem = facts_stem(facts, apart, err)) != NULL)
        path = mem_format(err, "%s/%s-claims.tsv", out, stem);
    if (code == 0)
        code = path == NULL ? ERR_MEMORY : verdicts_write(verdicts, path, err);
    if (code == 0)
        say("kept: %s\n", path);
    mem_free(stem);
    mem_free(path);
    return code;
}

static void say_verdicts(const struct verdicts *verdicts, const struct facts *facts)
{
    const struct experiment *experiment = facts->experiment;
    for (size_t i = 0; i < verdicts->count; i++) {
        const struct claim *claim = &experiment->claims[i];
        const struct claim_verdict *verdict = &verdicts->verdicts[i];
        say_event("verdict", "{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "figure",
                  say_text(experiment->name), "profile", say_text(facts->profile->name), "section",
                  say_text(claim->section), "claim",
                  say_text(claim->quote == NULL ? claim->drawn : claim->quote), "verdict",
                  claim_outcome_word(verdict->outcome), "measured", say_text(verdict->measured),
                  "needed", say_text(verdict->needed), "from", say_text(claim->from), "power",
                  say_text(verdict->power));
    }
}

int judge_claims(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                 const char *out, int *status, struct err *unkept, struct err *err)
{
    struct evidence evidence = {0};
    struct verdicts verdicts = {0};
    char *text = NULL, label[FACTS_LABEL];
    const struct experiment *experiment = facts->experiment;
    *status = EXIT_DONE;
    if (experiment->claim_count == 0)
        return 0;
    int code = evidence_load(store, facts, first, seeds == 0 ? EVIDENCE_SEEDS : seeds, &evidence,
                             err);
    if (code == 0 && experiment->schedules_only)
        code = verdicts_judge(&verdicts, &evidence.claims, "-", "-", err);
    else if (code == 0 && store == NULL)
        code = verdicts_judge(&verdicts, &evidence.claims, NULL, NULL, err);
    else if (code == 0)
        code = verdicts_judge(&verdicts, &evidence.claims, facts->data.name,
                              facts_label(&facts->backend, label), err);
    if (code == 0)
        code = verdicts_text(&verdicts, &text, err);
    if (code == 0) {
        if (say_mode() != SAY_EVENTS)
            fputs(text, stdout);
        say_verdicts(&verdicts, facts);
        if (verdicts.outcomes[CLAIM_FAILS] > 0)
            *status = EXIT_CLAIM_FAILED;
        code = keep(&verdicts, store, facts, out, unkept);
        if (code != 0 && code != ERR_IO) {
            *err = *unkept;
            unkept->code = 0;
        } else {
            code = 0;
        }
    }
    mem_free(text);
    verdicts_release(&verdicts);
    evidence_release(&evidence);
    return code;
}

/* Verdicts decide how `check` ends; that they cannot be kept beside results that somebody else owns
 * is a note. */
static int judge(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                 const char *out, int *status, struct err *err)
{
    struct err unkept = {0};
    int code = judge_claims(store, facts, first, seeds, out, status, &unkept, err);
    if (code == 0 && unkept.code != 0) {
        fflush(stdout);
        fprintf(stderr, "repro: the verdicts are not kept: %s\n", unkept.text);
    }
    return code;
}

/* By the plan alone: nothing is trained, or nothing needs to be. */
static int check_plan(const struct command_options *options, const struct experiment *experiment,
                      int *status, struct err *err)
{
    const char *name = options->profile == NULL ? experiment->default_profile : options->profile;
    struct facts facts = {.experiment = experiment};
    facts.profile = experiment_profile(experiment, name, err);
    return facts.profile == NULL ? ERR_USAGE
                                 : judge(NULL, &facts, 1, 1, results_folder(options), status, err);
}

/* Seeds from --seed on, --seeds of them; else every one of the set. */
static int check_set(const struct command_options *options, struct store *store,
                     const struct result_set *set, int *status, struct err *err)
{
    uint64_t first = options->seed == 0 ? set->first : options->seed;
    size_t seeds = options->seeds;
    if (seeds == 0 && set->last >= first && set->last - first < SETS_SEEDS)
        seeds = (size_t)(set->last - first) + 1;
    return judge(store, &set->facts, first, seeds, results_folder(options), status, err);
}

static int check(const struct command_options *options, const struct experiment *experiment,
                 int *status, struct err *err)
{
    struct store store = {0};
    struct result_set set;
    int found = 0;
    if (experiment->claim_count == 0) {
        printf("%s states no claims\n", experiment->path);
        return 0;
    }
    if (experiment->schedules_only)
        return check_plan(options, experiment, status, err);
    int code = store_open(&store, results_folder(options), err);
    if (code == 0)
        code = choose_results(options, experiment, &store, &set, &found, err);
    if (code == 0)
        code = found ? check_set(options, &store, &set, status, err)
                     : check_plan(options, experiment, status, err);
    store_close(&store);
    return code;
}

int command_check(int argc, char **argv)
{
    struct command_options options = {0};
    struct err err = {0};
    struct experiment *experiment = NULL;
    int status = EXIT_DONE;
    options_parse(
        argc, argv, "FIGURE",
        "Judges the paper's claims behind a figure: numbers of updates by the plan, the "
        "rest by the runs under --out that are done.  Needs neither data nor backend.  Where there "
        "are results of several profiles, backends, precisions or threads it lists them: name one "
        "by the options.  Every finished seed counts, from --seed on, or --seeds of them.  Trains "
        "nothing.",
        1, &options);
    struct session_options chosen = session_choice(&options);
    int code = session_load(&chosen, &experiment, &err);
    if (code == 0)
        code = check(&options, experiment, &status, &err);
    experiment_free(experiment);
    return code == 0 ? status : report_error(&err);
}
