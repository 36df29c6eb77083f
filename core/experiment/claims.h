/* claims.h -- the sentences the paper builds on, as data in the experiment file.  Whether they
 * held, judge/judge.h says.
 *
 * A claim is the paper's words (or what a printed curve shows), a kind (claim_kinds.h), the runs it
 * speaks of, numbers, and their source:
 *     claims = ( { quote = "under 6500 updates"; section = "5.2"; kind = "updates_below";
 *                  run = "increased-initial-learning-rate"; value = 6500; from = "the words"; },
 *                      ... );
 * A number is one for every profile, or one each, { paper = 0.005; small = 0.01; }; at a profile
 * left out the claim is not judged.  Epochs are those of the profile; a step is an index, 1 for the
 * first.  Accuracies are fractions.
 */
#ifndef EXPERIMENT_CLAIMS_H
#define EXPERIMENT_CLAIMS_H

#include "experiment/claim_kinds.h"
#include "experiment/experiment.h"
#include "experiment/settings.h"
#include "schedule/schedule.h"

#include <stddef.h>
#include <stdint.h>

struct err;

#define CLAIM_RUN_MAX 8

enum claim_kind {
    CLAIM_NO_KIND,
#define CLAIM_ENUM(kind, name, runs, other, least, flags, numbers, judge) CLAIM_##kind,
    CLAIM_KINDS(CLAIM_ENUM)
#undef CLAIM_ENUM
        CLAIM_KIND_END,
};

enum claim_quantity { CLAIM_TEST_ACCURACY = 1, CLAIM_TRAIN_LOSS };

/* The numbers a claim can state; which, its kind says. */
enum claim_number {
    CLAIM_VALUE,
    CLAIM_WITHIN,
    CLAIM_MARGIN,
    CLAIM_SEEDS,      /* finished seeds of each run below which there is no verdict */
    CLAIM_CONFIDENCE, /* HOLDS and FAILS are each wrong in at most 1 - it; 0.5 to 1 */
    CLAIM_SMOOTH,     /* epochs in a moving mean; no mean reaches across a step */
    CLAIM_RESOLUTION, /* a band of gaps that is wider, to either side, is too wide for HOLDS */
    CLAIM_STEP,
    CLAIM_SAG,
    CLAIM_JUMP,
    CLAIM_NUMBERS,
};

struct claim {
    const char *quote;   /* the paper's own words, or NULL: then */
    const char *drawn;   /* what a printed curve shows and no sentence says */
    const char *section; /* "5.2" */
    const char *from;    /* where the tolerance comes from */
    const char *kind_name;
    enum claim_kind kind;
    enum claim_quantity quantity; /* 0 where the kind has none */
    size_t run_count;
    /* indices into the experiment's runs; [1] is `over` or `below` */
    size_t runs[CLAIM_RUN_MAX];
    double number[CLAIM_NUMBERS][EXPERIMENT_PROFILE_MAX]; /* NaN: not stated for that profile */
};

/* Reads the key `claims`; runs and profiles of the experiment are known by now.  *claims is freed
 * with mem_free(), its texts belong to the file.  ERR_INPUT "path:line: ..." for anything unknown,
 * missing, out of bounds, or a step that a run does not have. */
int claims_parse(struct settings_view *top, const struct experiment *experiment,
                 struct claim **claims, size_t *count);

#endif
