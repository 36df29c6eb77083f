#include "draw/noise.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "base/text.h"
#include "draw/gnuplot.h"
#include "draw/page.h"
#include "results/noiselog.h"
#include "schedule/schedule.h"

#include <inttypes.h>
#include <math.h>

/* Phases of all runs that begin together, in what can be said of them as one. */
struct common {
    int first_epoch;
    double planned_low, planned_high, low, high;
    size_t runs;
};

struct page_parts {
    const struct drawing *drawing;
    struct text table, titles;
    size_t curves;
    struct common phase[SCHEDULE_PHASE_MAX];
    int phase_count;
};

static void put_row(struct text *out, size_t curve, const char *kind,
                    const struct noiselog_row *row, int64_t train_n)
{
    const struct noise_estimate *noise = &row->noise;
    double t = statistics_t_quantile(0.5 + 0.5 * NOISELOG_LEVEL,
                                     (double)(noise->ghosts - noise->times)),
           off = t * sqrt(fmax(noise->trace_variance, 0.0)) * row->noise_scale / (double)train_n;
    text_put(out,
             "%zu\t%s\t%d\t%.9g\t%" PRId64 "\t%.9g\t%.6g\t%" PRId64 "\t%.9g\t%.9g\t%.6g\t%.6g\t%.6g"
             "\t%.9g\t%.9g\t%.9g\n",
             curve, kind, row->epoch, row->lr, row->batch, row->momentum, row->noise_scale,
             noise->ghosts, noise->gradient, noise->trace, row->simple, row->interval.low,
             row->interval.high, row->fluctuation, fmax(row->fluctuation - off, 0.0),
             row->fluctuation + off);
}

static void note_phase(struct page_parts *parts, const struct phase *phase,
                       const struct noiselog_row *row)
{
    struct common *common = parts->phase;
    while (common < parts->phase + parts->phase_count && common->first_epoch != phase->first_epoch)
        common++;
    if (common == parts->phase + parts->phase_count) {
        if (parts->phase_count == SCHEDULE_PHASE_MAX)
            return;
        parts->phase_count++;
        *common = (struct common){phase->first_epoch, INFINITY, 0.0, INFINITY, 0.0, 0};
    }
    common->planned_low = fmin(common->planned_low, row->noise_scale);
    common->planned_high = fmax(common->planned_high, row->noise_scale);
    common->low = fmin(common->low, row->fluctuation);
    common->high = fmax(common->high, row->fluctuation);
    common->runs++;
}

/* What was measured of a phase, over all seeds, as one row at its first and its last epoch. */
static int put_phase(struct page_parts *parts, const struct schedule *schedule,
                     const struct phase *phase, const struct noiselog *logs, size_t seeds,
                     struct err *err)
{
    size_t count = 0, capacity = 0;
    for (size_t s = 0; s < seeds; s++)
        capacity += logs[s].count;
    struct noise_estimate *all = mem_new(capacity, sizeof *all, err);
    if (all == NULL)
        return ERR_MEMORY;
    for (size_t s = 0; s < seeds; s++)
        for (size_t r = 0; r < logs[s].count; r++)
            if (logs[s].rows[r].epoch > phase->first_epoch &&
                logs[s].rows[r].epoch <= phase->first_epoch + phase->epochs)
                all[count++] = logs[s].rows[r].noise;
    if (count > 0) {
        struct noiselog_row row = {.lr = phase->lr,
                                   .batch = phase->batch,
                                   .momentum = phase->momentum,
                                   .noise = noise_pool(all, count)};
        row.noise_scale = noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch);
        row.simple = noise_simple(&row.noise);
        row.interval = noise_interval(&row.noise, NOISELOG_LEVEL);
        row.fluctuation = noise_fluctuation(row.noise.trace, phase->lr, phase->momentum,
                                            schedule->train_n, phase->batch);
        note_phase(parts, phase, &row);
        for (int end = 0; end < 2; end++) {
            row.epoch = phase->first_epoch + end * phase->epochs;
            put_row(&parts->table, parts->curves, "phase", &row, schedule->train_n);
        }
    }
    mem_free(all);
    return 0;
}

/* Reads the noise of the curve's seeds that have it; *count of them. */
static int read_logs(const struct drawing *drawing, const struct curve *curve,
                     struct noiselog *logs, size_t *count, struct err *err)
{
    int code = 0;
    for (size_t s = 0; s < curve->count && *count < drawing->seeds && code == 0; s++) {
        uint64_t seed = stored_seed(curve->seeds[s]);
        if (seed < drawing->first_seed || seed >= drawing->first_seed + drawing->seeds)
            continue;
        char *path = noiselog_path(curve->seeds[s]->folder, err);
        if (path == NULL)
            return ERR_MEMORY;
        if (file_exists(path)) {
            code = noiselog_read(&logs[*count], path, err);
            *count += code == 0 && logs[*count].count > 0;
        }
        mem_free(path);
    }
    return code;
}

static int put_curve(struct page_parts *parts, size_t which, struct err *err)
{
    const struct drawing *drawing = parts->drawing;
    const struct experiment *experiment = drawing->facts->experiment;
    const struct experiment_run *run = &experiment->runs[which];
    struct schedule schedule;
    size_t count = 0;
    struct noiselog *logs = mem_new(drawing->seeds, sizeof *logs, err);
    int code = logs == NULL
                   ? ERR_MEMORY
                   : experiment_schedule(experiment, drawing->facts->profile, run, &schedule, err);
    if (code == 0)
        code = read_logs(drawing, &drawing->curves->curve[which], logs, &count, err);
    if (code == 0 && count > 0) {
        parts->curves++;
        text_put(&parts->titles, "curve_title[%zu] = ", parts->curves);
        gnuplot_put_string(&parts->titles, run->title);
        text_put_string(&parts->titles, "; ");
        for (size_t s = 0; s < count; s++)
            for (size_t r = 0; r < logs[s].count; r++)
                put_row(&parts->table, parts->curves, "measurement", &logs[s].rows[r],
                        schedule.train_n);
        for (int p = 0; p < schedule.phase_count && code == 0; p++)
            code = put_phase(parts, &schedule, &schedule.phase[p], logs, count, err);
    }
    for (size_t s = 0; logs != NULL && s < drawing->seeds; s++)
        noiselog_release(&logs[s]);
    mem_free(logs);
    return code;
}

/* Whether one planned noise scale was one measured noise, in numbers. */
static char *caption(const struct page_parts *parts, struct err *err)
{
    char *figure = drawing_caption(parts->drawing, err), *words = NULL;
    struct text text = {0};
    if (figure == NULL)
        return NULL;
    text_put_string(&text, "Points: single measurements; lines: means of a phase; bars: 95 %. ");
    for (int p = 0, said = 0; p < parts->phase_count; p++) {
        const struct common *common = &parts->phase[p];
        if (common->runs != parts->curves || common->runs < 2 || !(common->low > 0.0))
            continue;
        text_put(&text, "%s%.2f (%.2f)",
                 said++ == 0 ? "Largest to smallest fluctuation of the runs, phase by phase, "
                               "planned in brackets: "
                             : ", ",
                 common->high / common->low, common->planned_high / common->planned_low);
        if (p + 1 == parts->phase_count)
            text_put_string(&text, ". ");
    }
    text_put_string(&text, figure);
    mem_free(figure);
    return text_take(&text, &words, "a figure's caption", err) == 0 ? words : NULL;
}

static int draw(struct page_parts *parts, char **stem, struct err *err)
{
    const struct drawing *drawing = parts->drawing;
    struct text variables = {0};
    char *path = drawing_stem(drawing, err), *words = caption(parts, err), *set = NULL,
         *table = NULL;
    char *script = mem_format(err, "%s/plots/noise.gp", drawing->share);
    char *title = mem_format(err, "%s: planned and measured noise",
                             drawing->facts->experiment->title);
    char *named = path == NULL ? NULL : mem_format(err, "%s-noise", path);
    int ok = words != NULL && script != NULL && title != NULL && named != NULL;
    int code = ok ? text_take(&parts->table, &table, "a figure's data", err) : ERR_MEMORY;
    text_put(&variables, "curves = %zu; array curve_title[%zu]; ", parts->curves, parts->curves);
    if (parts->titles.bytes != NULL)
        text_put_string(&variables, parts->titles.bytes);
    variables.failed |= parts->titles.failed;
    if (code == 0)
        code = text_take(&variables, &set, "a figure's variables", err);
    if (code == 0) {
        struct page page = {.script = script,
                            .stem = named,
                            .title = title,
                            .caption = words,
                            .table = table,
                            .variables = set};
        code = page_draw(&page, err);
    }
    if (code == 0) {
        *stem = named;
        named = NULL;
    }
    text_release(&variables);
    mem_free(path);
    mem_free(words);
    mem_free(set);
    mem_free(table);
    mem_free(script);
    mem_free(title);
    mem_free(named);
    return code;
}

int noise_draw(const struct drawing *drawing, char **stem, struct err *err)
{
    struct page_parts parts = {.drawing = drawing};
    int code = 0;
    *stem = NULL;
    if (drawing->curves == NULL)
        return 0;
    text_put_string(&parts.table,
                    "curve\tkind\tepoch\tlr\tbatch\tmomentum\tnoise_scale\tghosts\tgradient\ttrace"
                    "\tsimple\tsimple_low\tsimple_high\tfluctuation\tfluctuation_low"
                    "\tfluctuation_high\n");
    for (size_t i = 0; i < drawing->facts->experiment->run_count && code == 0; i++)
        code = put_curve(&parts, i, err);
    if (code == 0 && parts.curves > 0)
        code = draw(&parts, stem, err);
    text_release(&parts.table);
    text_release(&parts.titles);
    return code;
}
