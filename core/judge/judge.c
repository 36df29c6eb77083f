/* The judge: which claims can be judged at all, and those on numbers of updates. */
#include "judge/judge_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *claim_outcome_word(enum claim_outcome outcome)
{
    static const char *const words[] = {"HOLDS", "FAILS", "NOT ENOUGH RUNS", "NOT RUN"};
    return words[outcome];
}

int claim_reduced(const struct claim_evidence *evidence)
{
    const struct experiment_profile *profile = &evidence->experiment->profiles[evidence->profile];
    return profile->divide != 1 || profile->epochs != evidence->experiment->epochs;
}

double claims_number(const struct claim *claim, const struct claim_evidence *evidence,
                     enum claim_number which)
{
    return claim->number[which][evidence->profile];
}

const char *claims_run_name(const struct claim *claim, const struct claim_evidence *evidence,
                            size_t i)
{
    return evidence->experiment->runs[claim->runs[i]].name;
}

void claims_say(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, CLAIM_TEXT - used, format, args);
    va_end(args);
}

/* The first row that is not where the schedule has it: 0 when all are and none lacks; else an
 * epoch, from 1. */
static int stray_epoch(const struct runlog *log, const struct schedule *schedule)
{
    for (int epoch = 1; epoch <= schedule->epochs; epoch++) {
        if ((size_t)epoch > log->count)
            return epoch;
        const struct runlog_row *row = &log->rows[epoch - 1];
        if (row->epoch != epoch || row->updates != schedule_updates_before(schedule, epoch) ||
            row->batch != schedule_at(schedule, epoch - 1)->batch)
            return epoch;
    }
    return log->count > (size_t)schedule->epochs ? schedule->epochs + 1 : 0;
}

/* 0 when every log of the claim's runs follows its plan; else says in `text` which does not. */
static int find_stray(const struct claim *claim, const struct claim_evidence *evidence, char *text)
{
    for (size_t i = 0; i < claim->run_count; i++) {
        const struct claim_curves *curves = &evidence->curves[claim->runs[i]];
        for (size_t s = 0; s < curves->count; s++) {
            int epoch = stray_epoch(&curves->logs[s], &evidence->here[claim->runs[i]]);
            if (epoch == 0)
                continue;
            claims_say(text, "a log of %s leaves its plan at epoch %d: ",
                       claims_run_name(claim, evidence, i), epoch);
            if ((size_t)epoch > curves->logs[s].count)
                claims_say(text, "it ends before");
            else if (epoch > evidence->here[claim->runs[i]].epochs)
                claims_say(text, "it goes on behind the plan's end");
            else
                claims_say(text, "%" PRId64 " updates, planned %" PRId64,
                           curves->logs[s].rows[epoch - 1].updates,
                           schedule_updates_before(&evidence->here[claim->runs[i]], epoch));
            return 1;
        }
    }
    return 0;
}

/* What is measured at the profile at hand, and by how many logs. */
static void say_logs(const struct claim *claim, const struct claim_evidence *evidence, char *text)
{
    size_t logs = 0;
    for (size_t i = 0; i < claim->run_count; i++)
        logs += evidence->curves[claim->runs[i]].count;
    if (claim_reduced(evidence)) {
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

static void judge_counts(const struct claim *claim, const struct claim_evidence *evidence,
                         struct claim_verdict *verdict)
{
    double value = claims_number(claim, evidence, CLAIM_VALUE),
           within = claims_number(claim, evidence, CLAIM_WITHIN);
    int64_t updates = evidence->paper[claim->runs[0]].updates;
    int holds;
    if (claim->kind == CLAIM_RATIO_AT_LEAST) {
        int64_t over = evidence->paper[claim->runs[1]].updates;
        double ratio = (double)updates / (double)over;
        holds = ratio >= value;
        claims_say(verdict->measured, "%.1f times as many: %" PRId64 " (%s) over %" PRId64 " (%s)",
                   ratio, updates, claims_run_name(claim, evidence, 0), over,
                   claims_run_name(claim, evidence, 1));
        claims_say(verdict->needed, "at least %g times", value);
    } else {
        claims_say(verdict->measured, "%" PRId64 " updates", updates);
        if (claim->kind == CLAIM_UPDATES_BELOW) {
            holds = (double)updates < value;
            claims_say(verdict->needed, "below %.10g", value);
        } else {
            holds = fabs((double)updates - value) <= within;
            claims_say(verdict->needed, "%.10g to %.10g", value - within, value + within);
        }
    }
    if (claim_reduced(evidence))
        claims_say(verdict->measured, " at the paper's scale");
    say_logs(claim, evidence, verdict->measured);
    verdict->outcome = holds ? CLAIM_HOLDS : CLAIM_FAILS;
    char stray[CLAIM_TEXT] = "";
    if (find_stray(claim, evidence, stray)) {
        verdict->outcome = CLAIM_FAILS;
        verdict->measured[0] = '\0';
        claims_say(verdict->measured, "%s", stray);
    }
}

/* 1 when the claim states every number of its kind for the profile; else says for which profiles it
 * does. */
static int is_stated(const struct claim *claim, const struct claim_evidence *evidence, char *text)
{
    int stated[EXPERIMENT_PROFILE_MAX];
    const struct experiment *experiment = evidence->experiment;
    for (size_t p = 0; p < experiment->profile_count; p++) {
        stated[p] = 1;
        for (size_t i = 0; i < CLAIM_NUMBERS; i++)
            stated[p] &= !isnan(claim->number[i][p]);
    }
    if (stated[evidence->profile])
        return 1;
    const char *between = "";
    claims_say(text, "not judged at profile %s; the tolerance is stated for: ",
               experiment->profiles[evidence->profile].name);
    for (size_t p = 0; p < experiment->profile_count; p++)
        if (stated[p]) {
            claims_say(text, "%s%s", between, experiment->profiles[p].name);
            between = ", ";
        }
    return 0;
}

/* The runs of the claim that have fewer than `least` seeds, with how many they have; 0 when
 * none. */
static int say_short(const struct claim *claim, const struct claim_evidence *evidence, size_t least,
                     char *text)
{
    int found = 0;
    for (size_t i = 0; i < claim->run_count; i++) {
        size_t count = evidence->curves[claim->runs[i]].count;
        if (count >= least)
            continue;
        claims_say(text, "%s%s (%zu)", found ? ", " : "", claims_run_name(claim, evidence, i),
                   count);
        found = 1;
    }
    return found;
}

void claims_say_seeds(const struct claim *claim, const struct claim_evidence *evidence, char *text)
{
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < claim->run_count; i++) {
        size_t count = evidence->curves[claim->runs[i]].count;
        least = count < least ? count : least;
        most = count > most ? count : most;
    }
    if (least == most)
        claims_say(text, "; %zu seed%s", least, least == 1 ? "" : "s");
    else
        claims_say(text, "; %zu to %zu seeds", least, most);
}

static void judge_trained(const struct claim *claim, const struct claim_evidence *evidence,
                          struct claim_verdict *verdict)
{
    size_t seeds = (size_t)claims_number(claim, evidence, CLAIM_SEEDS);
    char missing[CLAIM_TEXT] = "";
    if (say_short(claim, evidence, 1, missing)) {
        verdict->outcome = CLAIM_NOT_RUN;
        claims_say(verdict->measured,
                   "needs %zu finished seed%s of each run; there is none of: ", seeds,
                   seeds == 1 ? "" : "s");
        for (size_t i = 0, found = 0; i < claim->run_count; i++)
            if (evidence->curves[claim->runs[i]].count == 0)
                claims_say(verdict->measured, "%s%s", found++ ? ", " : "",
                           claims_run_name(claim, evidence, i));
        return;
    }
    if (find_stray(claim, evidence, verdict->measured)) {
        verdict->outcome = CLAIM_NOT_RUN;
        claims_say(verdict->measured, "; delete that run's folder and train it anew");
        return;
    }
    claims_judge_curves(claim, evidence, verdict);
    if (say_short(claim, evidence, seeds, missing)) {
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
        claims_say(verdict->measured, "; %zu seeds of each run are needed, too few of: %s", seeds,
                   missing);
    }
}

void claim_judge(const struct claim *claim, const struct claim_evidence *evidence,
                 struct claim_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    if (!is_stated(claim, evidence, verdict->measured)) {
        verdict->outcome = CLAIM_NOT_RUN;
        return;
    }
    switch (claim->kind) {
    case CLAIM_UPDATES_ABOUT:
    case CLAIM_UPDATES_BELOW:
    case CLAIM_RATIO_AT_LEAST:
        judge_counts(claim, evidence, verdict);
        return;
    default:
        judge_trained(claim, evidence, verdict);
    }
}
