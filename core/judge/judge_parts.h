/* judge_parts.h -- between the parts of the judge: judge.c (counts), final.c (final accuracies) and
 * curves.c (the rest).  Not for others. */
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

/* Judges a claim on curves.  Every run of it has at least one log, and every log is whole.  Whether
 * there are as many seeds as the claim asks for is the caller's to see to. */
void claims_judge_curves(const struct claim *claim, const struct claim_evidence *evidence,
                         struct claim_verdict *verdict);

/* The same for one kind; in final.c. */
void claims_judge_equal(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict);
void claims_judge_lower(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict);

#endif
