/* Claims on numbers of updates: by the plan, which every finished log must follow. */
#include "judge/judge_parts.h"

#include <inttypes.h>
#include <math.h>

/* 1 when the profile's numbers of updates are not the paper's. */
static int at_another_scale(const struct claim_evidence *evidence)
{
    return experiment_reduced(evidence->experiment,
                              &evidence->experiment->profiles[evidence->profile]);
}

/* What is measured at the profile at hand, and by how many logs. */
static void say_logs(const struct claim *claim, const struct claim_evidence *evidence, char *text)
{
    size_t logs = 0;
    for (size_t i = 0; i < claim->run_count; i++)
        logs += evidence->curves[claim->runs[i]].count;
    if (at_another_scale(evidence)) {
        claims_say(text, "; at this profile ");
        for (size_t i = 0; i < claim->run_count; i++)
            claims_say(text, "%s%" PRId64, i == 0 ? "" : " and ",
                       evidence->here[claim->runs[i]].updates);
    }
    if (logs == 0)
        claims_say(text, ", by the plan%s",
                   evidence->experiment->schedules_only ? "" : "; not trained yet");
    else
        claims_say(text, ", by the plan and by %zu log%s", logs, logs == 1 ? "" : "s");
}

/* The verdict: what is measured, behind the number, and whether the logs agree. */
static void conclude(const struct claim *claim, const struct claim_evidence *evidence, int holds,
                     struct claim_verdict *verdict)
{
    if (at_another_scale(evidence))
        claims_say(verdict->measured, " at the paper's scale");
    say_logs(claim, evidence, verdict->measured);
    verdict->outcome = holds ? CLAIM_HOLDS : CLAIM_FAILS;
    char stray[CLAIM_TEXT] = "";
    if (claims_find_stray(claim, evidence, stray)) {
        verdict->outcome = CLAIM_FAILS;
        verdict->measured[0] = '\0';
        claims_say(verdict->measured, "%s", stray);
    }
}

/* Updates of the claim's i-th run at the paper's scale. */
static int64_t updates_of(const struct claim *claim, const struct claim_evidence *evidence,
                          size_t i)
{
    return evidence->paper[claim->runs[i]].updates;
}

void claims_judge_about(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE),
           within = claims_number(claim, evidence, CLAIM_WITHIN);
    int64_t updates = updates_of(claim, evidence, 0);
    claims_say(verdict->measured, "%" PRId64 " updates", updates);
    claims_say(verdict->needed, "%.10g to %.10g", value - within, value + within);
    conclude(claim, evidence, fabs((double)updates - value) <= within, verdict);
}

void claims_judge_below(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE);
    int64_t updates = updates_of(claim, evidence, 0);
    claims_say(verdict->measured, "%" PRId64 " updates", updates);
    claims_say(verdict->needed, "below %.10g", value);
    conclude(claim, evidence, (double)updates < value, verdict);
}

void claims_judge_ratio(const struct claim *claim, const struct claim_evidence *evidence,
                        struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE);
    int64_t updates = updates_of(claim, evidence, 0), over = updates_of(claim, evidence, 1);
    double ratio = (double)updates / (double)over;
    claims_say(verdict->measured, "%.1f times as many: %" PRId64 " (%s) over %" PRId64 " (%s)",
               ratio, updates, claims_run_name(claim, evidence, 0), over,
               claims_run_name(claim, evidence, 1));
    claims_say(verdict->needed, "at least %g times", value);
    conclude(claim, evidence, ratio >= value, verdict);
}
