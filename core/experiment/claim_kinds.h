/* claim_kinds.h -- the kinds of claims, a row each: what an experiment file says of one, what it
 * must make sense of, and who judges it.
 *
 * X(ENUM, name, runs, other, least, flags, numbers, judge)
 *     ENUM      CLAIM_ENUM is its number
 *     name      in the file
 *     runs      key of its runs: "run", one, or "runs", an array
 *     other     key of a second run, or NULL
 *     least     runs that the array must have
 *     flags     CLAIM_* below
 *     numbers   keys of its numbers, CLAIM_BIT() of enum claim_number
 *     judge     claims_judge_JUDGE() of judge/judge_parts.h
 *
 * A new kind is a row here and its judge.  The row is expanded where the file is read (claims.c)
 * and where the judges stand (judge/judge.c): what has no judge does not link. */
#ifndef EXPERIMENT_CLAIM_KINDS_H
#define EXPERIMENT_CLAIM_KINDS_H

/* Judged by the plan at the paper's scale; else by finished runs of the profile. */
#define CLAIM_PLANNED 1u
/* Speaks of a quantity. */
#define CLAIM_QUANTIFIED 2u
/* Its yardstick is the noise between seeds: there must be two. */
#define CLAIM_NOISY 4u
/* Compares phase with phase: its runs have the same steps. */
#define CLAIM_SAME_STEPS 8u
/* Its step has one behind it. */
#define CLAIM_LATER_STEP 16u

#define CLAIM_BIT(number) (1u << CLAIM_##number)

#define CLAIM_KINDS(X)                                                                            \
    /* |updates - value| <= within */                                                             \
    X(UPDATES_ABOUT, "updates_about", "run", NULL, 1, CLAIM_PLANNED,                              \
      CLAIM_BIT(VALUE) | CLAIM_BIT(WITHIN), about)                                                \
    /* updates < value */                                                                         \
    X(UPDATES_BELOW, "updates_below", "run", NULL, 1, CLAIM_PLANNED, CLAIM_BIT(VALUE), below)     \
    /* updates of run >= value * updates of over */                                               \
    X(RATIO_AT_LEAST, "ratio_at_least", "run", "over", 1, CLAIM_PLANNED, CLAIM_BIT(VALUE), ratio) \
    /* mean final test accuracies within margin; two one-sided t tests */                         \
    X(EQUAL_FINAL_ACCURACY, "equal_final_accuracy", "runs", NULL, 2, CLAIM_NOISY,                 \
      CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS) | CLAIM_BIT(CONFIDENCE), equal)                        \
    /* run's mean lies more than margin below that of `below`; one-sided t test */                \
    X(LOWER_FINAL_ACCURACY, "lower_final_accuracy", "run", "below", 1, 0,                         \
      CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS) | CLAIM_BIT(CONFIDENCE), lower)                        \
    /* mean final test accuracy > value - margin, the rounding of what is printed; t test */      \
    X(FINAL_ACCURACY_AT_LEAST, "final_accuracy_at_least", "run", NULL, 1, 0,                      \
      CLAIM_BIT(VALUE) | CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS), least)                             \
    /* mean gaps of phases within margin; no gap of smoothed means seen beyond it */              \
    X(TRACK_BY_EPOCH, "track_by_epoch", "runs", NULL, 2,                                          \
      CLAIM_QUANTIFIED | CLAIM_NOISY | CLAIM_SAME_STEPS,                                          \
      CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS) | CLAIM_BIT(SMOOTH) | CLAIM_BIT(CONFIDENCE) |          \
          CLAIM_BIT(RESOLUTION),                                                                  \
      track)                                                                                      \
    /* final test accuracy - that before step + 1 < margin; t tests */                            \
    X(FLAT_AFTER, "flat_after", "runs", NULL, 1, CLAIM_LATER_STEP,                                \
      CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS) | CLAIM_BIT(SMOOTH) | CLAIM_BIT(STEP), flat)           \
    /* test accuracy falls by > sag from step to step + 1, then rises by > jump; t tests */       \
    X(SAGS_AND_JUMPS, "sags_and_jumps", "runs", NULL, 1, CLAIM_LATER_STEP,                        \
      CLAIM_BIT(SEEDS) | CLAIM_BIT(SMOOTH) | CLAIM_BIT(STEP) | CLAIM_BIT(SAG) | CLAIM_BIT(JUMP),  \
      sag)                                                                                        \
    /* better by > margin from before the step to after it; t tests */                            \
    X(IMPROVES_AT, "improves_at", "runs", NULL, 1, CLAIM_QUANTIFIED,                              \
      CLAIM_BIT(MARGIN) | CLAIM_BIT(SEEDS) | CLAIM_BIT(SMOOTH) | CLAIM_BIT(STEP), improves)

#endif
