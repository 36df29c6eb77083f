/* runlog.h -- a run's log: log.tsv, one row an epoch, tab-separated, the first line naming the
 * columns. */
#ifndef RESULTS_RUNLOG_H
#define RESULTS_RUNLOG_H

#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

struct err;

struct runlog_row {
    int epoch;       /* finished epochs, from 1 */
    int64_t updates; /* since the start */
    int64_t images;  /* trained on since the start */
    double lr;       /* of this epoch, as are batch, momentum and noise_scale */
    int64_t batch;
    double momentum;
    double noise_scale; /* eq. (4), unitless */
    /* cross-entropy, nats; mean over the epoch's rows as they were trained on */
    double train_loss;
    double train_loss_l2; /* the same with weight_decay/2 |w|^2 at the end of the epoch */
    double train_accuracy, test_loss, test_accuracy; /* accuracies 0..1 */
    double images_per_second;                        /* training only */
    double seconds;                                  /* spent on this epoch, evaluation included */
};

struct runlog {
    struct runlog_row *rows;
    size_t count, capacity;
};

/* The columns' names and a row's values as the file has them, tab-separated, without newline. */
#define RUNLOG_LINE 512
const char *runlog_columns(void);
/* ERR_INTERNAL when it does not fit. */
int runlog_line(const struct runlog_row *row, char line[RUNLOG_LINE], struct err *err);

int runlog_append(struct runlog *log, const struct runlog_row *row, struct err *err);
void runlog_release(struct runlog *log);

/* Replaces the file. */
int runlog_write(const struct runlog *log, const char *path, struct err *err);
/* Reads it back, into a zeroed *log.  ERR_INPUT "path:line: ..." on anything else than what
 * runlog_write() writes. */
int runlog_read(struct runlog *log, const char *path, struct err *err);
/* The same of the first `most` rows at most; what stands behind them is not looked at. */
int runlog_read_first(struct runlog *log, const char *path, size_t most, struct err *err);

/* The digest of the bytes that runlog_write() makes of the first `rows` rows; what was read back
 * has the digest of what was written.  ERR_MEMORY. */
int runlog_digest(const struct runlog *log, size_t rows, char digest[DIGEST_TEXT], struct err *err);
/* The same but for the last two columns, which are times: a run has it whenever it is trained. */
int runlog_digest_timeless(const struct runlog *log, size_t rows, char digest[DIGEST_TEXT],
                           struct err *err);

#endif
