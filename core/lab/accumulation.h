/* accumulation.h -- the paper's Appendix A, measured: how the momentum accumulation grows at the
 * start of training.
 *
 * With a constant gradient G the accumulation after s updates is A = G/(1-m) (1 - e^{-(1-m)s}), eq.
 * (11), and what it lacks until then costs N_lost = B/(N(1-m)) epochs, eq. (13).  Measured are the
 * optimizer's own MOMENT1 arena, and
 *     share(s) = (1-m) <A_s, G> / <G, G>,    predicted 1 - e^{-(1-m)s},
 * where G is the mean gradient at the initial weights over one whole epoch of other crops and
 * flips, computed apart. "Held" keeps the weights in place (lr so small that no bit of them moves),
 * so that only the noise of batches is between the formula and the measurement; "training" lets
 * them move at the run's lr, and G with them. */
#ifndef LAB_ACCUMULATION_H
#define LAB_ACCUMULATION_H

#include "results/run.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct session;

/* 1 - e^{-(1-m) s}: eq. (11) in units of G/(1-m). */
double accumulation_share(double momentum, double updates);

/* Least squares of level * (1 - e^{-s/timescale}) to share[s-1], s = 1..count; timescale in
 * updates, between 0.1 and 100 * count.  Needs count >= 2. */
void accumulation_fit(const double *share, size_t count, double *timescale, double *level);

/* Sum over s = 1..count of 1 - share[s-1], in updates; what is missing behind the end is not added.
 * A constant gradient gives m/(1-m) (1 - m^count): the integral of eq. (13) less about half an
 * update on either side. */
double accumulation_lost(const double *share, size_t count);

/* One measurement. */
struct growth {
    const struct run *run;
    int held;
    size_t count;      /* updates measured */
    double *share;     /* [count] */
    double *magnitude; /* [count], (1-m) |A_s| / |G| */
    double epochs;     /* that an update takes: B/N */
    double predicted;  /* N_lost, epochs, eq. (13) */
    /* With the weights held only; in training G itself changes and there is no level to grow to:
     * NaN. */
    double lost;      /* accumulation_lost() in epochs */
    double timescale; /* accumulation_fit() in epochs; eq. (11) has N_lost here */
    double level;     /* of the fit; eq. (11) has 1 */
    size_t agrees;    /* updates from the first on that lie within 0.1 of eq. (11) */
};

/* Updates that are measured for a momentum: 5/(1-m), after which e^{-5} = 0.7 % is missing. */
size_t accumulation_updates(double momentum);

/* The mean gradient at the run's initial weights over epoch 1, in `gradient`, param_count
 * floats. */
int accumulation_gradient(const struct session *session, const struct run *run, float *gradient,
                          struct err *err);

/* Trains from the start and measures; *out is released by growth_release(), legal on a zeroed
 * struct. */
int accumulation_measure(const struct session *session, const struct run *run,
                         const float *gradient, int held, struct growth *out, struct err *err);
void growth_release(struct growth *growth);

/* Every measurement as a table: one row an update, under two lines of comment with the figure's
 * title and caption; and one row a measurement.  To be freed with mem_free(). */
int accumulation_points(const struct growth *growths, size_t count, const char *title,
                        const char *caption, char **text, struct err *err);
int accumulation_summary(const struct growth *growths, size_t count, char **text, struct err *err);

#endif
