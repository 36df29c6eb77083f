/* Claims that curves coincide, epoch by epoch.  Means over epochs never reach across a step. */
#include "judge/judge_parts.h"

#include <math.h>
#include <stdint.h>

/* Mean and sample variance over seeds of the moving mean around an epoch.  At the ends of a phase
 * the window moves inwards instead of shrinking: fewer epochs would make a noisier mean. */
static void smoothed(const struct claim_curves *curves, const struct phase *phase,
                     enum claim_quantity quantity, int epoch, int smooth, double *mean,
                     double *variance)
{
    int width = smooth < phase->epochs ? smooth : phase->epochs, first = epoch - (width - 1) / 2;
    int latest = phase->first_epoch + phase->epochs - width;
    first = first < phase->first_epoch ? phase->first_epoch : first > latest ? latest : first;
    int end = first + width;
    double sum = 0.0, squares = 0.0;
    for (size_t s = 0; s < curves->count; s++)
        sum += claims_mean(&curves->logs[s], quantity, first, end);
    *mean = sum / (double)curves->count;
    for (size_t s = 0; s < curves->count; s++) {
        double apart = claims_mean(&curves->logs[s], quantity, first, end) - *mean;
        squares += apart * apart;
    }
    *variance = curves->count < 2 ? 0.0 : squares / (double)(curves->count - 1);
}

/* The first epoch, from 0, in which two schedules do not do the same; `epochs` when there is
 * none. */
static int first_difference(const struct schedule *a, const struct schedule *b)
{
    for (int epoch = 0; epoch < a->epochs; epoch++) {
        const struct phase *p = schedule_at(a, epoch), *q = schedule_at(b, epoch);
        if (a->optimizer != b->optimizer || p->batch != q->batch || p->lr != q->lr ||
            p->momentum != q->momentum)
            return epoch;
    }
    return a->epochs;
}

struct track {
    /* of the worst epoch; at_most: the largest deviations * standard error anywhere */
    double gap, allowed, at_most;
    int epoch;   /* from 0; -1: the runs do the same throughout */
    size_t a, b; /* the pair, in the claim */
};

/* One pair over one phase from epoch `first` on.  The noise of a phase is one number: few seeds say
 * little about a single epoch.  The widest of many gaps is wider than one gap's error: at three
 * standard errors, the widest of about 27 independent ones (three pairs, nine windows) is beyond
 * them by chance in 7 of 100 experiments.  A claim's `deviations` answers for that. */
static void track_phase(const struct claim *claim, const struct claim_evidence *evidence, size_t a,
                        size_t b, const struct phase *phase, int first, struct track *worst)
{
    const struct claim_curves *curves[2] = {&evidence->curves[claim->runs[a]],
                                            &evidence->curves[claim->runs[b]]};
    int smooth = (int)claims_number(claim, evidence, CLAIM_SMOOTH),
        end = phase->first_epoch + phase->epochs;
    double mean[2], variance[2], noise = 0.0;
    first = first > phase->first_epoch ? first : phase->first_epoch;
    for (int epoch = first; epoch < end; epoch++)
        for (int i = 0; i < 2; i++) {
            smoothed(curves[i], phase, claim->quantity, epoch, smooth, &mean[i], &variance[i]);
            noise += variance[i] / (double)curves[i]->count / (double)(end - first);
        }
    noise = claims_number(claim, evidence, CLAIM_DEVIATIONS) * sqrt(noise);
    double allowed = fmax(noise, claims_number(claim, evidence, CLAIM_MARGIN));
    for (int epoch = first; epoch < end; epoch++) {
        for (int i = 0; i < 2; i++)
            smoothed(curves[i], phase, claim->quantity, epoch, smooth, &mean[i], &variance[i]);
        double gap = fabs(mean[0] - mean[1]);
        worst->at_most = fmax(worst->at_most, noise);
        if (worst->epoch < 0 || gap / allowed > worst->gap / worst->allowed) {
            worst->gap = gap;
            worst->allowed = allowed;
            worst->epoch = epoch;
            worst->a = a;
            worst->b = b;
        }
    }
}

static void say_track(const struct claim *claim, const struct claim_evidence *evidence,
                      const struct track *worst, struct claim_verdict *verdict)
{
    int loss = claim->quantity == CLAIM_TRAIN_LOSS;
    double unit = loss ? 1.0 : 100.0;
    const char *name = loss ? "nats" : "points";
    if (worst->epoch < 0)
        claims_say(verdict->measured, "these runs do the same in every epoch");
    else
        claims_say(
            verdict->measured,
            "widest gap %.3g %s of %.3g allowed there, at epoch %d (%s, %s), where the runs differ",
            unit * worst->gap, name, unit * worst->allowed, worst->epoch + 1,
            claims_run_name(claim, evidence, worst->a), claims_run_name(claim, evidence, worst->b));
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(
        verdict->needed,
        "gap of %g-epoch means over seeds at most %g %s or %g standard errors, those at most %g %s",
        claims_number(claim, evidence, CLAIM_SMOOTH),
        unit * claims_number(claim, evidence, CLAIM_MARGIN), name,
        claims_number(claim, evidence, CLAIM_DEVIATIONS),
        unit * claims_number(claim, evidence, CLAIM_RESOLUTION), name);
}

/* Epochs in which two runs still do the same say nothing and are left out. */
void claims_judge_track(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double resolution = claims_number(claim, evidence, CLAIM_RESOLUTION);
    struct track worst = {.epoch = -1};
    size_t least = SIZE_MAX;
    for (size_t a = 0; a < claim->run_count; a++) {
        const struct schedule *schedule = &evidence->here[claim->runs[a]];
        least = evidence->curves[claim->runs[a]].count < least
                    ? evidence->curves[claim->runs[a]].count
                    : least;
        for (size_t b = a + 1; b < claim->run_count; b++) {
            int first = first_difference(schedule, &evidence->here[claim->runs[b]]);
            for (int p = 0; p < schedule->phase_count; p++)
                if (first < schedule->phase[p].first_epoch + schedule->phase[p].epochs)
                    track_phase(claim, evidence, a, b, &schedule->phase[p], first, &worst);
        }
    }
    say_track(claim, evidence, &worst, verdict);
    if (worst.gap > worst.allowed)
        verdict->outcome = CLAIM_FAILS;
    else if (worst.at_most <= resolution)
        verdict->outcome = CLAIM_HOLDS;
    else {
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
        claims_say(verdict->measured,
                   "; the noise allows gaps that say nothing, about %.0f seeds are needed",
                   ceil((double)least * pow(worst.at_most / resolution, 2.0)));
    }
}
