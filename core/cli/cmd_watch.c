/* repro watch FIGURE: draws a figure again and again while its runs are trained elsewhere.
 *
 * SIGINT and SIGTERM are blocked and taken between two looks, so that neither this program nor the
 * gnuplot that it has started, which inherits that, leaves a file half-written. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"
#include "draw/drawing.h"
#include "results/lock.h"
#include "results/sets.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct watch {
    const struct command_options *options;
    const struct experiment *experiment;
    int chosen; /* below is known */
    struct result_set set;
    uint64_t first_seed;
    size_t seeds;
    size_t looked_at; /* run folders, where no set was found */
    char *drawn;      /* what the last drawing showed; NULL: none yet */
};

/* ---- what there is ---- */

/* As many seeds as the options or the experiment say, or as are begun. */
static void choose_seeds(struct watch *watch)
{
    const struct command_options *options = watch->options;
    size_t begun = watch->set.last - watch->set.first < SETS_SEEDS
                       ? (size_t)(watch->set.last - watch->set.first) + 1
                       : 1;
    size_t usual = (size_t)watch->experiment->seeds;
    watch->first_seed = options->seed == 0 ? watch->set.first : options->seed;
    watch->seeds = options->seeds != 0 ? options->seeds : begun > usual ? begun : usual;
}

static int choose(struct watch *watch, const struct store *store, struct err *err)
{
    int found = 0;
    if (watch->chosen || store->count == watch->looked_at)
        return 0;
    watch->looked_at = store->count;
    int code = choose_results(watch->options, watch->experiment, store, &watch->set, &found, err);
    if (code == 0 && found) {
        watch->chosen = 1;
        choose_seeds(watch);
    }
    return code;
}

/* One curve in words: "done", "epoch 3/10", "stopped at epoch 3/10", "waiting". */
static int put_curve(struct text *words, const struct curve *curve, size_t seeds, int epochs,
                     struct err *err)
{
    struct run_holder holder = {0};
    struct stored *going = NULL;
    const struct runlog *log = NULL;
    size_t count = 0;
    int code = drawing_unfinished(curve, &going, &count, err);
    if (code == 0 && curve->count < seeds && curve->going != NULL)
        code = run_lock_ask(curve->going->folder, &holder, err);
    if (code == 0 && going != NULL)
        code = stored_log(going, &log, err);
    if (code != 0)
        return code;
    if (curve->count > 0 && seeds > 1)
        text_put(words, "%zu of %zu seeds done", curve->count, seeds);
    else if (curve->count > 0)
        text_put_string(words, "done");
    else if (curve->going == NULL)
        text_put_string(words, "waiting");
    else
        text_put(words, "%sepoch %d/%d", holder.held ? "" : "stopped at ",
                 log == NULL ? 0 : log->rows[log->count - 1].epoch, epochs);
    return 0;
}

/* All of them in a line; *all: every seed of each is done, *some: there is something to draw. */
static int describe(const struct watch *watch, const struct curves *curves, char **words, int *all,
                    int *some, struct err *err)
{
    const struct experiment *experiment = watch->experiment;
    struct text text = {0};
    int code = 0;
    *all = 1;
    *some = 0;
    for (size_t i = 0; i < curves->count && code == 0; i++) {
        struct schedule schedule;
        struct stored *going = NULL;
        size_t count = 0;
        code = experiment_schedule(experiment, watch->set.facts.profile, &experiment->runs[i],
                                   &schedule, err);
        text_put(&text, "%s%s ", i == 0 ? "" : ", ", experiment->runs[i].name);
        if (code == 0)
            code = put_curve(&text, &curves->curve[i], watch->seeds, schedule.epochs, err);
        if (code == 0)
            code = drawing_unfinished(&curves->curve[i], &going, &count, err);
        *all &= curves->curve[i].count == watch->seeds;
        *some |= count > 0;
    }
    if (code == 0)
        return text_take(&text, words, "what there is", err);
    text_release(&text);
    return code;
}

/* ---- one look ---- */

static int draw(const struct watch *watch, const struct store *store, const struct curves *curves,
                const char *words, struct err *err)
{
    char apart[9] = "", *stem = NULL;
    struct drawing drawing = {.facts = &watch->set.facts,
                              .curves = curves,
                              .first_seed = watch->first_seed,
                              .seeds = watch->seeds,
                              .apart = apart,
                              .unfinished = 1,
                              .share = share_folder(),
                              .out = results_folder(watch->options)};
    int code = sets_apart(store, &watch->set.facts, apart, err);
    if (code == 0)
        code = drawing_make(&drawing, &stem, err);
    if (code == 0)
        printf("drawn: %s.{png,svg,pdf}: %s\n", stem, words);
    mem_free(stem);
    return code;
}

static int look_at(struct watch *watch, const struct store *store, int *all, struct err *err)
{
    struct curves curves = {0};
    char *words = NULL;
    int some = 0,
        code = curves_find(store, &watch->set.facts, watch->first_seed, watch->seeds, &curves, err);
    if (code == 0)
        code = describe(watch, &curves, &words, all, &some, err);
    if (code == 0 && (watch->drawn == NULL || strcmp(watch->drawn, words) != 0)) {
        if (some)
            code = draw(watch, store, &curves, words, err);
        else
            printf("nothing to draw yet: %s\n", words);
        mem_free(watch->drawn);
        watch->drawn = words;
        words = NULL;
    }
    mem_free(words);
    curves_release(&curves);
    return code;
}

static int look(struct watch *watch, int *all, struct err *err)
{
    struct store store = {0};
    size_t before = watch->looked_at;
    *all = 0;
    int code = store_open(&store, results_folder(watch->options), err);
    if (code == 0)
        code = choose(watch, &store, err);
    if (code == 0 && watch->chosen)
        code = look_at(watch, &store, all, err);
    else if (code == 0 && (before == SIZE_MAX || before != watch->looked_at))
        printf("no run of %s under '%s' yet\n", watch->experiment->name,
               results_folder(watch->options));
    fflush(stdout);
    store_close(&store);
    return code;
}

/* ---- the command ---- */

/* 1 where a signal came in that time. */
static int wait_for_signal(const sigset_t *signals, double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)(1e9 * (seconds - floor(seconds)))};
    int number;
    while ((number = sigtimedwait(signals, NULL, &time)) < 0 && errno == EINTR)
        ; /* stopped and going on: the time begins again */
    return number > 0;
}

static int watch_runs(const struct command_options *options, const struct experiment *experiment,
                      double every, struct err *err)
{
    struct watch watch = {.options = options, .experiment = experiment, .looked_at = SIZE_MAX};
    sigset_t signals;
    int all = 0, stopped = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int code = look(&watch, &all, err);
    while (code == 0 && !all && !(stopped = wait_for_signal(&signals, every)))
        code = look(&watch, &all, err);
    sigprocmask(SIG_UNBLOCK, &signals, NULL);
    if (code == 0 && all)
        printf("every run is done; `repro plot %s` draws the figure itself, as the training does\n",
               experiment->name);
    if (code == 0 && stopped)
        printf("stopped watching; no run was disturbed\n");
    mem_free(watch.drawn);
    return code;
}

int command_watch(int argc, char **argv)
{
    struct command_options options = {.unfinished = 1};
    struct err err = {0};
    struct experiment *experiment = NULL;
    options_parse_watch(
        argc, argv, "FIGURE",
        "Draws a figure anew whenever a run of it under --out has another epoch, while it is "
        "trained elsewhere.  Runs that are not done are drawn as far as they are, and the legend "
        "says so; the files are called so-far.  Needs neither data nor backend.  Ends when every "
        "run is done, or at SIGINT or SIGTERM, and leaves whole files.  Trains nothing.",
        &options);
    struct session_options chosen = session_choice(&options);
    int code = session_load(&chosen, &experiment, &err);
    if (code == 0 && (experiment->schedules_only || experiment->study != NULL))
        code = err_set(&err, ERR_USAGE,
                       "watch: %s is not drawn from logs that grow; `repro %s` "
                       "makes it",
                       experiment->name, experiment->name);
    if (code == 0)
        code = watch_runs(&options, experiment, options.every, &err);
    experiment_free(experiment);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
