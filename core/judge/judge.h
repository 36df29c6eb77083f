/* judge.h -- whether what the paper says held.
 *
 * Counts are judged from the plan at the paper's scale; every finished log must agree with its own
 * plan.  Everything else is judged from finished runs of the profile at hand, and says so.  Pure
 * functions: nothing here reads a file. */
#ifndef JUDGE_JUDGE_H
#define JUDGE_JUDGE_H

#include "experiment/claims.h"
#include "experiment/experiment.h"
#include "results/runlog.h"
#include "schedule/schedule.h"

#include <stddef.h>
#include <stdint.h>

#define CLAIM_TEXT 512

/* The finished seeds of one run: complete logs, one row an epoch; may be none. */
struct claim_curves {
    size_t count;
    const struct runlog *logs;
};

struct claim_evidence {
    const struct experiment *experiment;
    size_t profile;                    /* index into the experiment's */
    int64_t test_n;                    /* images behind a test accuracy */
    const struct schedule *paper;      /* of each run, at the paper's scale */
    const struct schedule *here;       /* at the profile's */
    const struct claim_curves *curves; /* of each run, at the profile's */
};

enum claim_outcome { CLAIM_HOLDS, CLAIM_FAILS, CLAIM_NOT_ENOUGH_RUNS, CLAIM_NOT_RUN };

/* What the noise between seeds asks of a claim.  spread 0: nothing; its numbers have none, or it
 * cannot be judged at this profile. */
struct claim_need {
    double spread;     /* standard deviation of one seed's number; a fraction, or nats */
    int supposed;      /* 1: not shown by these seeds (noise.h) */
    int nats;          /* 1: the number is a cross-entropy */
    size_t seeds;      /* of each run, for a verdict with BOUNDS_POWER; BOUNDS_SEEDS + 1: more */
    const char *where; /* "if the runs are equal" */
};

struct claim_verdict {
    enum claim_outcome outcome;
    /* "36.1 times (78000 / 2160 updates) at the paper's scale, by the plan; ..." */
    char measured[CLAIM_TEXT];
    char needed[CLAIM_TEXT]; /* "at least 30 times", without `from` */
    /* What so many seeds can tell, whatever was measured: "a difference of 1.3 points or more would
     * be seen ..."; empty where there is no noise. */
    char power[CLAIM_TEXT];
    struct claim_need need;
};

/* "HOLDS", "FAILS", "NOT ENOUGH RUNS", "NOT RUN". */
const char *claim_outcome_word(enum claim_outcome outcome);

void claim_judge(const struct claim *claim, const struct claim_evidence *evidence,
                 struct claim_verdict *verdict);

#endif
