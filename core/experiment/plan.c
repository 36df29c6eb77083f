#include "experiment/plan.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "experiment/conventions.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define ABOUT_TOLERANCE 0.05

/* One run's schedule at the profile's scale, and its updates at the paper's. */
struct planned {
    struct schedule schedule;
    int64_t paper_updates;
};

enum plan_verdict plan_judge(const struct experiment_run *run, int64_t updates)
{
    if (run->paper_updates_below == 0 && run->paper_updates_about == 0)
        return PLAN_SILENT;
    if (run->paper_updates_below != 0 && updates >= run->paper_updates_below)
        return PLAN_DIFFERS;
    double about = (double)run->paper_updates_about;
    if (run->paper_updates_about != 0 && fabs((double)updates - about) > ABOUT_TOLERANCE * about)
        return PLAN_DIFFERS;
    return PLAN_AGREES;
}

static const char *verdict_word(enum plan_verdict verdict)
{
    return verdict == PLAN_AGREES ? "agrees" : verdict == PLAN_DIFFERS ? "differs" : "";
}

static void write_head(struct text *out, const struct experiment *experiment,
                       const struct experiment_profile *profile)
{
    text_put(out, "%s: %s\n", experiment->name, experiment->title);
    text_put(out, "profile %s: %s\n", profile->name, profile->words);
    text_put(out,
             "%s on %s: N = %" PRId64 " of %" PRId64 " training images, %" PRId64
             " test images, %d epochs\n",
             profile->network, experiment->dataset, experiment->train_n / profile->divide,
             experiment->train_n, profile->test_n, profile->epochs);
}

/* Half a unit of the last digit printed must not hang on the last bit of 1-m: 390.625 reads 390.63
 * for every m. */
static double rounded_up(double value)
{
    return value * (1 + 1e-12);
}

/* "updates/epoch" counts full batches only; the images of the rest are "dropped". */
static void write_phases(struct text *out, const struct schedule *schedule)
{
    text_put(out, "  %5s %9s %7s %8s %6s %8s %8s %9s %9s %8s %8s %8s\n", "phase", "epochs", "B",
             "lr", "m", "updates", "updates", "noise g", "noise g", "N_lost", "dropped", "ghosts");
    text_put(out, "  %5s %9s %7s %8s %6s %8s %8s %9s %9s %8s %8s %8s\n", "", "", "", "", "",
             "/epoch", "", "exact", "approx.", "epochs", "/epoch", "/update");
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        char epochs[32];
        snprintf(epochs, sizeof epochs, "%d-%d", phase->first_epoch + 1,
                 phase->first_epoch + phase->epochs);
        text_put(out, "  %5d %9s %7" PRId64 " %8.4g %6.4g %8" PRId64 " %8" PRId64, i + 1, epochs,
                 phase->batch, phase->lr, phase->momentum, phase->updates_per_epoch,
                 phase->updates);
        text_put(
            out, " %9.5g %9.5g %8.4g %8" PRId64 " %8" PRId64 "\n",
            rounded_up(noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch)),
            rounded_up(noise_scale_approximate(phase->lr, phase->momentum, schedule->train_n,
                                               phase->batch)),
            epochs_lost(phase->momentum, schedule->train_n, phase->batch), phase->dropped,
            (phase->batch + schedule->ghost - 1) / schedule->ghost);
    }
    text_put(out, "  %5s %9d %7s %8s %6s %8s %8" PRId64 "\n", "total", schedule->epochs, "", "", "",
             "", schedule->updates);
}

/* Says so where a phase is over before momentum has built up; short profiles suffer from it. */
static void write_lost(struct text *out, const struct schedule *schedule)
{
    int short_phases = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        short_phases += epochs_lost(phase->momentum, schedule->train_n, phase->batch) >
                        phase->epochs;
    }
    if (short_phases > 0)
        text_put(out,
                 "  In %d of %d phases N_lost exceeds the phase: momentum never builds up fully.\n",
                 short_phases, schedule->phase_count);
}

static void write_run(struct text *out, const struct experiment_run *run,
                      const struct planned *planned, int reduced)
{
    text_put(out, "\n%s: \"%s\"\n", run->name, run->title);
    text_put(out, "  %s, ", optimizer_words(run->spec.optimizer));
    if (run->spec.optimizer == REPRO_OPTIMIZER_ADAM)
        text_put(out, "beta1 %g, beta2 %g, epsilon %g, ", run->beta1, run->beta2, run->epsilon);
    text_put(out, "weight decay %g, ghost batch %" PRId64, run->weight_decay,
             planned->schedule.ghost);
    char conventions[CONVENTIONS_TEXT];
    conventions_text(&planned->schedule.conventions, conventions);
    text_put(out, "%s%s\n", conventions[0] == '\0' ? "" : ", ", conventions);
    write_phases(out, &planned->schedule);
    write_lost(out, &planned->schedule);
    if (run->paper_words != NULL)
        text_put(out, "  The paper: \"%s\".\n", run->paper_words);
    const char *verdict = verdict_word(plan_judge(run, planned->paper_updates));
    if (verdict[0] != '\0' && reduced)
        text_put(out,
                 "  That number belongs to the paper profile, where this schedule makes %" PRId64
                 " updates: %s.\n",
                 planned->paper_updates, verdict);
    else if (verdict[0] != '\0')
        text_put(out, "  This schedule makes %" PRId64 " updates: %s.\n", planned->paper_updates,
                 verdict);
    if (run->paper_accuracy > 0)
        text_put(out, "  Final accuracy in the paper: %.1f %%.\n", 100 * run->paper_accuracy);
}

static void write_summary(struct text *out, const struct experiment *experiment,
                          const struct planned *planned, int reduced)
{
    int width = 3;
    for (size_t i = 0; i < experiment->run_count; i++) {
        int length = (int)strlen(experiment->runs[i].name);
        width = length > width ? length : width;
    }
    /* "fewer" is the number of times that a run makes fewer updates than the first one. */
    text_put(out, "\n%-*s %8s %7s", width, "run", "updates", "fewer");
    if (reduced)
        text_put(out, " %14s", "paper profile");
    text_put(out, "  the paper\n");
    for (size_t i = 0; i < experiment->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        int64_t updates = planned[i].schedule.updates;
        text_put(out, "%-*s %8" PRId64 " %6.1fx", width, run->name, updates,
                 (double)planned[0].schedule.updates / (double)updates);
        if (reduced)
            text_put(out, " %14" PRId64, planned[i].paper_updates);
        if (run->paper_updates_about != 0)
            text_put(out, "  about %" PRId64, run->paper_updates_about);
        if (run->paper_updates_below != 0)
            text_put(out, "  below %" PRId64, run->paper_updates_below);
        enum plan_verdict verdict = plan_judge(run, planned[i].paper_updates);
        text_put(out, "%s%s\n", verdict == PLAN_SILENT ? "  -" : ": ", verdict_word(verdict));
    }
    text_put(
        out,
        "\n%s\n"
        "Noise scale g = lr/(1-m) * (N/B - 1), approximately lr N / (B (1-m)).\n"
        "N_lost = B / (N (1-m)): the epochs that momentum takes to build up.\n",
        planned[0].schedule.conventions.keep_last_batch
            ? "Updates per epoch are ceil(N/B); the last one is of the partial batch that is left."
            : "Updates per epoch are floor(N/B); the images of the last, partial batch are "
              "dropped.");
}

static int plan_runs(const struct experiment *experiment, const struct experiment_profile *profile,
                     struct planned *planned, struct err *err)
{
    for (size_t i = 0; i < experiment->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[i];
        struct schedule paper;
        int code = schedule_build(&run->spec, &paper, err);
        if (code != 0)
            return err_prefix(err, "%s: run '%s'", experiment->name, run->name);
        code = experiment_schedule(experiment, profile, run, &planned[i].schedule, err);
        if (code != 0)
            return code;
        planned[i].paper_updates = paper.updates;
    }
    return 0;
}

int plan_text(const struct experiment *experiment, const struct experiment_profile *profile,
              char **text, struct err *err)
{
    int reduced = experiment_reduced(experiment, profile);
    struct text out = {0};
    struct planned *planned = mem_new(experiment->run_count, sizeof *planned, err);
    int code = planned == NULL ? ERR_MEMORY : plan_runs(experiment, profile, planned, err);
    if (code == 0) {
        write_head(&out, experiment, profile);
        for (size_t i = 0; i < experiment->run_count; i++)
            write_run(&out, &experiment->runs[i], &planned[i], reduced);
        write_summary(&out, experiment, planned, reduced);
        code = text_take(&out, text, "a plan", err);
    }
    mem_free(planned);
    return code;
}
