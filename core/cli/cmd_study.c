/* repro appendix-a: equations 11 and 13, measured. */
#include "cli/command.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/say.h"
#include "experiment/conventions.h"
#include "lab/accumulation.h"
#include "lab/figure.h"
#include "draw/drawing.h"
#include "draw/study.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Every run with its weights held, then every run in training. */
static int measure_all(const struct figure *figure, struct growth *growths, struct err *err)
{
    size_t floats = (size_t)figure->session.net.graph.param_count;
    float *gradient = mem_new(floats, sizeof *gradient, err);
    int code = gradient == NULL ? ERR_MEMORY : 0;
    if (code == 0) {
        say("the mean gradient at the initial weights, one epoch\n");
        fflush(stdout);
        code = accumulation_gradient(&figure->session, figure_run(figure, 0, 0), gradient, err);
    }
    for (size_t i = 0; i < 2 * figure->run_count && code == 0; i++) {
        const struct run *run = figure_run(figure, 0, i % figure->run_count);
        int held = i < figure->run_count;
        say("%s, weights %s: %zu updates of %" PRId64 " images\n", run->what->name,
            held ? "held" : "in training", accumulation_updates(run->schedule.phase[0].momentum),
            run->schedule.phase[0].batch);
        fflush(stdout);
        code = accumulation_measure(&figure->session, run, gradient, held, &growths[i], err);
    }
    mem_free(gradient);
    return code;
}

static void print_held(const struct growth *growths, size_t count)
{
    say("\nWeights held: G is constant but for the noise of batches.  Epochs; eq. (13) has "
        "timescale N_lost and level 1.\n");
    say("%-28s %10s %10s %7s %10s %7s   %s\n", "run", "predicted", "N_lost", "ratio", "timescale",
        "level", "within 0.1 of eq. (11)");
    for (size_t i = 0; i < count; i++) {
        const struct growth *growth = &growths[i];
        if (!growth->held)
            continue;
        say("%-28s %10.4f %10.4f %7.3f %10.4f %7.2f   up to update %zu of %zu\n",
            growth->run->what->name, growth->predicted, growth->lost,
            growth->lost / growth->predicted, growth->timescale, growth->level, growth->agrees,
            growth->count);
    }
    say("N_lost is the sum of what the share lacks; a constant gradient makes the ratio m (the "
        "sum over updates instead\n"
        "of eq. (12)'s integral).  Timescale and level are a least-squares fit.\n");
}

static void print_training(const struct growth *growths, size_t count)
{
    say("\nIn training the weights move and G with them: how far eq. (11) describes the "
        "accumulation along the first G.\n");
    say("%-28s %10s %24s %24s\n", "run", "predicted", "within 0.1 of eq. (11)",
        "share at 1 / at 5 / (1-m)");
    for (size_t i = 0; i < count; i++) {
        const struct growth *growth = &growths[i];
        if (growth->held)
            continue;
        size_t scale = growth->count / 5;
        say("%-28s %10.4f %11s %4zu of %4zu %15.2f / %.2f\n", growth->run->what->name,
            growth->predicted, "to update", growth->agrees, growth->count, growth->share[scale - 1],
            growth->share[growth->count - 1]);
    }
    say("A constant gradient makes the share 0.63 at 1/(1-m) updates and 0.99 at 5/(1-m).\n");
}

static void say_growths(const struct figure *figure, const struct growth *growths, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct growth *growth = &growths[i];
        int held = growth->held;
        say_event("measurement", "{s:o, s:o, s:b, s:I, s:I, s:o, s:o, s:o, s:o}", "figure",
                  say_text(figure->session.experiment->name), "run",
                  say_text(growth->run->what->name), "weights_held", held, "updates",
                  (json_int_t)growth->count, "agrees_to_update", (json_int_t)growth->agrees,
                  "predicted", say_number(growth->predicted), "lost",
                  held ? say_number(growth->lost) : json_null(), "timescale",
                  held ? say_number(growth->timescale) : json_null(), "level",
                  held ? say_number(growth->level) : json_null());
    }
}

static char *caption(const struct figure *figure, struct err *err)
{
    const struct facts *facts = &figure->session.facts;
    char label[FACTS_LABEL], conventions[CONVENTIONS_TEXT];
    conventions_text(&figure_run(figure, 0, 0)->schedule.conventions, conventions);
    return mem_format(
        err,
        "%s, profile %s: %s, N = %" PRId64 "%s%s; backend %s (%s), seed %" PRIu64
        ". G is the mean gradient at "
        "the initial weights over one epoch. Held: the weights stay where they are, so that G is "
        "constant as eq. "
        "(11) assumes. Training: they move at the run's learning rate, and the gradient with them. "
        "Scale: %s.",
        facts->data.title, facts->profile->name, facts->profile->network, facts_train_n(facts),
        conventions[0] == '\0' ? "" : ", ", conventions, facts_label(&facts->backend, label),
        facts->backend.library, figure->first_seed, facts->profile->words);
}

/* STEM.tsv has the points, STEM-summary.tsv a row a measurement. */
static int draw(const struct figure *figure, const struct growth *growths, size_t count,
                struct err *err)
{
    const struct facts *facts = &figure->session.facts;
    char *points = NULL, *summary = NULL, *path = NULL, *words = caption(figure, err);
    struct drawing drawing = {
        .facts = facts, .first_seed = figure->first_seed, .seeds = 1, .out = figure->out};
    char *stem = drawing_stem(&drawing, err);
    int code = stem == NULL || words == NULL ? ERR_MEMORY : 0;
    if (code == 0 && (path = mem_format(err, "%s-summary.tsv", stem)) == NULL)
        code = ERR_MEMORY;
    if (code == 0)
        code = accumulation_points(growths, count, facts->experiment->title, words, &points, err);
    if (code == 0)
        code = accumulation_summary(growths, count, &summary, err);
    if (code == 0)
        code = file_replace(path, summary, strlen(summary), err);
    if (code == 0)
        code = study_draw(facts->experiment, figure->share, stem, words, points, count, err);
    if (code == 0) {
        say("drawn: %s.{png,svg,pdf}, points in %s.tsv, the table in %s\n", stem, stem, path);
        say_event("figure_drawn", "{s:o, s:o}", "figure", say_text(facts->experiment->name), "stem",
                  say_text(stem));
    }
    mem_free(points);
    mem_free(summary);
    mem_free(stem);
    mem_free(path);
    mem_free(words);
    return code;
}

int make_study(const struct figure *figure, struct err *err)
{
    size_t count = 2 * figure->run_count;
    struct growth *growths = mem_new(count, sizeof *growths, err);
    if (growths == NULL)
        return ERR_MEMORY;
    int code = measure_all(figure, growths, err);
    if (code == 0) {
        print_held(growths, count);
        print_training(growths, count);
        say_growths(figure, growths, count);
        code = draw(figure, growths, count, err);
    }
    for (size_t i = 0; i < count; i++)
        growth_release(&growths[i]);
    mem_free(growths);
    return code;
}
