/* Claims on what was trained.  Means over epochs never reach across a step: what happens there is
 * the claim. */
#include "judge/judge_parts.h"

#include <math.h>

static double value_of(const struct runlog_row *row, enum claim_quantity quantity)
{
    return quantity == CLAIM_TRAIN_LOSS ? row->train_loss : row->test_accuracy;
}

/* Mean of epochs first .. end - 1, counted from 0. */
static double mean_of(const struct runlog *log, enum claim_quantity quantity, int first, int end)
{
    double sum = 0.0;
    for (int epoch = first; epoch < end; epoch++)
        sum += value_of(&log->rows[epoch], quantity);
    return sum / (double)(end - first);
}

/* Of the first or the last `smooth` epochs of a phase, or all of it where it is shorter; mean over
 * a run's seeds. */
static double edge_of(const struct claim_curves *curves, const struct schedule *schedule,
                      enum claim_quantity quantity, int phase_index, int last, int smooth)
{
    const struct phase *phase = &schedule->phase[phase_index];
    int length = smooth < phase->epochs ? smooth : phase->epochs;
    int first = last ? phase->first_epoch + phase->epochs - length : phase->first_epoch;
    double sum = 0.0;
    for (size_t s = 0; s < curves->count; s++)
        sum += mean_of(&curves->logs[s], quantity, first, first + length);
    return sum / (double)curves->count;
}

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
        sum += mean_of(&curves->logs[s], quantity, first, end);
    *mean = sum / (double)curves->count;
    for (size_t s = 0; s < curves->count; s++) {
        double apart = mean_of(&curves->logs[s], quantity, first, end) - *mean;
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
static void judge_track(const struct claim *claim, const struct claim_evidence *evidence,
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

/* Test accuracy, or cross-entropy turned so that more is better, at an edge of a phase. */
static double level(const struct claim *claim, const struct claim_evidence *evidence, size_t i,
                    int phase, int last)
{
    enum claim_quantity quantity = claim->quantity == 0 ? CLAIM_TEST_ACCURACY : claim->quantity;
    double value = edge_of(&evidence->curves[claim->runs[i]], &evidence->here[claim->runs[i]],
                           quantity, phase, last,
                           (int)claims_number(claim, evidence, CLAIM_SMOOTH));
    return quantity == CLAIM_TRAIN_LOSS ? -value : value;
}

static void judge_flat(const struct claim *claim, const struct claim_evidence *evidence,
                       struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP);
    double margin = claims_number(claim, evidence, CLAIM_MARGIN), most = -INFINITY;
    claims_say(verdict->measured, "gain after step %d:", step);
    for (size_t i = 0; i < claim->run_count; i++) {
        int last = evidence->here[claim->runs[i]].phase_count - 1;
        double gain = level(claim, evidence, i, last, 1) - level(claim, evidence, i, step, 1);
        most = gain > most ? gain : most;
        claims_say(verdict->measured, "%s %+.2f (%s)", i == 0 ? "" : ",", 100.0 * gain,
                   claims_run_name(claim, evidence, i));
    }
    claims_say(verdict->measured, " points");
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "at most %g points from the last %g epochs before step %d to the last %g of the run",
               100.0 * margin, claims_number(claim, evidence, CLAIM_SMOOTH), step + 1,
               claims_number(claim, evidence, CLAIM_SMOOTH));
    verdict->outcome = most <= margin ? CLAIM_HOLDS : CLAIM_FAILS;
}

static void judge_sag(const struct claim *claim, const struct claim_evidence *evidence,
                      struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP), holds = 1;
    double sag = claims_number(claim, evidence, CLAIM_SAG),
           jump = claims_number(claim, evidence, CLAIM_JUMP);
    for (size_t i = 0; i < claim->run_count; i++) {
        double peak = level(claim, evidence, i, step, 0), low = level(claim, evidence, i, step, 1);
        double next = level(claim, evidence, i, step + 1, 0);
        holds &= peak - low >= sag && next - low >= jump;
        claims_say(verdict->measured,
                   "%s%s: %.2f %% after step %d, %.2f %% before step %d, %.2f %% after it",
                   i == 0 ? "" : "; ", claims_run_name(claim, evidence, i), 100.0 * peak, step,
                   100.0 * low, step + 1, 100.0 * next);
    }
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "falls by at least %g points, then rises by at least %g; %g-epoch means",
               100.0 * sag, 100.0 * jump, claims_number(claim, evidence, CLAIM_SMOOTH));
    verdict->outcome = holds ? CLAIM_HOLDS : CLAIM_FAILS;
}

static void judge_improves(const struct claim *claim, const struct claim_evidence *evidence,
                           struct claim_verdict *verdict)
{
    int step = (int)claims_number(claim, evidence, CLAIM_STEP), holds = 1,
        loss = claim->quantity == CLAIM_TRAIN_LOSS;
    double margin = claims_number(claim, evidence, CLAIM_MARGIN), unit = loss ? 1.0 : 100.0;
    claims_say(verdict->measured, "%s at step %d:", loss ? "fall" : "rise", step);
    for (size_t i = 0; i < claim->run_count; i++) {
        double gain = level(claim, evidence, i, step, 0) - level(claim, evidence, i, step - 1, 1);
        holds &= gain >= margin;
        claims_say(verdict->measured, "%s %.3g (%s)", i == 0 ? "" : ",", unit * gain,
                   claims_run_name(claim, evidence, i));
    }
    claims_say(verdict->measured, loss ? " nats" : " points");
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed, "at least %g %s from the %g epochs before to the %g after",
               unit * margin, loss ? "nats" : "points",
               claims_number(claim, evidence, CLAIM_SMOOTH),
               claims_number(claim, evidence, CLAIM_SMOOTH));
    verdict->outcome = holds ? CLAIM_HOLDS : CLAIM_FAILS;
}

void claims_judge_curves(const struct claim *claim, const struct claim_evidence *evidence,
                         struct claim_verdict *verdict)
{
    switch (claim->kind) {
    case CLAIM_EQUAL_FINAL_ACCURACY:
        claims_judge_equal(claim, evidence, verdict);
        return;
    case CLAIM_LOWER_FINAL_ACCURACY:
        claims_judge_lower(claim, evidence, verdict);
        return;
    case CLAIM_TRACK_BY_EPOCH:
        judge_track(claim, evidence, verdict);
        return;
    case CLAIM_FLAT_AFTER:
        judge_flat(claim, evidence, verdict);
        return;
    case CLAIM_SAGS_AND_JUMPS:
        judge_sag(claim, evidence, verdict);
        return;
    default:
        judge_improves(claim, evidence, verdict);
    }
}
