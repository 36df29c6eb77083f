/* Claims on the shapes of curves.  Means over epochs never reach across a step: what happens there
 * is the claim. */
#include "judge/judge_parts.h"

#include <math.h>

static double value_of(const struct runlog_row *row, enum claim_quantity quantity)
{
    return quantity == CLAIM_TRAIN_LOSS ? row->train_loss : row->test_accuracy;
}

double claims_mean(const struct runlog *log, enum claim_quantity quantity, int first, int end)
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
        sum += claims_mean(&curves->logs[s], quantity, first, first + length);
    return sum / (double)curves->count;
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

void claims_judge_flat(const struct claim *claim, const struct claim_evidence *evidence,
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

void claims_judge_sag(const struct claim *claim, const struct claim_evidence *evidence,
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

void claims_judge_improves(const struct claim *claim, const struct claim_evidence *evidence,
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
