/* Claims on final test accuracies: equal, lower, or as high as is printed. */
#include "judge/judge_parts.h"

#include <math.h>

static struct sample final_of(const struct claim_evidence *evidence, size_t run)
{
    const struct claim_curves *curves = &evidence->curves[run];
    struct sample sample = {0};
    for (size_t s = 0; s < curves->count; s++)
        sample_add(&sample, curves->logs[s].rows[curves->logs[s].count - 1].test_accuracy);
    return sample;
}

/* The scatter from epoch to epoch in a run's last phase, of which the last epoch is one; the mean
 * over its seeds. */
static double scatter_of(const struct claim_evidence *evidence, size_t run)
{
    const struct claim_curves *curves = &evidence->curves[run];
    const struct schedule *schedule = &evidence->here[run];
    const struct phase *last = &schedule->phase[schedule->phase_count - 1];
    double sum = 0.0;
    for (size_t s = 0; s < curves->count; s++)
        sum += noise_epochs(&curves->logs[s], CLAIM_TEST_ACCURACY, last->first_epoch,
                            schedule->epochs);
    return sum / (double)curves->count;
}

/* What the seeds of all of the figure's runs show together. */
static struct sample others_of(const struct claim_evidence *evidence)
{
    struct sample others = {0};
    for (size_t run = 0; run < evidence->experiment->run_count; run++) {
        struct sample sample = final_of(evidence, run);
        others.squares += sample.squares;
        others.count += sample.count > 1 ? sample.count - 1 : 0;
    }
    return others;
}

/* The noise of a difference of two runs, or of a single one.  That seeds of the same number share
 * their shuffles is left aside: it makes differences smaller than this allows for, never larger. */
static struct noise noise_between(const struct claim_evidence *evidence, const size_t *runs,
                                  const struct sample *samples, size_t count)
{
    double level = 0.0, scatter = 0.0;
    for (size_t i = 0; i < count; i++) {
        level += samples[i].mean / (double)count;
        scatter += scatter_of(evidence, runs[i]) / (double)count;
    }
    return noise_of(samples, count, others_of(evidence),
                    scatter + noise_supposed(CLAIM_TEST_ACCURACY, level, evidence->test_n));
}

static double error_of(const struct noise *noise, const struct sample *samples, size_t count)
{
    double share = 0.0;
    for (size_t i = 0; i < count; i++)
        share += 1.0 / (double)samples[i].count;
    return sqrt(noise->variance * share);
}

void claims_judge_equal(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double margin = claims_number(claim, evidence, CLAIM_MARGIN),
           confidence = claims_number(claim, evidence, CLAIM_CONFIDENCE);
    size_t pairs = claim->run_count * (claim->run_count - 1) / 2;
    struct bounds bounds = bounds_begin(confidence, 1.0 - confidence, 2 * pairs);
    struct noise widest = {0};
    for (size_t a = 0; a < claim->run_count; a++)
        for (size_t b = a + 1; b < claim->run_count; b++) {
            struct sample pair[2] = {final_of(evidence, claim->runs[a]),
                                     final_of(evidence, claim->runs[b])};
            struct noise noise = noise_between(evidence, (size_t[]){claim->runs[a], claim->runs[b]},
                                               pair, 2);
            double by = pair[1].mean - pair[0].mean, error = error_of(&noise, pair, 2);
            widest = noise.variance >= widest.variance ? noise : widest;
            bounds_add(&bounds, (struct bound){by, -margin, error, noise.df, a, b});
            bounds_add(&bounds, (struct bound){-by, -margin, error, noise.df, a, b});
        }
    const struct bound *worst = &bounds.least;
    claims_say(verdict->measured,
               "largest difference %.2f points (%s %.2f %%, %s %.2f %%), at most %.2f at %g %% "
               "confidence",
               100.0 * fabs(worst->value), claims_run_name(claim, evidence, worst->a),
               100.0 * final_of(evidence, claim->runs[worst->a]).mean,
               claims_run_name(claim, evidence, worst->b),
               100.0 * final_of(evidence, claim->runs[worst->b]).mean,
               100.0 * (fabs(worst->value) + bounds_reach(&bounds, worst)), 100.0 * confidence);
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "every difference below %g points, by two one-sided t tests at %g %%",
               100.0 * margin, 100.0 * confidence);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_equal(claim, &bounds, &widest, pairs, margin, verdict);
}

void claims_judge_lower(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double margin = claims_number(claim, evidence, CLAIM_MARGIN),
           confidence = claims_number(claim, evidence, CLAIM_CONFIDENCE);
    struct sample pair[2] = {final_of(evidence, claim->runs[0]),
                             final_of(evidence, claim->runs[1])};
    struct noise noise = noise_between(evidence, claim->runs, pair, 2);
    struct bounds bounds = bounds_begin(confidence, 1.0 - confidence, 1);
    double by = pair[1].mean - pair[0].mean;
    bounds_add(&bounds, (struct bound){by, margin, error_of(&noise, pair, 2), noise.df, 0, 1});
    claims_say(verdict->measured,
               "%.2f points lower (%s %.2f %%, %s %.2f %%), at least %.2f at %g %% confidence",
               100.0 * by, claims_run_name(claim, evidence, 0), 100.0 * pair[0].mean,
               claims_run_name(claim, evidence, 1), 100.0 * pair[1].mean,
               100.0 * (by - bounds_reach(&bounds, &bounds.least)), 100.0 * confidence);
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed, "more than %g points lower, by a one-sided t test at %g %%",
               100.0 * margin, 100.0 * confidence);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_above(claim, &bounds, &noise, 2, 1, "a difference", margin, verdict);
}

/* As the number is printed: its rounding is the margin. */
void claims_judge_least(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE),
           margin = claims_number(claim, evidence, CLAIM_MARGIN);
    struct sample final = final_of(evidence, claim->runs[0]);
    struct noise noise = noise_between(evidence, claim->runs, &final, 1);
    struct bounds bounds = bounds_begin(CLAIMS_CONFIDENCE, 1.0 - CLAIMS_CONFIDENCE, 1);
    bounds_add(&bounds, (struct bound){final.mean, value - margin, error_of(&noise, &final, 1),
                                       noise.df, 0, 0});
    claims_say(verdict->measured, "%s %.2f %%, at least %.2f at %g %% confidence",
               claims_run_name(claim, evidence, 0), 100.0 * final.mean,
               100.0 * (final.mean - bounds_reach(&bounds, &bounds.least)),
               100.0 * CLAIMS_CONFIDENCE);
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "a mean of at least %g %%, to within %g points, by a one-sided t test at %g %%",
               100.0 * value, 100.0 * margin, 100.0 * CLAIMS_CONFIDENCE);
    verdict->outcome = claims_outcome(&bounds);
    claims_power_above(claim, &bounds, &noise, 1, 1, "a mean", value - margin, verdict);
}
