#include "draw/series.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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

/* Reads a log of which a curve can be drawn; row r stands in line r + 2. */
static int read_log(const char *path, struct runlog *log, struct err *err)
{
    int code = runlog_read(log, path, err);
    if (code == 0 && log->count == 0)
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
static void take(struct plot_series *series, struct runlog *log)
{
    for (size_t r = 0; r < log->count; r++) {
        double *value[MEASURED], *sum[MEASURED], *low[MEASURED], *high[MEASURED];
        measured(&log->rows[r], value);
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

static int read_curve(const struct plot_curve *curve, struct plot_series *series, struct err *err)
{
    int code = 0;
    series->seeds = curve->known != NULL ? 1 : curve->log_count;
    for (size_t s = 0; s < series->seeds && code == 0; s++) {
        struct runlog read = {0}, *log = &read;
        if (curve->known != NULL)
            code = copy(curve->known, &read, err);
        else
            code = read_log(curve->logs[s], &read, err);
        if (code == 0 && s == 0) {
            code = copy(log, &series->mean, err);
            code = code == 0 ? copy(log, &series->low, err) : code;
            code = code == 0 ? copy(log, &series->high, err) : code;
        } else if (code == 0) {
            code = check_same(&series->mean, log, curve->logs[s], err);
            if (code == 0)
                take(series, log);
        }
        runlog_release(&read);
    }
    for (size_t r = 0; r < series->mean.count && code == 0 && series->seeds > 1; r++) {
        double *sum[MEASURED];
        measured(&series->mean.rows[r], sum);
        for (int i = 0; i < MEASURED; i++)
            *sum[i] /= (double)series->seeds;
    }
    return code;
}

int plot_series_read(const struct plot_request *request, struct plot_series **series,
                     struct err *err)
{
    *series = mem_new(request->curve_count, sizeof **series, err);
    int code = *series == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < request->curve_count && code == 0; i++)
        code = read_curve(&request->curves[i], &(*series)[i], err);
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
static void put_plain(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        fputc(byte == '"' ? '\'' : byte < 0x20 || byte == 0x7f ? ' ' : byte, out);
    }
}

static void put_row(FILE *out, const struct plot_series *series, size_t r)
{
    const struct runlog_row *row = &series->mean.rows[r], *low = &series->low.rows[r],
                            *high = &series->high.rows[r];
    fprintf(out, "\t%d\t%" PRId64 "\t%" PRId64 "\t%.9g\t%" PRId64 "\t%.9g\t%.6g", row->epoch,
            row->updates, row->images, row->lr, row->batch, row->momentum, row->noise_scale);
    fprintf(out, "\t%.9g\t%.9g\t%.6f\t%.9g\t%.6f\t%zu", row->train_loss, row->train_loss_l2,
            row->train_accuracy, row->test_loss, row->test_accuracy, series->seeds);
    fprintf(out, "\t%.9g\t%.9g\t%.9g\t%.9g\t%.6f\t%.6f", low->train_loss, high->train_loss,
            low->train_loss_l2, high->train_loss_l2, low->train_accuracy, high->train_accuracy);
    fprintf(out, "\t%.9g\t%.9g\t%.6f\t%.6f\n", low->test_loss, high->test_loss, low->test_accuracy,
            high->test_accuracy);
}

int plot_series_text(const struct plot_request *request, const struct plot_series *series,
                     char **text, size_t *size, struct err *err)
{
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "out of memory while writing a figure's data");
    fputs("# ", out);
    put_plain(out, request->title);
    fputs("\n# ", out);
    put_plain(out, request->caption);
    fputs("\ncurve\ttitle\tepoch\tupdates\timages\tlr\tbatch\tmomentum\tnoise_scale\ttrain_"
          "loss\ttrain_loss_l2\t"
          "train_accuracy\ttest_loss\ttest_accuracy\tseeds\ttrain_loss_low\ttrain_loss_high\ttrain_"
          "loss_l2_low\t"
          "train_loss_l2_high\ttrain_accuracy_low\ttrain_accuracy_high\ttest_loss_low\ttest_loss_"
          "high\t"
          "test_accuracy_low\ttest_accuracy_high\n",
          out);
    for (size_t i = 0; i < request->curve_count; i++)
        for (size_t r = 0; r < series[i].mean.count; r++) {
            fprintf(out, "%zu\t", i + 1);
            put_plain(out, request->curves[i].title);
            put_row(out, &series[i], r);
        }
    int bad = ferror(out);
    if (fclose(out) == 0 && !bad)
        return 0;
    free(*text);
    *text = NULL;
    return err_set(err, ERR_MEMORY, "out of memory while writing a figure's data");
}
