/* Claims on the shapes of curves.  Means over epochs never reach across a step: what happens there
 * is the claim.  Each run is judged by itself, on a number a seed: the change from one edge of a
 * phase to another. */
#include "judge/judge_parts.h"

#include <math.h>

double claims_value(const struct runlog_row *row, enum claim_quantity quantity)
{
    return quantity == CLAIM_TRAIN_LOSS ? row->train_loss : row->test_accuracy;
}

double claims_mean(const struct runlog *log, enum claim_quantity quantity, int first, int end)
{
    double sum = 0.0;
    for (int epoch = first; epoch < end; epoch++)
        sum += claims_value(&log->rows[epoch], quantity);
    return sum / (double)(end - first);
}

/* The first or the last `smooth` epochs of a phase, or all of it where it is shorter. */
struct edge {
    int phase, last;
};

/* The number of one seed at an edge.  *scatter gains the variance that the scatter of its epochs
 * leaves in it, *between becomes the larger of itself and what is supposed of one epoch's number
 * between seeds. */
static double level_of(const struct claim *claim, const struct claim_evidence *evidence, size_t i,
                       size_t seed, struct edge edge, double *scatter, double *between)
{
    enum claim_quantity quantity = claim->quantity == 0 ? CLAIM_TEST_ACCURACY : claim->quantity;
    const struct phase *phase = &evidence->here[claim->runs[i]].phase[edge.phase];
    const struct runlog *log = &evidence->curves[claim->runs[i]].logs[seed];
    int smooth = (int)claims_number(claim, evidence, CLAIM_SMOOTH), end = phase->first_epoch;
    int length = smooth < phase->epochs ? smooth : phase->epochs;
    end += edge.last ? phase->epochs : length;
    double level = claims_mean(log, quantity, end - length, end);
    *scatter += noise_epochs(log, quantity, phase->first_epoch,
                             phase->first_epoch + phase->epochs) /
                (double)length;
    *between = fmax(*between, noise_supposed(quantity, level, evidence->test_n));
    return level;
}

/* A run's change from one edge to another; a cross-entropy is turned so that more is better. */
struct change {
    double from, to; /* means over seeds */
    struct sample by;
    struct noise noise;
};

/* Two epochs of one run answer the same images, so that their difference has at most the noise of
 * two independent counts; what is supposed of one, twice an error, is the double of that variance
 * already. */
static struct change change_of(const struct claim *claim, const struct claim_evidence *evidence,
                               size_t i, struct edge from, struct edge to)
{
    struct change change = {0};
    size_t seeds = evidence->curves[claim->runs[i]].count;
    double scatter = 0.0, between = 0.0, sign = claim->quantity == CLAIM_TRAIN_LOSS ? -1.0 : 1.0;
    for (size_t s = 0; s < seeds; s++) {
        double before = sign * level_of(claim, evidence, i, s, from, &scatter, &between);
        double after = sign * level_of(claim, evidence, i, s, to, &scatter, &between);
        change.from += before / (double)seeds;
        change.to += after / (double)seeds;
        sample_add(&change.by, after - before);
    }
    change.noise = noise_of(&change.by, 1, (struct sample){0}, scatter / (double)seeds + between);
    return change;
}

/* sign -1: the change must lie below what is asked, as a change of the other sign above. */
static void add_change(struct bounds *bounds, struct noise *widest, const struct change *change,
                       double sign, double above)
{
    double error = sqrt(change->noise.variance / (double)change->by.count);
    bounds_add(bounds,
               (struct bound){sign * change->by.mean, above, error, change->noise.df, 0, 0});
    *widest = change->noise.variance >= widest->variance ? change->noise : *widest;
}

void claims_judge_flat(const struct claim *claim, const struct claim_evidence *evidence,
                       struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP);
    double margin = claims_number(claim, evidence, CLAIM_MARGIN);
    struct bounds bounds = bounds_begin(CLAIMS_CONFIDENCE, 1.0 - CLAIMS_CONFIDENCE,
                                        claim->run_count);
    struct noise widest = {0};
    claims_say(verdict->measured, "gain after step %d:", step);
    for (size_t i = 0; i < claim->run_count; i++) {
        int last = evidence->here[claim->runs[i]].phase_count - 1;
        struct change gain = change_of(claim, evidence, i, (struct edge){step, 1},
                                       (struct edge){last, 1});
        add_change(&bounds, &widest, &gain, -1.0, -margin);
        claims_say(verdict->measured, "%s %+.2f (%s)", i == 0 ? "" : ",", 100.0 * gain.by.mean,
                   claims_run_name(claim, evidence, i));
    }
    claims_say(verdict->measured, " points");
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "below %g points from the last %g epochs before step %d to the last %g of the run, "
               "by one-sided t tests at %g %%",
               100.0 * margin, claims_number(claim, evidence, CLAIM_SMOOTH), step + 1,
               claims_number(claim, evidence, CLAIM_SMOOTH), 100.0 * CLAIMS_CONFIDENCE);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_above(claim, &bounds, &widest, 1, -1, "a gain", margin, verdict);
}

void claims_judge_sag(const struct claim *claim, const struct claim_evidence *evidence,
                      struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP);
    double sag = claims_number(claim, evidence, CLAIM_SAG),
           jump = claims_number(claim, evidence, CLAIM_JUMP);
    struct bounds bounds = bounds_begin(CLAIMS_CONFIDENCE, 1.0 - CLAIMS_CONFIDENCE,
                                        2 * claim->run_count);
    struct noise widest = {0};
    for (size_t i = 0; i < claim->run_count; i++) {
        struct edge peak = {step, 0}, low = {step, 1}, next = {step + 1, 0};
        struct change falls = change_of(claim, evidence, i, peak, low);
        struct change rises = change_of(claim, evidence, i, low, next);
        add_change(&bounds, &widest, &falls, -1.0, sag);
        add_change(&bounds, &widest, &rises, 1.0, jump);
        claims_say(verdict->measured,
                   "%s%s: %.2f %% after step %d, %.2f %% before step %d, %.2f %% after it",
                   i == 0 ? "" : "; ", claims_run_name(claim, evidence, i), 100.0 * falls.from,
                   step, 100.0 * falls.to, step + 1, 100.0 * rises.to);
    }
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "falls by more than %g points, then rises by more than %g; %g-epoch means, by "
               "one-sided t tests at %g %%",
               100.0 * sag, 100.0 * jump, claims_number(claim, evidence, CLAIM_SMOOTH),
               100.0 * CLAIMS_CONFIDENCE);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_above(claim, &bounds, &widest, 1, 1, "a fall and a rise", fmax(sag, jump),
                       verdict);
}

void claims_judge_improves(const struct claim *claim, const struct claim_evidence *evidence,
                           struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP),
        loss = claim->quantity == CLAIM_TRAIN_LOSS;
    double margin = claims_number(claim, evidence, CLAIM_MARGIN), unit = loss ? 1.0 : 100.0;
    struct bounds bounds = bounds_begin(CLAIMS_CONFIDENCE, 1.0 - CLAIMS_CONFIDENCE,
                                        claim->run_count);
    struct noise widest = {0};
    claims_say(verdict->measured, "%s at step %d:", loss ? "fall" : "rise", step);
    for (size_t i = 0; i < claim->run_count; i++) {
        struct change gain = change_of(claim, evidence, i, (struct edge){step - 1, 1},
                                       (struct edge){step, 0});
        add_change(&bounds, &widest, &gain, 1.0, margin);
        claims_say(verdict->measured, "%s %.3g (%s)", i == 0 ? "" : ",", unit * gain.by.mean,
                   claims_run_name(claim, evidence, i));
    }
    claims_say(verdict->measured, loss ? " nats" : " points");
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "more than %g %s from the %g epochs before to the %g after, by one-sided t tests at "
               "%g %%",
               unit * margin, loss ? "nats" : "points",
               claims_number(claim, evidence, CLAIM_SMOOTH),
               claims_number(claim, evidence, CLAIM_SMOOTH), 100.0 * CLAIMS_CONFIDENCE);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_above(claim, &bounds, &widest, 1, 1, loss ? "a fall" : "a rise", margin, verdict);
}
