/* repro FIGURE: train what is missing, resume what was cut off, draw. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/progress.h"
#include "cli/version.h"
#include "lab/execute.h"
#include "lab/plot.h"
#include "lab/run.h"
#include "lab/session.h"
#include "train/runlog.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define CHECKPOINT_SECONDS 60.0

static volatile sig_atomic_t stop_asked;

static void ask_stop(int number)
{
    (void)number;
    stop_asked = 1;
}

static int stop(void *context)
{
    (void)context;
    return stop_asked;
}

/* The first SIGINT or SIGTERM asks for a checkpoint and an end; a second one kills. */
static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = ask_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

struct figure {
    struct session session;
    struct run *runs;
    size_t run_count;
    const char *out;
};

static void figure_release(struct figure *figure)
{
    for (size_t i = 0; figure->runs != NULL && i < figure->run_count; i++)
        run_release(&figure->runs[i]);
    mem_free(figure->runs);
    session_close(&figure->session);
}

static int figure_init(struct figure *figure, const struct command_options *options, struct err *err)
{
    memset(figure, 0, sizeof *figure);
    figure->out = options->out == NULL ? "results" : options->out;
    char *experiments = mem_format(err, "%s/experiments", share_folder());
    if (experiments == NULL)
        return ERR_MEMORY;
    struct session_options chosen = {
        .experiments = experiments, .figure = options->figure, .profile = options->profile, .data = options->data,
        .backend = options->backend, .precision = options->precision, .threads = options->threads, .seed = options->seed,
    };
    int code = session_open(&chosen, &figure->session, err);
    mem_free(experiments);
    if (code != 0)
        return code;
    figure->run_count = figure->session.experiment->run_count;
    figure->runs = mem_new(figure->run_count, sizeof *figure->runs, err);
    code = figure->runs == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; code == 0 && i < figure->run_count; i++)
        code = run_init(&figure->runs[i], &figure->session, &figure->session.experiment->runs[i], figure->out, err);
    if (code != 0)
        figure_release(figure);
    return code;
}

static double images(const struct run *run)
{
    return run->status == RUN_DONE ? 0.0 : (double)schedule_images(&run->schedule);
}

static int train_all(struct figure *figure, struct err *err)
{
    struct progress progress;
    struct execute_options options = {.commit = REPRO_COMMIT, .version = REPRO_VERSION,
                                      .checkpoint_seconds = CHECKPOINT_SECONDS, .context = &progress,
                                      .progress = progress_show, .stop = stop};
    progress_init(&progress);
    progress.run_count = figure->run_count;
    watch_signals();
    for (size_t i = 0; i < figure->run_count; i++) {
        struct run *run = &figure->runs[i];
        if (run->status == RUN_DONE) {
            printf("%s: done before (%" PRId64 " updates), nothing to do: %s\n", run->what->name, run->schedule.updates,
                   run->manifest_path);
            continue;
        }
        printf("%s: %s, %" PRId64 " updates in %d epochs: %s\n", run->what->name,
               run->status == RUN_PARTIAL ? "going on" : "training", run->schedule.updates, run->schedule.epochs,
               run->folder);
        fflush(stdout);
        progress.run = i + 1;
        progress.images_after = 0.0;
        for (size_t j = i + 1; j < figure->run_count; j++)
            progress.images_after += images(&figure->runs[j]);
        int code = execute_run(run, &options, err);
        progress_break(&progress);
        if (code != 0)
            return code;
    }
    return 0;
}

/* What the figure shows, honestly: data, scale, backend. */
static char *caption(const struct figure *figure, struct err *err)
{
    const struct session *session = &figure->session;
    const struct experiment_profile *profile = session->profile;
    int synthetic = strcmp(session->data.name, "synthetic") == 0;
    return mem_format(err, "%s, profile %s: %s, %" PRId64 " training and %" PRId64 " test images, %d epochs; backend %s "
                      "(%s), seed %" PRIu64 ". Scale: %s.",
                      synthetic ? "Synthetic data, not CIFAR-10" : "CIFAR-10", profile->name, profile->network,
                      session->data.train_n, session->data.test_n, profile->epochs, session->backend.name,
                      session->caps.library, session->seed, profile->words);
}

static int draw(const struct figure *figure, struct err *err)
{
    const struct session *session = &figure->session;
    const struct experiment *experiment = session->experiment;
    struct plot_curve *curves = mem_new(figure->run_count, sizeof *curves, err);
    char *stem = mem_format(err, "%s/%s-%s-%s-%s-s%" PRIu64, figure->out, experiment->name, session->profile->name,
                            session->data.name, session->backend.name, session->seed);
    char *script = mem_format(err, "%s/plots/%s.gp", share_folder(), experiment->name);
    char *paper = NULL, *words = caption(figure, err);
    int code = ERR_MEMORY;
    if (curves == NULL || stem == NULL || script == NULL || words == NULL)
        goto out;
    int printed_scale = session->profile->divide == 1 && experiment->paper_curves != NULL;
    if (printed_scale && (paper = mem_format(err, "%s/experiments/%s", share_folder(), experiment->paper_curves)) == NULL)
        goto out;
    for (size_t i = 0; i < figure->run_count; i++)
        curves[i] = (struct plot_curve){figure->runs[i].what->title, figure->runs[i].log_path,
                                        figure->runs[i].what->paper_curve};
    struct plot_request request = {.script = script, .stem = stem, .title = experiment->title, .caption = words,
                                   .paper_curves = paper, .curve_count = figure->run_count, .curves = curves};
    code = plot_draw(&request, err);
    if (code == 0)
        printf("drawn: %s.{png,svg,pdf}, points in %s.tsv\n", stem, stem);
out:
    mem_free(curves);
    mem_free(stem);
    mem_free(script);
    mem_free(paper);
    mem_free(words);
    return code;
}

static int print_results(const struct figure *figure, struct err *err)
{
    printf("\n%-32s %9s %16s %15s %12s\n", "run", "updates", "final accuracy", "cross-entropy", "in the paper");
    for (size_t i = 0; i < figure->run_count; i++) {
        const struct run *run = &figure->runs[i];
        struct runlog log = {0};
        int code = runlog_read(&log, run->log_path, err);
        if (code != 0)
            return code;
        const struct runlog_row *last = &log.rows[log.count - 1];
        char paper[16] = "-";
        if (run->what->paper_accuracy > 0.0)
            snprintf(paper, sizeof paper, "%.1f %%", 100.0 * run->what->paper_accuracy);
        printf("%-32s %9" PRId64 " %14.2f %% %15.4f %12s\n", run->what->name, last->updates, 100.0 * last->test_accuracy,
               last->train_loss, paper);
        runlog_release(&log);
    }
    if (figure->session.profile->divide != 1)
        printf("The paper's figures are for its own scale; this is profile %s.\n", figure->session.profile->name);
    return 0;
}

int command_figure(int argc, char **argv)
{
    struct command_options options = {.figure = argv[0]};
    struct figure figure;
    struct err err = {0};
    options_parse(argc, argv, "", "Trains every run behind a figure that is not trained yet, goes on with what was cut "
                  "off, and draws the figure.", 0, &options);
    if (figure_init(&figure, &options, &err) != 0)
        return report_error(&err);
    printf("%s, profile %s, %s data, backend %s (%s, %s, %d threads)\n", figure.session.experiment->name,
           figure.session.profile->name, figure.session.data.name, figure.session.backend.name,
           figure.session.caps.library, figure.session.caps.device, (int)figure.session.caps.threads);
    int code = file_make_folders(figure.out, &err);
    if (code == 0)
        code = train_all(&figure, &err);
    if (code == 0)
        code = draw(&figure, &err);
    if (code == 0)
        code = print_results(&figure, &err);
    int status = EXIT_DONE;
    if (code == 0) {
        printf("\n");
        code = judge_claims(&figure.session, figure.out, &status, &err);
    }
    figure_release(&figure);
    return code == 0 ? status : report_error(&err);
}
