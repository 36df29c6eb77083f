/* judge_parts.h -- between the parts of the judge: judge.c (which claims can be judged), counts.c
 * (numbers of updates), final.c (final accuracies), track.c (curves that coincide) and curves.c
 * (their shapes).  Not for others. */
#ifndef JUDGE_JUDGE_PARTS_H
#define JUDGE_JUDGE_PARTS_H

#include "judge/judge.h"

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

/* The judges, one a kind (experiment/claim_kinds.h): they fill outcome, measured and needed.  For
 * one that judges finished runs, every run of the claim has at least one log, and every log is
 * whole; whether there are as many seeds as the claim asks for is the caller's to see to. */
#define CLAIM_JUDGE(kind, name, runs, other, least, flags, numbers, judge)                      \
    void claims_judge_##judge(const struct claim *claim, const struct claim_evidence *evidence, \
                              struct claim_verdict *verdict);
CLAIM_KINDS(CLAIM_JUDGE)
#undef CLAIM_JUDGE

#endif
