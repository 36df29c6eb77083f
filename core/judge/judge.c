/* The judge: which claims can be judged at all, and by whom. */
#include "judge/judge_parts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Every kind has a row. */
static const struct {
    unsigned flags;
    void (*judge)(const struct claim *claim, const struct claim_evidence *evidence,
                  struct claim_verdict *verdict);
} JUDGES[CLAIM_KIND_END] = {
#define JUDGE_ROW(kind, name, runs, other, least, flags, numbers, judge) \
    [CLAIM_##kind] = {flags, claims_judge_##judge},
    CLAIM_KINDS(JUDGE_ROW)
#undef JUDGE_ROW
};

const char *claim_outcome_word(enum claim_outcome outcome)
{
    static const char *const words[] = {"HOLDS", "FAILS", "NOT ENOUGH RUNS", "NOT RUN"};
    return words[outcome];
}

enum claim_outcome claims_outcome(const struct bounds *bounds)
{
    return bounds->any_below   ? CLAIM_FAILS
           : bounds->all_above ? CLAIM_HOLDS
                               : CLAIM_NOT_ENOUGH_RUNS;
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

int claims_find_stray(const struct claim *claim, const struct claim_evidence *evidence, char *text)
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
        claims_power_ahead(claim, evidence, verdict);
        return;
    }
    if (claims_find_stray(claim, evidence, verdict->measured)) {
        verdict->outcome = CLAIM_NOT_RUN;
        claims_say(verdict->measured, "; delete that run's folder and train it anew");
        return;
    }
    JUDGES[claim->kind].judge(claim, evidence, verdict);
    if (say_short(claim, evidence, seeds, missing)) {
        verdict->outcome = CLAIM_NOT_ENOUGH_RUNS;
        claims_say(verdict->measured, "; %zu seeds of each run are needed, too few of: %s", seeds,
                   missing);
    }
    if (verdict->need.spread > 0.0 && verdict->need.seeds < seeds)
        verdict->need.seeds = seeds;
}

void claim_judge(const struct claim *claim, const struct claim_evidence *evidence,
                 struct claim_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    if (!is_stated(claim, evidence, verdict->measured)) {
        verdict->outcome = CLAIM_NOT_RUN;
        return;
    }
    if (JUDGES[claim->kind].flags & CLAIM_PLANNED)
        JUDGES[claim->kind].judge(claim, evidence, verdict);
    else
        judge_trained(claim, evidence, verdict);
}
