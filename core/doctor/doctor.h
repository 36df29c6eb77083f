/* doctor.h -- whether the main job, `repro figure5`, can run here, and what would help. */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "doctor/findings.h"

struct err;

#define DOCTOR_FIGURE "figure5" /* the main job */

/* NULL: default. */
struct doctor_options {
    const char *share;   /* folder of experiments/ and plots/ */
    const char *data;    /* of CIFAR-10, as a figure is given it */
    const char *out;     /* where results go */
    const char *backend; /* by name or path, as a figure is given it */
    double limit;        /* seconds for each trial of a backend */
    int brief;           /* whether backends work, not how fast */
};

/* Appends what was found, in the order in which it is to be told.  0, whatever was found; else an
 * error that kept it from looking. */
int doctor_examine(const struct doctor_options *options, struct findings *findings,
                   struct err *err);

#endif
