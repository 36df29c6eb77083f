/* repro FIGURE: train what is missing, resume what was cut off, draw. */
#include "cli/command.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/say.h"
#include "lab/figure.h"
#include "base/statistics.h"
#include "results/store.h"
#include "train/ranks.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Once, and where something is to be trained. */
static void say_slow(const struct figure *figure)
{
    const struct session *session = &figure->session;
    for (size_t i = 0; i < figure->seed_count * figure->run_count; i++)
        if (figure->runs[i].status != RUN_DONE) {
            report_slow(session->backend.name, &session->caps, session->facts.backend.precision);
            return;
        }
}

/* The last epoch of one curve, over its seeds. */
struct result {
    int64_t updates;
    double accuracy, deviation, loss; /* mean, sample standard deviation, mean */
};

static int read_result(const struct figure *figure, const struct store *store, size_t curve,
                       struct result *result, struct err *err)
{
    double accuracies[FIGURE_SEED_MAX], loss = 0.0;
    for (size_t s = 0; s < figure->seed_count; s++) {
        const struct runlog *log = NULL;
        const struct run *run = figure_run(figure, s, curve);
        struct stored *stored = store_find(store, run->hash);
        if (stored == NULL)
            return err_set(err, ERR_IO, "%s: is gone", run->folder);
        int code = stored_log(stored, &log, err);
        if (code != 0)
            return code;
        const struct runlog_row *last = &log->rows[log->count - 1];
        accuracies[s] = last->test_accuracy;
        loss += last->train_loss;
        result->updates = last->updates;
    }
    result->accuracy = statistics_mean(accuracies, figure->seed_count);
    result->deviation = sqrt(statistics_variance(accuracies, figure->seed_count));
    result->loss = loss / (double)figure->seed_count;
    return 0;
}

static void print_result(const struct figure *figure, size_t curve, const struct result *result)
{
    const struct experiment_run *what = &figure->session.experiment->runs[curve];
    char paper[16] = "-", accuracy[40];
    say_event("result", "{s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "figure",
              say_text(figure->session.experiment->name), "run", say_text(what->name), "seeds",
              (json_int_t)figure->seed_count, "updates", (json_int_t)result->updates,
              "test_accuracy", say_number(result->accuracy), "deviation",
              figure->seed_count > 1 ? say_number(result->deviation) : json_null(), "train_loss",
              say_number(result->loss), "paper_accuracy",
              what->paper_accuracy > 0.0 ? say_number(what->paper_accuracy) : json_null());
    if (what->paper_accuracy > 0.0)
        snprintf(paper, sizeof paper, "%.1f %%", 100.0 * what->paper_accuracy);
    if (figure->seed_count > 1)
        snprintf(accuracy, sizeof accuracy, "%.2f +- %.2f %%", 100.0 * result->accuracy,
                 100.0 * result->deviation);
    else
        snprintf(accuracy, sizeof accuracy, "%.2f %%", 100.0 * result->accuracy);
    say("%-32s %9" PRId64 " %20s %15.4f %12s\n", what->name, result->updates, accuracy,
        result->loss, paper);
}

/* Every log is read before the first line is printed: half a table would pass for a whole one. */
static int print_results(const struct figure *figure, const struct store *store, struct err *err)
{
    struct result *results = mem_new(figure->run_count, sizeof *results, err);
    int code = results == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; code == 0 && i < figure->run_count; i++)
        code = read_result(figure, store, i, &results[i], err);
    if (code == 0)
        say("\n%-32s %9s %20s %15s %12s\n", "run", "updates", "final accuracy", "cross-entropy",
            "in the paper");
    for (size_t i = 0; code == 0 && i < figure->run_count; i++)
        print_result(figure, i, &results[i]);
    mem_free(results);
    if (code != 0)
        return code;
    if (figure->seed_count > 1)
        say("Means of %zu seeds; +- is one sample standard deviation.\n", figure->seed_count);
    if (!experiment_is_paper(figure->session.facts.experiment, figure->session.facts.profile))
        say("The paper's figures are for its own scale; this is profile %s.\n",
            figure->session.facts.profile->name);
    return 0;
}

/* What is said where ranks share the work; more of them than groups have nothing to do. */
static void ranks_text(const struct session *session, char *text, size_t size)
{
    int groups = session->experiment->groups, ranks = session->ranks->count, idle = ranks - groups;
    int used = snprintf(text, size, ", %d ranks", ranks);
    if (idle > 0)
        snprintf(text + used, size - (size_t)used,
                 ", of which %d %s idle: a batch is summed in %d groups", idle,
                 idle == 1 ? "is" : "are", groups);
}

static void say_own_files(const struct facts_data *data)
{
    if (data->own_files > 0)
        say_notice("%d of the files that were read %s not the published %s; captions and manifests "
                   "say \"%s\"",
                   data->own_files, data->own_files == 1 ? "is" : "are", data->name, data->title);
}

void print_head(const struct figure *figure)
{
    const struct session *session = &figure->session;
    const struct facts *facts = &session->facts;
    char text[BACKEND_DEVICE_TEXT], label[FACTS_LABEL], jobs[120] = "";
    say_event("figure_begun", "{s:o, s:o, s:o, s:o, s:i, s:i, s:I}", "figure",
              say_text(facts->experiment->name), "profile", say_text(facts->profile->name), "data",
              facts->experiment->schedules_only ? json_null() : say_text(facts->data.name),
              "backend",
              facts->experiment->schedules_only ? json_null()
                                                : say_text(facts_label(&facts->backend, label)),
              "jobs", session->jobs > 1 ? session->jobs : 1, "ranks",
              ranks_are_several(session->ranks) ? session->ranks->count : 1, "runs",
              (json_int_t)(figure->seed_count * figure->run_count));
    if (facts->experiment->schedules_only) {
        say("%s, profile %s: schedules, nothing to train\n", facts->experiment->name,
            facts->profile->name);
        return;
    }
    if (session->jobs > 1)
        snprintf(jobs, sizeof jobs, ", %d runs at a time", session->jobs);
    if (ranks_are_several(session->ranks) && facts->experiment->study == NULL)
        ranks_text(session, jobs, sizeof jobs);
    say("%s, profile %s, %s data, backend %s (%s, %s)%s\n", facts->experiment->name,
        facts->profile->name, facts->data.name, facts_label(&facts->backend, label),
        facts->backend.library, backend_device_text(&session->caps, text), jobs);
    if (session->fetched != NULL)
        say("    data: the fetched copy in %s\n", session->fetched);
    say_own_files(&facts->data);
}

/* Where there is no gnuplot, what was trained is not lost: it says how to draw it later. */
static int draw(const struct figure *figure, const struct store *store, struct err *err)
{
    char *stem = NULL, *noise = NULL;
    int code = figure_draw(figure, store, &stem, &noise, err);
    if (code == 0) {
        say("drawn: %s.{png,svg,pdf}, points in %s.tsv\n", stem, stem);
        say_event("figure_drawn", "{s:o, s:o}", "figure",
                  say_text(figure->session.experiment->name), "stem", say_text(stem));
        if (noise != NULL)
            say("drawn: %s.{png,svg,pdf}, the measured noise, points in %s.tsv\n", noise, noise);
    }
    if (code == ERR_CANNOT_RUN && figure->run_count > 0) {
        say("not drawn: %s; then `repro plot %s --profile %s --out %s` draws it\n", err->text,
            figure->session.experiment->name, figure->session.facts.profile->name, figure->out);
        say_event("figure_not_drawn", "{s:o, s:o}", "figure",
                  say_text(figure->session.experiment->name), "message", say_text(err->text));
        *err = (struct err){0};
        code = 0;
    }
    mem_free(stem);
    mem_free(noise);
    return code;
}

/* Draws, prints and judges what is trained.  What cannot be drawn or kept is said at the end: the
 * results are there nevertheless. */
static int show_results(const struct figure *figure, int *status, struct err *err)
{
    struct store store = {0};
    struct err undrawn = {0}, unkept = {0};
    int code = store_open(&store, figure->out, err);
    if (code == 0)
        draw(figure, &store, &undrawn);
    if (code == 0 && figure->run_count > 0)
        code = print_results(figure, &store, err);
    if (code == 0) {
        say("\n");
        code = judge_claims(&store, &figure->session.facts, figure->first_seed, 0, figure->out,
                            status, &unkept, err);
    }
    store_close(&store);
    if (code == 0 && (undrawn.code != 0 || unkept.code != 0)) {
        *err = undrawn.code != 0 ? undrawn : unkept;
        code = err->code;
    }
    return code;
}

/* What is made on the first rank alone: a failure of it is none of the others'. */
static int alone(struct ranks *ranks, int code)
{
    if (ranks != NULL)
        ranks->in_step = 1;
    return code;
}

/* A study is measured by one process. */
static int measure(const struct figure *figure, struct ranks *ranks, struct err *err)
{
    if (!ranks_is_first(ranks))
        return 0;
    if (ranks_are_several(ranks))
        say("A study is measured by rank 0; the other %d are idle.\n", ranks->count - 1);
    return alone(ranks, make_study(figure, err));
}

int make_figure(const struct command_options *options, int *status, struct err *err)
{
    struct figure figure = {0};
    struct ranks *ranks = options->together;
    const char *out = results_folder(options);
    struct session_options chosen = session_choice(options);
    *status = EXIT_DONE;
    int code = figure_init(&figure, &chosen, out, first_seed(options), options->seeds, err);
    if (code != 0)
        return code;
    print_head(&figure);
    code = ranks_agree(ranks, ranks_is_first(ranks) ? file_make_folders(out, err) : 0, err);
    if (code == 0 && figure.session.experiment->study != NULL) {
        int64_t said = 0;
        code = measure(&figure, ranks, err);
        say_broken(&figure.session.data, &said);
    } else {
        if (code == 0) {
            say_slow(&figure);
            code = train_figure(options, &figure, NULL, err);
        }
        if (code == 0 && ranks_is_first(ranks))
            code = alone(ranks, show_results(&figure, status, err));
    }
    figure_release(&figure);
    return code;
}

static int make(struct command_options *options, int *status, struct err *err)
{
    return make_figure(options, status, err);
}

int command_figure(int argc, char **argv)
{
    struct command_options options = {.figure = argv[0]};
    options_parse_training(
        argc, argv, "",
        "Trains every run behind a figure that is not trained yet, goes on with what was "
        "cut off, and draws the figure.",
        0, &options);
    return work_together(&options, make);
}
