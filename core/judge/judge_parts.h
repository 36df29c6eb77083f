/* judge_parts.h -- between the parts of the judge: judge.c (which claims can be judged), counts.c
 * (numbers of updates), final.c (final accuracies), track.c (curves that coincide), curves.c (their
 * shapes) and power.c (what so many seeds can tell).  Not for others. */
#ifndef JUDGE_JUDGE_PARTS_H
#define JUDGE_JUDGE_PARTS_H

#include "judge/bounds.h"
#include "judge/judge.h"
#include "judge/noise.h"

/* Of kinds that do not state one. */
#define CLAIMS_CONFIDENCE 0.95

/* The claim's number at the evidence's profile. */
double claims_number(const struct claim *claim, const struct claim_evidence *evidence,
                     enum claim_number which);
/* Name of the claim's i-th run. */
const char *claims_run_name(const struct claim *claim, const struct claim_evidence *evidence,
                            size_t i);

/* Appends to a text of CLAIM_TEXT bytes, as much as fits. */
void claims_say(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends "; 3 seeds", of each of the claim's runs. */
void claims_say_seeds(const struct claim *claim, const struct claim_evidence *evidence, char *text);

/* 0 when every log of the claim's runs follows its plan; else says in `text` which does not. */
int claims_find_stray(const struct claim *claim, const struct claim_evidence *evidence, char *text);

/* Mean of a quantity over epochs first .. end - 1, counted from 0. */
double claims_mean(const struct runlog *log, enum claim_quantity quantity, int first, int end);

/* A quantity of one epoch: a loss, or an accuracy. */
double claims_value(const struct runlog_row *row, enum claim_quantity quantity);

/* The outcome that the bounds give. */
enum claim_outcome claims_outcome(const struct bounds *bounds);

/* Fills power and need of a claim that numbers lie above their bounds.  kind: 1, the number is a
 * run's own; 2, a difference of two runs.  sign: 1, or -1 where the numbers are negated.  what: "a
 * fall"; below and above it the bound is `bound`. */
void claims_power_above(const struct claim *claim, const struct bounds *bounds,
                        const struct noise *noise, int kind, int sign, const char *what,
                        double bound, struct claim_verdict *verdict);
/* The same of a claim that `pairs` differences lie within +-margin. */
void claims_power_equal(const struct claim *claim, const struct bounds *bounds,
                        const struct noise *noise, size_t pairs, double margin,
                        struct claim_verdict *verdict);
/* Fills power and need of a claim on finished runs of which some are not there. */
void claims_power_ahead(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict);

/* The judges, one a kind (experiment/claim_kinds.h): they fill outcome, measured and needed.  For
 * one that judges finished runs, every run of the claim has at least one log, and every log is
 * whole; whether there are as many seeds as the claim asks for is the caller's to see to. */
#define CLAIM_JUDGE(kind, name, runs, other, least, flags, numbers, judge)                      \
    void claims_judge_##judge(const struct claim *claim, const struct claim_evidence *evidence, \
                              struct claim_verdict *verdict);
CLAIM_KINDS(CLAIM_JUDGE)
#undef CLAIM_JUDGE

#endif
