/* words.h -- the sentences that a page and an appendix share. */
#ifndef REPORT_WORDS_H
#define REPORT_WORDS_H

#include "report/report.h"

struct err;

#define WORDS_TITLE "Don't Decay the Learning Rate, Increase the Batch Size: a reproduction"
#define WORDS_PAPER                                                                                \
    "Samuel L. Smith, Pieter-Jan Kindermans, Chris Ying and Quoc V. Le: Don't Decay the Learning " \
    "Rate, Increase the Batch Size, ICLR 2018, arXiv 1711.00489."

/* How verdicts, profiles and printed curves are to be read; a paragraph each, ended by NULL. */
extern const char *const words_reading[];

/* How many sets, figures and verdicts, and where the results lie. */
int words_summary(const struct report *report, char **text, struct err *err);

/* What is not there: stale runs, nothing trained; empty where there is nothing to say. */
int words_missing(const struct report *report, const struct report_figure *figure, char **text,
                  struct err *err);

/* What the pictures show; `paper`: printed curves are among them. */
int words_caption(const struct report_set *set, int paper, char **text, struct err *err);

#endif
