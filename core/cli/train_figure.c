/* Trains the runs of a figure while their progress is shown, and says what becomes of them. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/progress.h"
#include "cli/say.h"
#include "cli/version.h"
#include "lab/figure.h"
#include "lab/training.h"
#include "train/ranks.h"
#include "train/reduction.h"

#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_SECONDS 60.0
#define LINES 2 /* its place among the kinds of --progress, from 1 */

static atomic_int stop_asked;
static struct ranks *to_hurry; /* set before the handler is */

/* SIGUSR1 is what mpirun hands on without ending the job: no hurry then. */
static void ask_stop(int number)
{
    atomic_store(&stop_asked, 1);
    if (number != SIGUSR1)
        ranks_hurry(to_hurry);
}

static int stop(void *context)
{
    (void)context;
    return atomic_load(&stop_asked);
}

/* The first SIGINT or SIGTERM asks for a checkpoint and an end; a second one kills. */
static void watch_signals(struct ranks *ranks)
{
    to_hurry = ranks;
    struct sigaction action = {.sa_handler = ask_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (ranks_are_several(ranks))
        sigaction(SIGUSR1, &action, NULL);
}

/* What is said of the runs as they come and go. */
struct account {
    const struct figure *figure;
    struct measuring_options measuring;
    struct progress progress;
    struct err *errs; /* of each run */
    int64_t broken;   /* images of which it was said */
};

void say_broken(const struct dataset *data, int64_t *said)
{
    for (int64_t found = dataset_broken(data).images; *said < found; ++*said) {
        char words[ERR_TEXT];
        dataset_broken_words(data, *said, words, sizeof words);
        say_notice("%s; another image takes its place", words);
    }
}

/* How many ranks have work, phase by phase: a small batch has few parts. */
static void print_parts(const struct figure *figure, const struct run *run)
{
    const struct schedule *schedule = &run->schedule;
    int ranks = figure->session.ranks->count;
    say("    of %d ranks have work, phase by phase:", ranks);
    for (int i = 0; i < schedule->phase_count; i++) {
        struct reduction_cut cut = reduction_cut(schedule->phase[i].batch, run->micro,
                                                 schedule->ghost,
                                                 figure->session.experiment->groups);
        say("%s %d", i == 0 ? "" : ",", (int)(cut.leaves < ranks ? cut.leaves : ranks));
    }
    say("\n");
}

/* When the noise is measured, and of how much. */
static void print_measuring(const struct measuring_options *options, const struct run *run)
{
    struct measuring_plan plan = measuring_plan(options, &run->schedule);
    char often[48] = "once an epoch";
    if (plan.every > 0)
        snprintf(often, sizeof often, "every %" PRId64 " updates", plan.every);
    else if (plan.epochs > 1)
        snprintf(often, sizeof often, "every %" PRId64 " epochs", plan.epochs);
    say("    its noise: %s, on %" PRId64 " ghosts of %" PRId64
        " rows, %.1f %% of the rows trained on\n",
        often, plan.ghosts, run->schedule.ghost, 100.0 * plan.share);
}

static void say_begun(const struct run *run)
{
    if (run->status == RUN_DONE)
        say("%s: done before (%" PRId64 " updates), nothing to do: %s\n", run->what->name,
            run->schedule.updates, run->manifest_path);
    else
        say("%s, seed %" PRIu64 ": %s, %" PRId64 " updates in %d epochs: %s\n", run->what->name,
            run->seed, run->status == RUN_PARTIAL ? "going on" : "training", run->schedule.updates,
            run->schedule.epochs, run->folder);
    say_event("run_begun", "{s:o, s:o, s:I, s:s, s:I, s:i, s:o}", "figure",
              say_text(run->facts->experiment->name), "run", say_text(run->what->name), "seed",
              (json_int_t)run->seed, "status",
              run->status == RUN_DONE      ? "done before"
              : run->status == RUN_PARTIAL ? "going on"
                                           : "training",
              "updates", (json_int_t)run->schedule.updates, "epochs", run->schedule.epochs,
              "folder", say_text(run->folder));
}

static void begin(void *context, const struct run *run)
{
    struct account *account = context;
    say_begun(run);
    if (run->status != RUN_DONE && ranks_are_several(account->figure->session.ranks))
        print_parts(account->figure, run);
    if (run->status != RUN_DONE && account->measuring.on)
        print_measuring(&account->measuring, run);
    fflush(stdout);
    progress_begin(&account->progress, run);
}

static void show(void *context, const struct execute_progress *now)
{
    struct account *account = context;
    say_broken(&account->figure->session.data, &account->broken);
    progress_show(&account->progress, now);
}

static void epoch(void *context, const struct execute_progress *now)
{
    struct account *account = context;
    progress_epoch(&account->progress, now);
}

static void end(void *context, const struct run *run, const struct err *err)
{
    struct account *account = context;
    say_broken(&account->figure->session.data, &account->broken);
    progress_end(&account->progress, run, err);
    account->errs[run - account->figure->runs] = *err;
}

/* What became of the runs that did not come to their end, but for the one that the caller
 * reports. */
static void print_others(const struct account *account, const struct err *reported)
{
    for (size_t i = 0; i < account->figure->seed_count * account->figure->run_count; i++)
        if (account->errs[i].code != 0 && strcmp(account->errs[i].text, reported->text) != 0)
            fprintf(stderr, "repro: %s\n", account->errs[i].text);
}

int train_figure(const struct command_options *asked, struct figure *figure, const struct run *only,
                 struct err *err)
{
    struct account account = {.figure = figure,
                              .measuring = {.on = asked->measure_noise,
                                            .every = asked->noise_every,
                                            .ghosts = asked->noise_ghosts}};
    int first = ranks_is_first(figure->session.ranks);
    struct training_options options = {.commit = REPRO_COMMIT,
                                       .version = REPRO_VERSION,
                                       .command = asked->command_line,
                                       .checkpoint_seconds = CHECKPOINT_SECONDS,
                                       .measuring = account.measuring,
                                       .only = only,
                                       .context = &account,
                                       .begin = begin,
                                       .progress = first ? show : NULL,
                                       .epoch = first ? epoch : NULL,
                                       .end = end,
                                       .stop = stop};
    enum progress_kind kind = first ? progress_kind(asked->progress == LINES) : PROGRESS_NONE;
    account.errs = mem_new(figure->seed_count * figure->run_count, sizeof *account.errs, err);
    int code = account.errs == NULL ? ERR_MEMORY
                                    : progress_init(&account.progress, figure, only, kind, err);
    if (code == 0) {
        watch_signals(figure->session.ranks);
        code = training_run(figure, &options, err);
        progress_finish(&account.progress);
        if (code != 0 && first)
            print_others(&account, err);
    }
    if (account.errs != NULL)
        progress_release(&account.progress);
    mem_free(account.errs);
    return code;
}
