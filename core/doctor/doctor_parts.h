/* doctor_parts.h -- the parts of an examination.  Each appends its findings and returns 0 or an
 * error. */
#ifndef DOCTOR_DOCTOR_PARTS_H
#define DOCTOR_DOCTOR_PARTS_H

#include "doctor/doctor.h"

/* Processor, cores and what else keeps them busy, GPU. */
int doctor_machine(struct findings *findings, struct err *err);
/* Each plugin, tried in processes of its own; which is fastest; what the main job takes. */
int doctor_backends(const struct doctor_options *options, struct findings *findings,
                    struct err *err);
/* Experiments, data sets, room for results. */
int doctor_places(const struct doctor_options *options, struct findings *findings, struct err *err);
/* Programs and libraries beside: gnuplot, LaTeX, MPI, what fetches. */
int doctor_tools(struct findings *findings, struct err *err);

#endif
