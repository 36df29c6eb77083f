#include "lab/figure.h"

#include "base/err.h"
#include "base/mem.h"
#include "draw/drawing.h"
#include "draw/noise.h"
#include "lab/sameness.h"
#include "results/sets.h"
#include "train/ranks.h"

#include <string.h>

static int prepare(struct figure *figure, const struct session_options *options, const char *out,
                   uint64_t first, size_t seeds, struct err *err)
{
    memset(figure, 0, sizeof *figure);
    figure->share = options->share;
    figure->out = out;
    int code = session_open(options, &figure->session, err);
    if (code != 0 || figure->session.experiment->schedules_only)
        return code;
    const struct experiment *experiment = figure->session.experiment;
    figure->run_count = experiment->run_count;
    figure->first_seed = first;
    figure->seed_count = seeds = seeds == 0 ? (size_t)experiment->seeds : seeds;
    figure->runs = mem_new(seeds * figure->run_count, sizeof *figure->runs, err);
    code = figure->runs == NULL ? ERR_MEMORY : 0;
    for (size_t s = 0; s < seeds && code == 0; s++)
        for (size_t i = 0; code == 0 && i < figure->run_count; i++)
            code = run_init(figure_run(figure, s, i), &figure->session.facts, &experiment->runs[i],
                            first + s, out, err);
    return code;
}

int figure_init(struct figure *figure, const struct session_options *options, const char *out,
                uint64_t first, size_t seeds, struct err *err)
{
    int code = prepare(figure, options, out, first, seeds, err);
    code = ranks_agree(options->ranks, code, err);
    if (code == 0)
        code = sameness_figure(options->ranks, figure, err);
    if (code != 0)
        figure_release(figure);
    return code;
}

void figure_release(struct figure *figure)
{
    for (size_t i = 0; figure->runs != NULL && i < figure->seed_count * figure->run_count; i++)
        run_release(&figure->runs[i]);
    mem_free(figure->runs);
    session_close(&figure->session);
    memset(figure, 0, sizeof *figure);
}

struct run *figure_run(const struct figure *figure, size_t seed, size_t curve)
{
    return &figure->runs[seed * figure->run_count + curve];
}

int figure_draw(const struct figure *figure, const struct store *store, char **stem, char **noise,
                struct err *err)
{
    const struct facts *facts = &figure->session.facts;
    struct curves curves = {0};
    char apart[9] = "";
    struct drawing drawing = {.facts = facts,
                              .curves = &curves,
                              .apart = apart,
                              .first_seed = figure->first_seed,
                              .seeds = figure->seed_count,
                              .share = figure->share,
                              .out = figure->out};
    int code = facts->experiment->schedules_only ? 0
                                                 : curves_find(store, facts, figure->first_seed,
                                                               figure->seed_count, &curves, err);
    if (code == 0 && !facts->experiment->schedules_only)
        code = sets_apart(store, facts, apart, err);
    if (code == 0)
        code = drawing_make(&drawing, stem, err);
    if (code == 0 && !facts->experiment->schedules_only)
        code = noise_draw(&drawing, noise, err);
    curves_release(&curves);
    return code;
}
