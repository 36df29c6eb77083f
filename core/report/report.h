/* report.h -- what a report shows, read from finished results alone: of every figure its sets of
 * results, of every set its curves in numbers, the verdicts, and where it comes from.  web.h makes
 * a page of it, appendix.h a LaTeX appendix.
 *
 * A report points into itself and into what its options name: it is not copied or moved. */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include "experiment/conventions.h"
#include "experiment/plan.h"
#include "judge/evidence.h"
#include "judge/verdicts.h"
#include "report/origin.h"
#include "results/curves.h"
#include "results/sets.h"
#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define REPORT_SERIES 16 /* curves of a study that have names */

struct report_options {
    const char *share; /* the folder of experiments/ and plots/ */
    const char *out;   /* of results */
    const struct experiment *const *experiments;
    const char *const *asked; /* what a user calls each of them: a name or a path */
    size_t count;
    const struct sets_choice *choice; /* of results; all NULL and 0: every set there is */
    const char *conventions;          /* as a user applied them to the experiments, or NULL */
    const char *program;              /* "repro 0.1.0 (COMMIT)": what made the report */
    /* what captions call a data set of that name, or NULL */
    void (*data_title)(struct facts_data *data);
};

/* One run of the experiment in numbers, over its finished seeds. */
struct report_curve {
    int64_t updates;       /* of the schedule, at the profile's scale */
    int64_t paper_updates; /* the same at the paper's */
    enum plan_verdict words;
    size_t seeds; /* finished; 0: the rest is 0 */
    /* at the last epoch: the mean, the sample standard deviation, the lowest and the highest of the
     * test accuracies, 0..1, and the mean training cross-entropy in nats */
    double accuracy, deviation, lowest, highest, loss;
    double seconds;   /* of all seeds, training and evaluation */
    size_t begun;     /* further seeds that are begun */
    int going_epochs; /* finished by the first of those */
};

struct report_set {
    struct result_set found; /* trained == 0: only its facts' experiment and profile */
    int trained;             /* 0: by the plan alone */
    size_t wanted;           /* runs, of every seed from the lowest to the highest */
    char *name;              /* of files and anchors, no other set of the report has it */
    char *title;             /* in what it differs from others of the figure */
    char *caption;           /* data, scale, network, backend */
    char *command;           /* for a shell: makes it again */
    char conventions[CONVENTIONS_TEXT]; /* or empty: all are the default */
    struct curves curves;
    struct report_curve *curve; /* [the experiment's runs] */
    struct evidence evidence;
    struct verdicts verdicts;
    struct origin origin;
};

/* Measurements of a study, from its two tables. */
struct report_study {
    char *name, *stem; /* stem: of its files */
    char *title;
    char *caption;
    char *command;
    char *points, *summary;         /* the tables' texts */
    size_t measurements;            /* half of them with the weights held, which come first */
    size_t series_count;            /* of those, as many as a picture tells apart */
    char series[REPORT_SERIES][48]; /* "m = 0.9, B = 32" */
};

struct report_figure {
    const struct experiment *experiment;
    const char *asked;
    size_t set_count, study_count;
    struct report_set *sets; /* none of a study; else at least one */
    struct report_study *studies;
    size_t stale; /* finished runs that the file does not ask for today */
    char stale_words[SETS_TEXT];
};

struct report {
    const struct report_options *options;
    struct store store;
    size_t figure_count;
    struct report_figure *figures; /* in the options' order */
};

/* Reads logs and manifests, writes nothing.  A folder without results makes a report of plans.
 * ERR_INPUT for a damaged log or manifest of a run that is shown.  report_release() is legal on a
 * zeroed struct. */
int report_read(struct report *report, const struct report_options *options, struct err *err);
void report_release(struct report *report);

/* Sums over every set: of each enum claim_outcome. */
void report_outcomes(const struct report *report, size_t outcomes[4]);

/* Bytes a shell reads as one word: quoted where that is needed. */
struct text;
void report_put_word(struct text *out, const char *word);

#endif
