#include "lab/workers_figure.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "draw/gnuplot.h"
#include "draw/page.h"
#include "lab/anatomy.h"
#include "lab/figure.h"
#include "lab/forecast.h"
#include "train/reduction.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define BETWEEN 8 /* points of a curve between two powers of two */

static void set_micro(struct workers_figure *workers, int64_t ghost, int64_t micro, int64_t test_n)
{
    workers->model.micro = micro;
    workers->model.test_micros = reduction_micros(test_n, micro);
    workers->finer = workers->model;
    workers->finer.micro = ghost;
    workers->finer.groups = 0;
    workers->finer.test_micros = reduction_micros(test_n, ghost);
}

static int first_schedule(const struct workers_figure *workers, struct schedule *schedule,
                          struct err *err)
{
    return experiment_schedule(workers->experiment, workers->profile, &workers->experiment->runs[0],
                               schedule, err);
}

int workers_figure_init(struct workers_figure *workers, const struct experiment *experiment,
                        const struct experiment_profile *profile, double speed, struct err *err)
{
    struct net net = {0};
    struct schedule schedule;
    workers->experiment = experiment;
    workers->profile = profile;
    int code = anatomy_net(experiment, profile, &net, err);
    if (code == 0)
        code = first_schedule(workers, &schedule, err);
    if (code == 0) {
        workers->model.speed = speed;
        workers->model.evaluation = (double)profile->test_n * FORECAST_FORWARD_SHARE / speed;
        workers->model.groups = experiment->groups;
        workers->model.message = (net.graph.param_count + net.graph.running_count +
                                  REDUCTION_TAIL) *
                                 (int64_t)sizeof(float);
        set_micro(workers, schedule.ghost, schedule.ghost * profile->micro_ghosts, profile->test_n);
    }
    net_release(&net);
    return code;
}

void workers_figure_measured(struct workers_figure *workers, const struct figure *figure,
                             const struct forecast_speed *speed)
{
    const struct run *run = &figure->runs[0];
    double tested = (double)figure->session.data.test_n * FORECAST_FORWARD_SHARE /
                    speed->images_per_second;
    workers->model.speed = speed->images_per_second;
    workers->model.evaluation = fmin(tested, speed->epoch_overhead);
    workers->model.rest = speed->epoch_overhead - workers->model.evaluation;
    set_micro(workers, run->schedule.ghost, run->micro, figure->session.data.test_n);
}

/* ---- The table ---- */

static void put_time(struct text *out, double seconds)
{
    if (seconds < 100)
        text_put(out, " %8.3g s", seconds);
    else if (seconds < 6000)
        text_put(out, " %6.1f min", seconds / 60);
    else
        text_put(out, " %8.1f h", seconds / 3600);
}

/* A row a run: its time on each number of workers. */
static int put_times(struct text *out, const struct workers_figure *workers,
                     const struct workers_model *model, const char *head, struct err *err)
{
    text_put(out, "\n%s\n  %-32s", head, "workers");
    for (size_t k = 0; k < workers->count; k++)
        text_put(out, " %10d", workers->list[k]);
    text_put(out, "\n");
    for (size_t i = 0; i < workers->experiment->run_count; i++) {
        const struct experiment_run *run = &workers->experiment->runs[i];
        struct schedule schedule;
        struct workers_time time = {0};
        int code = experiment_schedule(workers->experiment, workers->profile, run, &schedule, err);
        text_put(out, "  %-32s", run->name);
        for (size_t k = 0; code == 0 && k < workers->count; k++) {
            code = workers_run(model, &schedule, workers->list[k], &time, err);
            put_time(out, time.seconds);
        }
        if (code != 0)
            return code;
        text_put(out, "   messages %.3g %%\n", 100 * time.messages / time.seconds);
    }
    return 0;
}

/* A row a run: how many workers have work, phase by phase. */
static int put_useful(struct text *out, const struct workers_figure *workers, struct err *err)
{
    text_put(out, "\nThe most workers that have work, phase by phase:\n");
    for (size_t i = 0; i < workers->experiment->run_count; i++) {
        const struct experiment_run *run = &workers->experiment->runs[i];
        struct schedule schedule;
        int code = experiment_schedule(workers->experiment, workers->profile, run, &schedule, err);
        if (code != 0)
            return code;
        text_put(out, "  %-32s in %d groups", run->name, workers->experiment->groups);
        for (int p = 0; p < schedule.phase_count; p++)
            text_put(out, "%s %" PRId64, p == 0 ? "" : ",",
                     workers_useful(&workers->model, &schedule, schedule.phase[p].batch));
        text_put(out, "; B/ghost");
        for (int p = 0; p < schedule.phase_count; p++)
            text_put(out, "%s %" PRId64, p == 0 ? "" : ",",
                     workers_useful(&workers->finer, &schedule, schedule.phase[p].batch));
        text_put(out, "\n");
    }
    return 0;
}

int workers_figure_text(const struct workers_figure *workers, char **text, struct err *err)
{
    struct text out = {0};
    const struct workers_model *model = &workers->model;
    char head[120];
    text_put(&out,
             "Time among workers of %.4g images/s each, from %s.\n"
             "A link of %.4g GB/s and %.4g us; a sum of gradients is %.4g MB.  A prediction: "
             "doc/cluster.md has the formula.\n",
             model->speed, workers->words, model->link.bandwidth / 1e9, model->link.latency * 1e6,
             (double)model->message / 1e6);
    snprintf(head, sizeof head, "In the experiment's %d groups, micros of %" PRId64 " images:",
             workers->experiment->groups, model->micro);
    int code = put_times(&out, workers, model, head, err);
    if (code == 0)
        code = put_times(&out, workers, &workers->finer,
                         "With as many groups as workers, micros of a ghost batch:", err);
    if (code == 0)
        code = put_useful(&out, workers, err);
    if (code == 0)
        return text_take(&out, text, "the times among workers", err);
    text_release(&out);
    return code;
}

/* ---- The picture ---- */

static int is_asked(const struct workers_figure *workers, int count)
{
    for (size_t k = 0; k < workers->count; k++)
        if (workers->list[k] == count)
            return 1;
    return 0;
}

/* The next number of workers of a curve: whole, and about evenly apart on a logarithmic axis. */
static int next_count(const struct workers_figure *workers, int count)
{
    int next = (int)ceil(count * pow(2.0, 1.0 / BETWEEN));
    next = next == count ? count + 1 : next;
    for (size_t k = 0; k < workers->count; k++)
        if (workers->list[k] > count && workers->list[k] < next)
            return workers->list[k];
    return next;
}

static int put_curve(struct text *table, const struct workers_figure *workers, size_t i, int finer,
                     struct err *err)
{
    const struct experiment_run *run = &workers->experiment->runs[i];
    const struct workers_model *model = finer ? &workers->finer : &workers->model;
    struct schedule schedule;
    int code = experiment_schedule(workers->experiment, workers->profile, run, &schedule, err);
    int last = workers->list[workers->count - 1];
    for (int w = workers->list[0]; code == 0 && w <= last; w = next_count(workers, w)) {
        struct workers_time time;
        code = workers_run(model, &schedule, w, &time, err);
        if (code == 0)
            text_put(table, "%zu\t%s\t%s\t%d\t%d\t%.9g\t%.9g\n", i + 1, run->title,
                     finer ? "workers" : "experiment", w, is_asked(workers, w), time.seconds,
                     time.messages);
    }
    return code;
}

static char *caption(const struct workers_figure *workers, struct err *err)
{
    const struct workers_model *model = &workers->model;
    return mem_format(
        err,
        "A prediction, from %.4g images/s of one worker (%s) and a link of %.4g GB/s and %.4g us; "
        "profile %s, %s, N = %" PRId64 ". Solid: as many groups as workers, micros of a ghost "
        "batch, so that B/ghost workers have work. Dashed: the experiment's %d groups, micros of "
        "%" PRId64 " images. Scale: %s.",
        model->speed, workers->words, model->link.bandwidth / 1e9, model->link.latency * 1e6,
        workers->profile->name, workers->profile->network,
        workers->experiment->train_n / workers->profile->divide, workers->experiment->groups,
        model->micro, workers->profile->words);
}

static void put_variables(struct text *out, const struct workers_figure *workers)
{
    size_t count = workers->experiment->run_count;
    text_put(out, "curves = %zu; array curve_title[%zu]; ", count, count);
    for (size_t i = 0; i < count; i++) {
        text_put(out, "curve_title[%zu] = ", i + 1);
        gnuplot_put_string(out, workers->experiment->runs[i].title);
        text_put(out, "; ");
    }
}

static int make_texts(const struct workers_figure *workers, char **table, char **variables,
                      struct err *err)
{
    struct text points = {0}, commands = {0};
    int code = 0;
    text_put(&points, "curve\ttitle\tgroups\tworkers\tasked\tseconds\tmessages\n");
    for (size_t i = 0; code == 0 && i < workers->experiment->run_count; i++)
        for (int finer = 0; code == 0 && finer < 2; finer++)
            code = put_curve(&points, workers, i, finer, err);
    if (code == 0)
        code = text_take(&points, table, "the points", err);
    put_variables(&commands, workers);
    if (code == 0)
        code = text_take(&commands, variables, "the picture's variables", err);
    text_release(&points);
    text_release(&commands);
    return code;
}

int workers_figure_draw(const struct workers_figure *workers, const char *share, const char *out,
                        char **stem, struct err *err)
{
    char *table = NULL, *variables = NULL, *words = caption(workers, err);
    char *script = mem_format(err, "%s/plots/workers.gp", share);
    char *path = mem_format(err, "%s/%s-%s-workers", out, workers->experiment->name,
                            workers->profile->name);
    char *title = mem_format(err, "%s: training time among workers", workers->experiment->title);
    int code = words == NULL || script == NULL || path == NULL || title == NULL ? ERR_MEMORY : 0;
    if (code == 0)
        code = make_texts(workers, &table, &variables, err);
    if (code == 0)
        code = file_make_folders(out, err);
    if (code == 0) {
        struct page page = {.script = script,
                            .stem = path,
                            .title = title,
                            .caption = words,
                            .table = table,
                            .variables = variables};
        code = page_draw(&page, err);
    }
    if (code == 0) {
        *stem = path;
        path = NULL;
    }
    mem_free(table);
    mem_free(variables);
    mem_free(words);
    mem_free(script);
    mem_free(path);
    mem_free(title);
    return code;
}
