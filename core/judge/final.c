/* Claims on final test accuracies: equal, or lower, by t tests over seeds. */
#include "judge/judge_parts.h"
#include "base/statistics.h"

#include <math.h>

#define SEEDS_MAX 1000 /* more are not looked for */
#define POWER 0.8      /* with which a number of seeds is looked for */

static double final_accuracy(const struct runlog *log)
{
    return log->rows[log->count - 1].test_accuracy;
}

struct final {
    double mean, squares; /* squares: sum of (x - mean)^2 */
    double count;
};

static struct final final_of(const struct claim_curves *curves)
{
    struct final final = {.count = (double)curves->count};
    for (size_t s = 0; s < curves->count; s++)
        final.mean += final_accuracy(&curves->logs[s]) / final.count;
    for (size_t s = 0; s < curves->count; s++)
        final.squares += pow(final_accuracy(&curves->logs[s]) - final.mean, 2.0);
    return final;
}

/* The difference of two runs' final accuracies with its uncertainty. */
struct difference {
    double by;        /* mean of b - mean of a */
    double deviation; /* of one run's final accuracy */
    double reach;     /* t quantile * standard error of `by` */
    int counted;      /* 1: from the error of counting, not from seeds */
};

/* Two samples with one variance (Student), df = seeds of a + seeds of b - 2.  Where a run has one
 * seed, the error of counting right answers on test_n images, sqrt(p (1-p) / test_n), stands for
 * the noise between seeds.  That seeds of the same number share their shuffles is left aside: it
 * makes differences smaller than this allows for, never larger.
 */
static struct difference difference_of(struct final a, struct final b, int64_t test_n,
                                       double confidence)
{
    struct difference difference = {.by = b.mean - a.mean};
    double df = a.count + b.count - 2.0, variance;
    difference.counted = a.count < 2.0 || b.count < 2.0;
    if (difference.counted) {
        double p = 0.5 * (a.mean + b.mean);
        variance = p * (1.0 - p) / (double)test_n;
        df = INFINITY;
    } else {
        variance = (a.squares + b.squares) / df;
    }
    difference.deviation = sqrt(variance);
    difference.reach = statistics_t_quantile(confidence, df) *
                       sqrt(variance * (1.0 / a.count + 1.0 / b.count));
    return difference;
}

/* Seeds of each run with which a mean at `distance` from a bound is told from it with probability
 * POWER. */
static int seeds_wanted(double deviation, double distance, double confidence)
{
    for (int n = 2; n <= SEEDS_MAX; n++) {
        double df = 2.0 * n - 2.0;
        double reach = statistics_t_quantile(confidence, df) + statistics_t_quantile(POWER, df);
        if (reach * deviation * sqrt(2.0 / n) <= distance)
            return n;
    }
    return SEEDS_MAX + 1;
}

static void say_wanted(char *text, double deviation, double distance, double confidence)
{
    int wanted = seeds_wanted(deviation, distance, confidence);
    claims_say(text, "; undecided, about %s%d seeds would tell",
               wanted > SEEDS_MAX ? "more than " : "", wanted > SEEDS_MAX ? SEEDS_MAX : wanted);
}

/* Two one-sided tests for every pair: -margin < difference < margin.  As all pairs must pass, no
 * level needs a correction. */
void claims_judge_equal(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double margin = claims_number(claim, evidence, CLAIM_MARGIN),
           confidence = claims_number(claim, evidence, CLAIM_CONFIDENCE);
    struct difference worst = {0};
    size_t worst_a = 0, worst_b = 1;
    int differ = 0;
    for (size_t a = 0; a < claim->run_count; a++)
        for (size_t b = a + 1; b < claim->run_count; b++) {
            struct difference now = difference_of(final_of(&evidence->curves[claim->runs[a]]),
                                                  final_of(&evidence->curves[claim->runs[b]]),
                                                  evidence->test_n, confidence);
            differ |= fabs(now.by) - now.reach > margin;
            if (fabs(now.by) + now.reach <= fabs(worst.by) + worst.reach)
                continue;
            worst = now;
            worst_a = a;
            worst_b = b;
        }
    claims_say(verdict->measured, "largest difference %.2f points (%s %.2f %%, %s %.2f %%)",
               100.0 * fabs(worst.by), claims_run_name(claim, evidence, worst_a),
               100.0 * final_of(&evidence->curves[claim->runs[worst_a]]).mean,
               claims_run_name(claim, evidence, worst_b),
               100.0 * final_of(&evidence->curves[claim->runs[worst_b]]).mean);
    if (!worst.counted)
        claims_say(verdict->measured, ", at most %.2f at %g %% confidence",
                   100.0 * (fabs(worst.by) + worst.reach), 100.0 * confidence);
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed,
               "every difference below %g points, by two one-sided t tests at %g %%",
               100.0 * margin, 100.0 * confidence);
    if (differ)
        verdict->outcome = CLAIM_FAILS;
    else if (fabs(worst.by) + worst.reach < margin)
        verdict->outcome = CLAIM_HOLDS;
    else {
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
        if (!worst.counted)
            say_wanted(verdict->measured, worst.deviation, fabs(margin - fabs(worst.by)),
                       confidence);
    }
}

void claims_judge_lower(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double margin = claims_number(claim, evidence, CLAIM_MARGIN),
           confidence = claims_number(claim, evidence, CLAIM_CONFIDENCE);
    struct final low = final_of(&evidence->curves[claim->runs[0]]),
                 high = final_of(&evidence->curves[claim->runs[1]]);
    struct difference lower = difference_of(low, high, evidence->test_n, confidence);
    claims_say(verdict->measured,
               "%.2f points lower (%s %.2f %%, %s %.2f %%), at least %.2f at %g %% confidence",
               100.0 * lower.by, claims_run_name(claim, evidence, 0), 100.0 * low.mean,
               claims_run_name(claim, evidence, 1), 100.0 * high.mean,
               100.0 * (lower.by - lower.reach), 100.0 * confidence);
    claims_say_seeds(claim, evidence, verdict->measured);
    if (lower.counted)
        claims_say(verdict->measured,
                   ", so the noise is taken to be that of counting on %lld images",
                   (long long)evidence->test_n);
    claims_say(verdict->needed, "more than %g points lower, by a one-sided t test at %g %%",
               100.0 * margin, 100.0 * confidence);
    if (lower.by - lower.reach > margin)
        verdict->outcome = CLAIM_HOLDS;
    else if (lower.by + lower.reach <= margin)
        verdict->outcome = CLAIM_FAILS;
    else {
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
        say_wanted(verdict->measured, lower.deviation, fabs(lower.by - margin), confidence);
    }
}

/* The paper's own test: what its runs came to, rounded as it is printed. */
void claims_judge_least(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE),
           margin = claims_number(claim, evidence, CLAIM_MARGIN);
    struct final final = final_of(&evidence->curves[claim->runs[0]]);
    claims_say(verdict->measured, "%s %.2f %%", claims_run_name(claim, evidence, 0),
               100.0 * final.mean);
    claims_say_seeds(claim, evidence, verdict->measured);
    claims_say(verdict->needed, "a mean of at least %g %%, to within %g points", 100.0 * value,
               100.0 * margin);
    verdict->outcome = final.mean >= value - margin ? CLAIM_HOLDS : CLAIM_FAILS;
}
