/* convert.h -- turns a schedule into its twins of equal noise scale: decaying learning rate,
 * increasing batch size, hybrid, and those that begin with a larger learning rate or momentum.  The
 * paper's main tool, on numbers alone: nothing here trains or reads a file.
 *
 * A schedule in words is a list of LR@EPOCH or LRxBATCH@EPOCH, each from that epoch on, the first
 * at 0: "0.1@0 0.02@60 0.004@120", or "0.1x128@0 0.1x640@60".  Where no batch is named it stays
 * what it was. */
#ifndef SCHEDULE_CONVERT_H
#define SCHEDULE_CONVERT_H

#include "schedule/schedule.h"

#include <stdint.h>

struct err;

/* Of a run; so the number of its updates fits an int64_t. */
#define CONVERT_TRAIN_MAX (INT64_C(1) << 40)
#define CONVERT_EPOCHS_MAX 100000

/* What carries the fall of the noise scale. */
enum convert_kind {
    CONVERT_BATCH = 1,  /* every step grows B, as far as batch_max; what is left decays lr */
    CONVERT_LR = 2,     /* every step decays lr */
    CONVERT_HYBRID = 3, /* the first step grows B, later ones decay lr */
};

/* What the words leave open. */
struct convert_setting {
    int64_t train_n; /* N, 50000 in the paper's CIFAR-10 figures */
    int64_t batch;   /* B of the first phase where the words name none */
    int epochs;      /* of the whole run */
    double momentum; /* m, 0 <= m < 1; 0 is SGD without */
    int64_t ghost;   /* 0: not checked */
};

/* What to turn it into. */
struct convert_target {
    enum convert_kind kind;
    /* of the first phase; 0: the source's.  B grows in proportion: eps/B stays */
    double lr;
    /* below 0: the source's.  B grows by (1 - m_source)/(1 - m): eqs. (4), (5) */
    double momentum;
    int64_t batch_max; /* 0: none */
    enum schedule_rule rule;
};

struct conversion {
    struct schedule from, to;
    struct schedule_spec spec; /* of `to`, without ghost */
};

/* Reads the words into the phases of a schedule.  ERR_USAGE, naming the word and the mend: not a
 * number, epochs that do not rise, a noise scale that does not fall. */
int convert_parse(const char *words, const struct convert_setting *setting, struct schedule *out,
                  struct err *err);

/* The twin of a schedule.  For each phase schedule_rate() is the source's; by the linear rule that
 * is the approximate noise scale lr N / (B (1 - m)), eq. (5).  ERR_INPUT where a batch would be no
 * whole number or exceed N. */
int convert(const struct schedule *from, const struct convert_setting *setting,
            const struct convert_target *target, struct conversion *out, struct err *err);

/* Both schedules phase by phase, updates saved, warnings (B above N/10, N_lost that eats half a
 * phase, B no multiple of the ghost), and the twin as a run for an experiment file.  *text is freed
 * with mem_free(). */
int convert_text(const struct conversion *conversion, const struct convert_setting *setting,
                 char **text, struct err *err);

/* The twin as a callback's table: {"phases": [{"first_epoch", "epochs", "batch_size",
 * "learning_rate", "momentum", "updates"}...]}. */
int convert_json(const struct conversion *conversion, char **text, struct err *err);

#endif
