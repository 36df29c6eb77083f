/* Claims that curves lie on each other.  Two questions, because a maximum over epochs is no single
 * gap:
 *
 * The mean gap over each phase, one number a seed, must lie within the margin: an equality like
 * that of final accuracies, for every pair and phase.
 *
 * No moving mean of `smooth` epochs may be seen to lie beyond the margin, by a band that holds for
 * all epochs, phases and pairs at once (Bonferroni over every window); and the band must be no
 * wider than `resolution`, or it would see nothing.
 *
 * FAILS by either is wrong in half of 1 - confidence.  No mean reaches across a step. */
#include "judge/judge_parts.h"

#include "base/statistics.h"

#include <math.h>

#define LEAST_DF 4.0 /* of windows: three seeds of each run */

/* A seed's mean of the window around an epoch.  At the ends of a phase the window moves inwards
 * instead of shrinking: fewer epochs would make a noisier mean. */
static double smoothed(const struct runlog *log, const struct phase *phase,
                       enum claim_quantity quantity, int epoch, int smooth)
{
    int width = smooth < phase->epochs ? smooth : phase->epochs, first = epoch - (width - 1) / 2;
    int latest = phase->first_epoch + phase->epochs - width;
    first = first < phase->first_epoch ? phase->first_epoch : first > latest ? latest : first;
    return claims_mean(log, quantity, first, first + width);
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

struct gap {
    double by;
    int epoch;   /* from 0; -1: the runs do the same throughout */
    size_t a, b; /* the pair, in the claim */
};

struct track {
    const struct claim *claim;
    const struct claim_evidence *evidence;
    int smooth;
    double margin, level; /* level: of the windows' FAILS */
    size_t windows;       /* of all pairs and phases */
    struct bounds means;
    struct noise noise; /* the largest of a phase's mean */
    double reach;       /* the widest half of the band */
    int beyond;         /* a window lies beyond the margin */
    struct gap widest;
};

/* One pair in one phase, from the first epoch on in which they differ. */
struct part {
    size_t a, b;
    const struct claim_curves *curves[2];
    const struct phase *phase;
    int first, end;
};

/* Sum over a run's seeds of the product of what they are off its mean in two windows. */
static double product(const struct track *track, const struct part *part, int i, int e, int f)
{
    const struct claim_curves *curves = part->curves[i];
    double sums[3] = {0}, at[2], start[2] = {0};
    for (size_t s = 0; s < curves->count; s++) {
        at[0] = smoothed(&curves->logs[s], part->phase, track->claim->quantity, e, track->smooth);
        at[1] = smoothed(&curves->logs[s], part->phase, track->claim->quantity, f, track->smooth);
        for (int k = 0; k < 2; k++) {
            start[k] = s == 0 ? at[k] : start[k];
            sums[k] += at[k] - start[k];
        }
        sums[2] += (at[0] - start[0]) * (at[1] - start[1]);
    }
    return sums[2] - sums[0] * sums[1] / (double)curves->count;
}

static double window_supposed(const struct track *track, const struct part *part)
{
    enum claim_quantity quantity = track->claim->quantity;
    int width = track->smooth < part->phase->epochs ? track->smooth : part->phase->epochs;
    double most = 0.0;
    for (int i = 0; i < 2; i++)
        for (size_t s = 0; s < part->curves[i]->count; s++) {
            const struct runlog *log = &part->curves[i]->logs[s];
            double level = claims_mean(log, quantity, part->first, part->end);
            most = fmax(most, noise_supposed(quantity, level, track->evidence->test_n) +
                                  noise_epochs(log, quantity, part->first, part->end) / width);
        }
    return most;
}

/* The noise of a window.  Few seeds say little about a single epoch, so that of a phase is one
 * number.  How many degrees of freedom stand behind it hangs on how far neighbouring windows move
 * together: with the windows' covariance S, of `df`, Satterthwaite's number for tr S is
 * df (tr S)^2 / tr(S^2), here with tr(S^2) as it comes, which is too large and the number too
 * small: from df, where a seed's curve is only shifted, to at most df^2.
 *
 * A band for hundreds of windows is out of reach for two seeds of each run: there the noise is
 * supposed, with the scatter of their own epochs on top, unless it shows to be more. */
static struct noise window_noise(const struct track *track, const struct part *part)
{
    double trace = 0.0, squares = 0.0;
    double df = (double)part->curves[0]->count + (double)part->curves[1]->count - 2.0;
    for (int e = part->first; e < part->end; e++)
        for (int f = e; f < part->end; f++) {
            double both = product(track, part, 0, e, f) + product(track, part, 1, e, f);
            trace += e == f ? both : 0.0;
            squares += (e == f ? 1.0 : 2.0) * both * both;
        }
    double variance = df > 0.0 ? trace / df / (double)(part->end - part->first) : 0.0;
    if (df < LEAST_DF)
        return (struct noise){.variance = fmax(variance, window_supposed(track, part)),
                              .df = INFINITY,
                              .supposed = 1};
    return (struct noise){.variance = variance,
                          .df = squares > 0.0 ? df * trace * trace / squares : df};
}

static double mean_of(const struct track *track, const struct part *part, int i, int epoch,
                      double *squares)
{
    struct sample sample = {0};
    for (size_t s = 0; s < part->curves[i]->count; s++)
        sample_add(&sample, smoothed(&part->curves[i]->logs[s], part->phase, track->claim->quantity,
                                     epoch, track->smooth));
    *squares += sample.squares;
    return sample.mean;
}

/* Where an epoch's own seeds spread more than the phase's, that is its noise: too wide a band lets
 * a gap pass, too narrow a one makes one up. */
static void judge_windows(struct track *track, const struct part *part)
{
    struct noise noise = window_noise(track, part);
    double na = (double)part->curves[0]->count, nb = (double)part->curves[1]->count;
    double share = 1.0 / na + 1.0 / nb;
    double quantile = statistics_t_quantile(1.0 - 0.5 * track->level / (double)track->windows,
                                            noise.df);
    track->reach = fmax(track->reach, quantile * sqrt(noise.variance * share));
    for (int epoch = part->first; epoch < part->end; epoch++) {
        double squares = 0.0, a = mean_of(track, part, 0, epoch, &squares),
               b = mean_of(track, part, 1, epoch, &squares), gap = fabs(a - b);
        double own = na + nb > 2.0 ? squares / (na + nb - 2.0) : 0.0;
        double reach = quantile * sqrt(fmax(noise.variance, own) * share);
        track->beyond |= gap - reach > track->margin;
        if (track->widest.epoch < 0 || gap > track->widest.by)
            track->widest = (struct gap){gap, epoch, part->a, part->b};
    }
}

static void judge_mean(struct track *track, const struct part *part)
{
    struct sample sample[2] = {0};
    enum claim_quantity quantity = track->claim->quantity;
    for (int i = 0; i < 2; i++)
        for (size_t s = 0; s < part->curves[i]->count; s++)
            sample_add(&sample[i],
                       claims_mean(&part->curves[i]->logs[s], quantity, part->first, part->end));
    struct noise noise = noise_of(
        sample, 2, (struct sample){0},
        noise_supposed(quantity, sample[0].mean, track->evidence->test_n));
    double by = sample[1].mean - sample[0].mean;
    double error = sqrt(noise.variance *
                        (1.0 / (double)sample[0].count + 1.0 / (double)sample[1].count));
    size_t phase = (size_t)part->phase->first_epoch;
    bounds_add(&track->means, (struct bound){by, -track->margin, error, noise.df,
                                             part->a * CLAIM_RUN_MAX + part->b, phase});
    bounds_add(&track->means, (struct bound){-by, -track->margin, error, noise.df,
                                             part->a * CLAIM_RUN_MAX + part->b, phase});
    track->noise = noise.variance >= track->noise.variance ? noise : track->noise;
}

/* Every pair and phase in which runs differ; epochs in which they still do the same say nothing. */
static size_t each_part(struct track *track, void (*judge)(struct track *, const struct part *))
{
    const struct claim *claim = track->claim;
    const struct claim_evidence *evidence = track->evidence;
    size_t parts = 0;
    for (size_t a = 0; a < claim->run_count; a++)
        for (size_t b = a + 1; b < claim->run_count; b++) {
            const struct schedule *schedule = &evidence->here[claim->runs[a]];
            int first = first_difference(schedule, &evidence->here[claim->runs[b]]);
            for (int p = 0; p < schedule->phase_count; p++) {
                const struct phase *phase = &schedule->phase[p];
                struct part part = {.a = a,
                                    .b = b,
                                    .curves = {&evidence->curves[claim->runs[a]],
                                               &evidence->curves[claim->runs[b]]},
                                    .phase = phase,
                                    .first = first > phase->first_epoch ? first
                                                                        : phase->first_epoch,
                                    .end = phase->first_epoch + phase->epochs};
                if (part.first >= part.end)
                    continue;
                parts++;
                if (judge != NULL)
                    judge(track, &part);
                else
                    track->windows += (size_t)(part.end - part.first);
            }
        }
    return parts;
}

static void say_track(const struct track *track, struct claim_verdict *verdict)
{
    const struct claim *claim = track->claim;
    const struct claim_evidence *evidence = track->evidence;
    int loss = claim->quantity == CLAIM_TRAIN_LOSS;
    double unit = loss ? 1.0 : 100.0, percent = 100.0 * track->means.confidence;
    const char *name = loss ? "nats" : "points";
    const struct bound *mean = &track->means.least;
    if (track->widest.epoch < 0) {
        claims_say(verdict->measured, "these runs do the same in every epoch");
    } else {
        claims_say(
            verdict->measured,
            "least certain mean gap of a phase %.3g %s, from epoch %zu on (%s, %s), at most %.3g "
            "at %g %% confidence",
            unit * fabs(mean->value), name, mean->b + 1,
            claims_run_name(claim, evidence, mean->a / CLAIM_RUN_MAX),
            claims_run_name(claim, evidence, mean->a % CLAIM_RUN_MAX),
            unit * (fabs(mean->value) + bounds_reach(&track->means, mean)), percent);
        claims_say(verdict->measured, "; widest gap %.3g at epoch %d (%s, %s)",
                   unit * track->widest.by, track->widest.epoch + 1,
                   claims_run_name(claim, evidence, track->widest.a),
                   claims_run_name(claim, evidence, track->widest.b));
        if (track->reach > 0.0)
            claims_say(verdict->measured, " in a band of +-%.3g", unit * track->reach);
    }
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "mean gaps of phases below %g %s by two one-sided t tests at %g %%; no gap of "
               "%g-epoch means beyond it by a band for all epochs at once, of at most +-%g",
               unit * track->margin, name, percent, (double)track->smooth,
               unit * claims_number(claim, evidence, CLAIM_RESOLUTION));
}

void claims_judge_track(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double confidence = claims_number(claim, evidence, CLAIM_CONFIDENCE), level = 1.0 - confidence;
    struct track track = {.claim = claim,
                          .evidence = evidence,
                          .smooth = (int)claims_number(claim, evidence, CLAIM_SMOOTH),
                          .margin = claims_number(claim, evidence, CLAIM_MARGIN),
                          .level = 0.5 * level,
                          .widest = {.epoch = -1}};
    size_t parts = each_part(&track, NULL);
    track.means = bounds_begin(confidence, 0.5 * level, 2 * parts);
    if (parts > 0) {
        each_part(&track, judge_mean);
        each_part(&track, judge_windows);
    }
    say_track(&track, verdict);
    if (parts > 0)
        claims_power_equal(claim, &track.means, &track.noise, parts, track.margin, verdict);
    if (track.means.any_below || track.beyond)
        verdict->outcome = CLAIM_FAILS;
    else if (track.means.all_above &&
             track.reach <= claims_number(claim, evidence, CLAIM_RESOLUTION))
        verdict->outcome = CLAIM_HOLDS;
    else
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
}
