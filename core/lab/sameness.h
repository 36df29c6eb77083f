/* sameness.h -- what every rank of a job must have the same, so that it does not matter where a
 * group is computed. */
#ifndef LAB_SAMENESS_H
#define LAB_SAMENESS_H

struct err;
struct figure;
struct ranks;

/* The running program: version, commit and a digest of the file.  Before anything else is said
 * among ranks. */
int sameness_program(struct ranks *ranks, const char *version, const char *commit, struct err *err);

/* Experiment, profile, data, backend, library, processor, and the identity of each run.  ERR_INPUT
 * on all ranks, with the name of what differs, its rank and host. */
int sameness_figure(struct ranks *ranks, const struct figure *figure, struct err *err);

#endif
