/* origin.h -- where a set of results comes from: who computed it, with what, when, how long; put
 * together from the manifests of its runs. */
#ifndef REPORT_ORIGIN_H
#define REPORT_ORIGIN_H

#include "results/curves.h"

struct err;

/* Texts are lists, "A; B", of what differs among the sessions; empty where no manifest says. */
struct origin {
    char *programs;  /* "0.1.0, commit 123a403801cb" */
    char *machines;  /* "AMD EPYC, 2 cores, Linux x86_64" */
    char *libraries; /* "oneDNN 2.6.3" */
    char *compilers; /* "12.2.0" */
    char first[24];  /* "2026-11-24": the day the first session started; or empty */
    char last[24];   /* the day the last one ended */
    size_t sessions; /* starts of runs */
    double seconds;  /* of all runs, training and evaluation, as the results say */
};

/* Of every finished run of the curves.  origin_release() is legal on a zeroed struct. */
int origin_read(struct origin *origin, const struct curves *curves, struct err *err);
void origin_release(struct origin *origin);

#endif
