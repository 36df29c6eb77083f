/* What so many seeds can tell, and how many it takes: said beside every verdict, so that HOLDS is
 * never the reward of a wide margin or of few data. */
#include "judge/judge_parts.h"

#include "base/statistics.h"

#include <math.h>

#define PERCENT (100.0 * BOUNDS_POWER)
#define LOSS_AHEAD 0.5 /* nats, near the printed curves' first step */

static const char *unit_of(const struct claim_need *need)
{
    return need->nats ? "nats" : "points";
}

/* Fractions are told as points. */
static double told(const struct claim_need *need, double value)
{
    return need->nats ? value : 100.0 * value;
}

static void say_need(const struct claim_need *need, char *text)
{
    claims_say(text, "; by a spread between seeds of %.2g %s, %s, ", told(need, need->spread),
               unit_of(need), need->supposed ? "supposed" : "as seen");
    if (need->seeds > BOUNDS_SEEDS)
        claims_say(text, "more than %d seeds would tell %s", BOUNDS_SEEDS, need->where);
    else
        claims_say(text, "about %zu seed%s would tell %s", need->seeds, need->seeds == 1 ? "" : "s",
                   need->where);
}

static struct claim_need need_of(const struct claim *claim, const struct noise *noise,
                                 const char *where)
{
    return (struct claim_need){.spread = sqrt(noise->variance),
                               .supposed = noise->supposed,
                               .nats = claim->quantity == CLAIM_TRAIN_LOSS,
                               .where = where};
}

void claims_power_above(const struct claim *claim, const struct bounds *bounds,
                        const struct noise *noise, int kind, int sign, const char *what,
                        double bound, struct claim_verdict *verdict)
{
    struct claim_need need = need_of(claim, noise, "if it is as measured");
    double room = bounds->least.value - bounds->least.above;
    double confidence = room < 0.0 ? 1.0 - bounds->level / (double)bounds->count
                                   : bounds->confidence;
    need.seeds = bounds_seeds(need.spread, fabs(room), kind, 0, confidence);
    claims_say(verdict->power,
               "%s of %.3g %s or %s would be seen to hold, of %.3g or %s to fail, in %.0f of 100 "
               "trials",
               what, told(&need, bound + sign * bounds_seen_above(bounds)), unit_of(&need),
               sign > 0 ? "more" : "less", told(&need, bound - sign * bounds_seen_below(bounds)),
               sign > 0 ? "less" : "more", PERCENT);
    say_need(&need, verdict->power);
    verdict->need = need;
}

void claims_power_equal(const struct claim *claim, const struct bounds *bounds,
                        const struct noise *noise, size_t pairs, double margin,
                        struct claim_verdict *verdict)
{
    struct claim_need need = need_of(claim, noise, "if the runs are equal");
    need.seeds = bounds_seeds(need.spread, margin, 2, pairs, bounds->confidence);
    claims_say(
        verdict->power,
        "a difference of %.3g %s or more would be seen in %.0f of 100 trials, and equal runs "
        "be seen to be equal in at least %.0f",
        told(&need, margin + bounds_seen_below(bounds)), unit_of(&need), PERCENT,
        floor(100.0 * bounds_equal_hold(bounds, margin, pairs)));
    say_need(&need, verdict->power);
    verdict->need = need;
}

/* ---- Before anything is trained ---- */

/* Where accuracies lie: as trained so far, else as the paper prints them, else where counting errs
 * most. */
static double level_ahead(const struct claim *claim, const struct claim_evidence *evidence)
{
    const struct experiment *experiment = evidence->experiment;
    struct sample trained = {0}, printed = {0};
    for (size_t run = 0; run < experiment->run_count; run++)
        for (size_t s = 0; s < evidence->curves[run].count; s++) {
            const struct runlog *log = &evidence->curves[run].logs[s];
            sample_add(&trained, log->rows[log->count - 1].test_accuracy);
        }
    for (size_t i = 0; i < claim->run_count; i++)
        if (experiment->runs[claim->runs[i]].paper_accuracy > 0.0)
            sample_add(&printed, experiment->runs[claim->runs[i]].paper_accuracy);
    return trained.count > 0 ? trained.mean : printed.count > 0 ? printed.mean : 0.5;
}

/* What seeds of the figure's runs show of a final accuracy; zeroed where they show nothing. */
static struct sample shown_ahead(const struct claim_evidence *evidence)
{
    struct sample shown = {0};
    for (size_t run = 0; run < evidence->experiment->run_count; run++) {
        struct sample sample = {0};
        for (size_t s = 0; s < evidence->curves[run].count; s++) {
            const struct runlog *log = &evidence->curves[run].logs[s];
            sample_add(&sample, log->rows[log->count - 1].test_accuracy);
        }
        shown.squares += sample.squares;
        shown.count += sample.count > 1 ? sample.count - 1 : 0;
    }
    return shown;
}

/* How far from its bound a claim's number is supposed to lie: as the paper prints two accuracies,
 * else as far again as the bound is from 0. */
static double distance_ahead(const struct claim *claim, const struct claim_evidence *evidence)
{
    const struct experiment_run *runs = evidence->experiment->runs;
    double bound = claims_number(claim, evidence, CLAIM_MARGIN);
    if (claim->kind == CLAIM_SAGS_AND_JUMPS)
        return fmin(claims_number(claim, evidence, CLAIM_SAG),
                    claims_number(claim, evidence, CLAIM_JUMP));
    if (claim->kind == CLAIM_LOWER_FINAL_ACCURACY && runs[claim->runs[0]].paper_accuracy > 0.0 &&
        runs[claim->runs[1]].paper_accuracy > 0.0)
        return fabs(runs[claim->runs[1]].paper_accuracy - runs[claim->runs[0]].paper_accuracy -
                    bound);
    return bound;
}

void claims_power_ahead(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    size_t pairs = claim->run_count * (claim->run_count - 1) / 2;
    int equal = claim->kind == CLAIM_EQUAL_FINAL_ACCURACY || claim->kind == CLAIM_TRACK_BY_EPOCH;
    int kind = equal || claim->kind == CLAIM_LOWER_FINAL_ACCURACY ? 2 : 1;
    double stated = claims_number(claim, evidence, CLAIM_CONFIDENCE);
    double confidence = stated > 0.0 ? stated : CLAIMS_CONFIDENCE;
    double level = claim->quantity == CLAIM_TRAIN_LOSS ? LOSS_AHEAD : level_ahead(claim, evidence);
    struct sample none = {0};
    struct noise noise = noise_of(
        &none, 1, claim->quantity == CLAIM_TRAIN_LOSS ? none : shown_ahead(evidence),
        noise_supposed(claim->quantity, level, evidence->test_n));
    struct claim_need need = need_of(claim, &noise,
                                     equal ? "if the runs are equal"
                                           : "if it is as far from its bound as is supposed");
    /* the change between two edges has the noise of both */
    double spread = need.spread *
                    (kind == 1 && claim->kind != CLAIM_FINAL_ACCURACY_AT_LEAST ? sqrt(2.0) : 1.0);
    need.spread = spread;
    need.seeds = bounds_seeds(spread,
                              equal ? claims_number(claim, evidence, CLAIM_MARGIN)
                                    : distance_ahead(claim, evidence),
                              kind, equal ? pairs : 0, confidence);
    claims_say(verdict->power, "before training");
    say_need(&need, verdict->power);
    verdict->need = need;
    if (verdict->need.seeds < (size_t)claims_number(claim, evidence, CLAIM_SEEDS))
        verdict->need.seeds = (size_t)claims_number(claim, evidence, CLAIM_SEEDS);
}
