#include "report/tables.h"

#include "backend/names.h"
#include "base/err.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *tables_time(double seconds, char text[TABLES_TIME])
{
    int64_t whole = (int64_t)llround(seconds);
    if (seconds < 9.95)
        snprintf(text, TABLES_TIME, "%.1f s", seconds);
    else if (whole < 60)
        snprintf(text, TABLES_TIME, "%" PRId64 " s", whole);
    else if (whole < 3600)
        snprintf(text, TABLES_TIME, "%" PRId64 " min %" PRId64 " s", whole / 60, whole % 60);
    else
        snprintf(text, TABLES_TIME, "%" PRId64 " h %" PRId64 " min", whole / 3600,
                 whole % 3600 / 60);
    return text;
}

/* By its title, and its name too where another run has the same title. */
static void add_run(struct table *table, const struct experiment *experiment, size_t i)
{
    const struct experiment_run *run = &experiment->runs[i];
    size_t same = 0;
    for (size_t k = 0; k < experiment->run_count; k++)
        same += strcmp(experiment->runs[k].title, run->title) == 0;
    if (same > 1)
        table_add(table, "%s (%s)", run->title, run->name);
    else
        table_add(table, "%s", run->title);
}

int tables_updates(struct table *table, const struct report_set *set, struct err *err)
{
    static const char *const words[] = {"-", "agree", "differ"};
    const struct experiment *experiment = set->found.facts.experiment;
    int reduced = experiment_reduced(experiment, set->found.facts.profile);
    static const struct table_column all[] = {
        {.head = "Run", .share = .27},
        {.head = "At this profile", .numeric = 1},
        {.head = "At the paper's scale", .numeric = 1},
        {.head = "In the paper's words", .share = .33},
        {.head = "Plan and words"},
    };
    *table = (struct table){
        .kind = "updates",
        .title = "Parameter updates, by the plan",
        .note = reduced ? "The paper's words are held against its own scale; every finished log "
                          "has the number of this profile, or a verdict below says so."
                        : NULL};
    for (size_t c = 0; c < sizeof all / sizeof all[0]; c++)
        if (reduced || c != 1)
            table->column[table->columns++] = all[c];
    for (size_t i = 0; i < experiment->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        const struct report_curve *curve = &set->curve[i];
        add_run(table, experiment, i);
        if (reduced)
            table_add(table, "%" PRId64, curve->updates);
        table_add(table, "%" PRId64, curve->paper_updates);
        table_add(table, "%s", run->paper_words == NULL ? "-" : run->paper_words);
        table_add(table, "%s", words[curve->words]);
    }
    return table_check(table, err);
}

static void add_state(struct table *table, const struct report_set *set,
                      const struct report_curve *curve)
{
    int epochs = set->evidence.here[0].epochs;
    if (curve->begun > 0)
        table_add(table, "%zu done, %zu begun (%d of %d epochs)", curve->seeds, curve->begun,
                  curve->going_epochs, epochs);
    else if (curve->seeds == 0)
        table_add(table, "not done");
    else
        table_add(table, "%zu", curve->seeds);
}

int tables_accuracies(struct table *table, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    *table = (struct table){
        .kind = "accuracies",
        .title = "Final test accuracy",
        .note = "At the last epoch. The deviation is one sample standard deviation over the seeds; "
                "the paper's number is at its own scale.",
        .columns = 7,
        .column = {{.head = "Run", .share = .27},
                   {.head = "Seeds", .numeric = 1},
                   {.head = "Mean", .numeric = 1},
                   {.head = "Deviation", .numeric = 1},
                   {.head = "Lowest to highest", .numeric = 1},
                   {.head = "Training cross-entropy", .numeric = 1},
                   {.head = "In the paper", .numeric = 1}}};
    for (size_t i = 0; i < experiment->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        const struct report_curve *curve = &set->curve[i];
        add_run(table, experiment, i);
        add_state(table, set, curve);
        if (curve->seeds == 0) {
            for (int c = 0; c < 4; c++)
                table_add(table, "-");
        } else {
            table_add(table, "%.2f %%", 100 * curve->accuracy);
            if (curve->seeds == 1) {
                table_add(table, "-");
                table_add(table, "-");
            } else {
                table_add(table, "%.2f", 100 * curve->deviation);
                table_add(table, "%.2f to %.2f %%", 100 * curve->lowest, 100 * curve->highest);
            }
            table_add(table, "%.4f", curve->loss);
        }
        if (run->paper_accuracy > 0)
            table_add(table, "%.1f %%", 100 * run->paper_accuracy);
        else
            table_add(table, "-");
    }
    return table_check(table, err);
}

int tables_verdicts(struct table *table, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    *table = (struct table){.kind = "verdicts",
                            .title = "What the paper says of it, and whether it held",
                            .columns = 5,
                            .column = {{.head = "Verdict", .share = .13},
                                       {.head = "The paper", .share = .23},
                                       {.head = "Measured", .share = .29},
                                       {.head = "Needed", .share = .16},
                                       {.head = "Where the tolerance is from", .share = .19}}};
    for (size_t i = 0; i < set->verdicts.count; i++) {
        const struct claim *claim = &experiment->claims[i];
        const struct claim_verdict *verdict = &set->verdicts.verdicts[i];
        table_add(table, "%s", claim_outcome_word(verdict->outcome));
        if (claim->quote != NULL && strchr(claim->quote, '"') != NULL)
            table_add(table, "Section %s: \xe2\x80\x98%s\xe2\x80\x99", claim->section,
                      claim->quote);
        else if (claim->quote != NULL)
            table_add(table, "Section %s: \xe2\x80\x9c%s\xe2\x80\x9d", claim->section,
                      claim->quote);
        else
            table_add(table, "Drawn in %s: %s", claim->section, claim->drawn);
        table_add(table, "%s%s%s", verdict->measured,
                  verdict->power[0] == '\0' ? "" : ". Power: ", verdict->power);
        table_add(table, "%s", verdict->needed[0] == '\0' ? "-" : verdict->needed);
        table_add(table, "%s", claim->from);
    }
    return table_check(table, err);
}

static void add_fact(struct table *table, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    table_add(table, "%s", name);
    table_add(table, "%s", value);
}

static void add_data(struct table *table, const struct facts *facts)
{
    table_add(table, "Data");
    table_add(table, "%s: %" PRId64 " training and %" PRId64 " test images, digest %s; varied: %s",
              facts->data.title, facts_train_n(facts), facts->profile->test_n, facts->data.digest,
              facts->data.augment);
    table_add(table, "Backend");
    table_add(table, "%s %s%s%s%s", facts->backend.name, facts->backend.version,
              facts->backend.algorithms[0] == '\0' ? "" : ": ", facts->backend.algorithms,
              facts->backend.tuned ? "; algorithms chosen by trial" : "");
    table_add(table, "Precision");
    table_add(table, "%s", precision_name(facts->backend.precision));
    table_add(table, "Threads");
    if (facts->backend.any_threads)
        table_add(table, "any number gives the same bits");
    else
        table_add(table, "%d", facts->backend.threads);
}

static void add_time(struct table *table, const struct report_set *set)
{
    const struct origin *origin = &set->origin;
    char text[TABLES_TIME];
    table_add(table, "Time");
    table_add(table, "%s of training and evaluation in %zu run%s, %zu session%s, %s%s%s",
              tables_time(origin->seconds, text), set->found.done, set->found.done == 1 ? "" : "s",
              origin->sessions, origin->sessions == 1 ? "" : "s", origin->first,
              strcmp(origin->first, origin->last) == 0 ? "" : " to ",
              strcmp(origin->first, origin->last) == 0 ? "" : origin->last);
}

int tables_origin(struct table *table, const struct report_set *set, struct err *err)
{
    const struct facts *facts = &set->found.facts;
    *table = (struct table){
        .kind = "origin",
        .title = "Where it comes from",
        .columns = 2,
        .column = {{.head = "What", .share = .16}, {.head = "How it was", .share = .84}}};
    table_add(table, "Profile");
    table_add(table, "%s: %s", facts->profile->name, facts->profile->words);
    add_fact(table, "Network", facts->profile->network);
    if (set->trained)
        add_data(table, facts);
    add_fact(table, "Conventions",
             set->conventions[0] == '\0' ? "the defaults, under which the paper's counts are true"
                                         : set->conventions);
    if (set->trained) {
        table_add(table, "Runs");
        table_add(table, "%zu of %zu done", set->found.done, set->wanted);
        add_fact(table, "Program", set->origin.programs);
        add_fact(table, "Compiler", set->origin.compilers);
        add_fact(table, "Library", set->origin.libraries);
        add_fact(table, "Machine", set->origin.machines);
        add_time(table, set);
    }
    add_fact(table, "Again", set->command);
    table_mark_code(table);
    return table_check(table, err);
}

/* The last part of a path. */
static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int tables_runs(struct table *table, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    char text[TABLES_TIME];
    *table = (struct table){.kind = "runs",
                            .title = "The runs, by their folders",
                            .columns = 5,
                            .column = {{.head = "Folder", .share = .5},
                                       {.head = "Run", .share = .3},
                                       {.head = "Seed", .numeric = 1},
                                       {.head = "Accuracy", .numeric = 1},
                                       {.head = "Time", .numeric = 1}}};
    for (size_t i = 0; i < set->curves.count; i++)
        for (size_t s = 0; s < set->curves.curve[i].count; s++) {
            struct stored *run = set->curves.curve[i].seeds[s];
            const struct runlog *log = NULL;
            double seconds = 0;
            int code = stored_log(run, &log, err);
            if (code != 0)
                return code;
            for (size_t r = 0; r < log->count; r++)
                seconds += log->rows[r].seconds;
            table_add(table, "%s", base_of(run->folder));
            table_mark_code(table);
            table_add(table, "%s", experiment->runs[i].name);
            table_add(table, "%" PRIu64, stored_seed(run));
            table_add(table, "%.2f %%", 100 * log->rows[log->count - 1].test_accuracy);
            table_add(table, "%s", tables_time(seconds, text));
        }
    return table_check(table, err);
}
