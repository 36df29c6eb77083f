#include "draw/series.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>

#define MEASURED 5

/* What differs from seed to seed. */
static void measured(struct runlog_row *row, double *values[MEASURED])
{
    values[0] = &row->train_loss;
    values[1] = &row->train_loss_l2;
    values[2] = &row->train_accuracy;
    values[3] = &row->test_loss;
    values[4] = &row->test_accuracy;
}

/* Whether a curve can be drawn of a log; row r stands in line r + 2. */
static int check_log(const struct runlog *log, const char *path, struct err *err)
{
    int code = 0;
    if (log->count == 0)
        code = err_set(err, ERR_INPUT, "%s:2: no finished epoch yet; train the run first", path);
    for (size_t r = 0; r < log->count && code == 0; r++) {
        const struct runlog_row *row = &log->rows[r];
        if (!(row->test_accuracy >= 0 && row->test_accuracy <= 1))
            code = err_set(err, ERR_INPUT,
                           "%s:%zu: test_accuracy is %g; it is a fraction from 0 to 1", path, r + 2,
                           row->test_accuracy);
        else if (r > 0 && (row->epoch <= row[-1].epoch || row->updates <= row[-1].updates))
            code = err_set(err, ERR_INPUT,
                           "%s:%zu: epoch %d, update %" PRId64
                           " does not come after the line before",
                           path, r + 2, row->epoch, row->updates);
    }
    return code;
}

/* The logs of one curve must be of one schedule. */
static int check_same(const struct runlog *first, const struct runlog *log, const char *path,
                      struct err *err)
{
    for (size_t r = 0; r < first->count || r < log->count; r++) {
        int both = r < first->count && r < log->count;
        if (both && first->rows[r].epoch == log->rows[r].epoch &&
            first->rows[r].updates == log->rows[r].updates)
            continue;
        return err_set(
            err, ERR_INPUT, "%s:%zu: %s; both are drawn as one curve", path, r + 2,
            both
                ? "another epoch or number of updates than in the same line of the other seed's log"
                : "one log goes on where the other ends");
    }
    return 0;
}

static int copy(const struct runlog *from, struct runlog *to, struct err *err)
{
    int code = 0;
    for (size_t r = 0; r < from->count && code == 0; r++)
        code = runlog_append(to, &from->rows[r], err);
    return code;
}

/* Takes one more seed into the sums, lows and highs. */
static void take(struct plot_series *series, const struct runlog *log)
{
    for (size_t r = 0; r < log->count; r++) {
        struct runlog_row row = log->rows[r];
        double *value[MEASURED], *sum[MEASURED], *low[MEASURED], *high[MEASURED];
        measured(&row, value);
        measured(&series->mean.rows[r], sum);
        measured(&series->low.rows[r], low);
        measured(&series->high.rows[r], high);
        for (int i = 0; i < MEASURED; i++) {
            *sum[i] += *value[i];
            *low[i] = *value[i] < *low[i] ? *value[i] : *low[i];
            *high[i] = *value[i] > *high[i] ? *value[i] : *high[i];
        }
    }
}

static int sum_up(const struct plot_curve *curve, struct plot_series *series, struct err *err)
{
    int code = 0;
    series->seeds = curve->log_count;
    for (size_t s = 0; s < series->seeds && code == 0; s++) {
        const struct plot_log *one = &curve->logs[s];
        if (one->path != NULL)
            code = check_log(one->log, one->path, err);
        if (code == 0 && s == 0) {
            code = copy(one->log, &series->mean, err);
            code = code == 0 ? copy(one->log, &series->low, err) : code;
            code = code == 0 ? copy(one->log, &series->high, err) : code;
        } else if (code == 0) {
            code = check_same(&series->mean, one->log, one->path, err);
            if (code == 0)
                take(series, one->log);
        }
    }
    for (size_t r = 0; r < series->mean.count && code == 0 && series->seeds > 1; r++) {
        double *sum[MEASURED];
        measured(&series->mean.rows[r], sum);
        for (int i = 0; i < MEASURED; i++)
            *sum[i] /= (double)series->seeds;
    }
    return code;
}

int plot_series_make(const struct plot_request *request, struct plot_series **series,
                     struct err *err)
{
    *series = mem_new(request->curve_count, sizeof **series, err);
    int code = *series == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < request->curve_count && code == 0; i++)
        code = sum_up(&request->curves[i], &(*series)[i], err);
    return code;
}

void plot_series_free(struct plot_series *series, size_t count)
{
    for (size_t i = 0; series != NULL && i < count; i++) {
        runlog_release(&series[i].mean);
        runlog_release(&series[i].low);
        runlog_release(&series[i].high);
    }
    mem_free(series);
}

/* Text in a table: no tab, newline or double quote, which readers of tables give a meaning. */
static void put_plain(struct text *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        text_put_char(out, byte == '"' ? '\'' : byte < 0x20 || byte == 0x7f ? ' ' : *text);
    }
}

static void put_row(struct text *out, const struct plot_series *series, size_t r)
{
    const struct runlog_row *row = &series->mean.rows[r], *low = &series->low.rows[r],
                            *high = &series->high.rows[r];
    text_put(out, "\t%d\t%" PRId64 "\t%" PRId64 "\t%.9g\t%" PRId64 "\t%.9g\t%.6g", row->epoch,
             row->updates, row->images, row->lr, row->batch, row->momentum, row->noise_scale);
    text_put(out, "\t%.9g\t%.9g\t%.6f\t%.9g\t%.6f\t%zu", row->train_loss, row->train_loss_l2,
             row->train_accuracy, row->test_loss, row->test_accuracy, series->seeds);
    text_put(out, "\t%.9g\t%.9g\t%.9g\t%.9g\t%.6f\t%.6f", low->train_loss, high->train_loss,
             low->train_loss_l2, high->train_loss_l2, low->train_accuracy, high->train_accuracy);
    text_put(out, "\t%.9g\t%.9g\t%.6f\t%.6f\n", low->test_loss, high->test_loss, low->test_accuracy,
             high->test_accuracy);
}

int plot_series_text(const struct plot_request *request, const struct plot_series *series,
                     char **text, struct err *err)
{
    struct text table = {0}, *out = &table;
    text_put_string(out, "# ");
    put_plain(out, request->title);
    text_put_string(out, "\n# ");
    put_plain(out, request->caption);
    text_put_string(out,
                    "\ncurve\ttitle\tepoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\t"
                    "train_loss\ttrain_loss_l2\ttrain_accuracy\ttest_loss\ttest_accuracy\tseeds\t"
                    "train_loss_low\ttrain_loss_high\ttrain_loss_l2_low\ttrain_loss_l2_high\t"
                    "train_accuracy_low\ttrain_accuracy_high\ttest_loss_low\ttest_loss_high\t"
                    "test_accuracy_low\ttest_accuracy_high\n");
    for (size_t i = 0; i < request->curve_count; i++)
        for (size_t r = 0; r < series[i].mean.count; r++) {
            text_put(out, "%zu\t", i + 1);
            put_plain(out, request->curves[i].title);
            put_row(out, &series[i], r);
        }
    return text_take(out, text, "a figure's data", err);
}
