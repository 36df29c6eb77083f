#include "lab/power.h"

#include "base/err.h"
#include "base/text.h"
#include "judge/bounds.h"

#include <string.h>

#define WORDS 44 /* columns of a claim's words */

/* What is left to train of one run until it has so many seeds, in seconds. */
static double seconds_of(const struct claim_evidence *evidence, const struct forecast_speed *speed,
                         size_t run, size_t seeds)
{
    const struct schedule *schedule = &evidence->here[run];
    size_t done = evidence->curves[run].count;
    double one = (double)schedule_images(schedule) / speed->images_per_second +
                 schedule->epochs * speed->epoch_overhead;
    return seeds > done ? one * (double)(seeds - done) : 0.0;
}

static size_t least_done(const struct claim_evidence *evidence, const struct claim *claim)
{
    size_t least = BOUNDS_SEEDS;
    for (size_t i = 0; i < claim->run_count; i++)
        if (evidence->curves[claim->runs[i]].count < least)
            least = evidence->curves[claim->runs[i]].count;
    return least;
}

/* Until an hour in minutes. */
static void put_time(struct text *out, double seconds)
{
    if (seconds <= 0.0)
        text_put(out, "  %10s", "-");
    else if (seconds < 3600.0)
        text_put(out, "  %6.0f min", seconds / 60.0 < 1.0 ? 1.0 : seconds / 60.0);
    else
        text_put(out, "  %8.1f h", seconds / 3600.0);
}

static void put_seeds(struct text *out, size_t seeds)
{
    if (seeds > BOUNDS_SEEDS)
        text_put(out, " %5s%d", ">", BOUNDS_SEEDS);
    else
        text_put(out, " %9zu", seeds);
}

/* "5.2 The difference in accuracy betwee..." */
static void put_words(struct text *out, const struct claim *claim)
{
    const char *words = claim->quote == NULL ? claim->drawn : claim->quote;
    int left = WORDS - (int)strlen(claim->section) - 1;
    if ((int)strlen(words) <= left)
        text_put(out, "  %s %-*s", claim->section, left, words);
    else
        text_put(out, "  %s %.*s...", claim->section, left - 3, words);
}

struct all {
    size_t seeds[EXPERIMENT_RUN_MAX]; /* of each run, for every claim */
    size_t most;
    size_t judged, open;   /* claims on finished runs, and those without a verdict */
    int supposed, reached; /* reached: no claim takes more than BOUNDS_SEEDS */
};

static int is_open(const struct claim_verdict *verdict)
{
    return verdict->outcome == CLAIM_NOT_ENOUGH_RUNS || verdict->outcome == CLAIM_NOT_RUN;
}

static void put_claim(struct text *out, const struct claim_evidence *evidence,
                      const struct forecast_speed *speed, const struct claim *claim,
                      const struct claim_verdict *verdict)
{
    const struct claim_need *need = &verdict->need;
    double seconds = 0.0;
    put_words(out, claim);
    text_put(out, "  %6.3g %s%s", need->nats ? need->spread : 100.0 * need->spread,
             need->nats ? "nats  " : "points", need->supposed ? "*" : " ");
    if (is_open(verdict))
        put_seeds(out, need->seeds);
    else
        text_put(out, " %9s", "-");
    text_put(out, " %6zu", least_done(evidence, claim));
    for (size_t i = 0; is_open(verdict) && speed != NULL && i < claim->run_count; i++)
        seconds += seconds_of(evidence, speed, claim->runs[i], need->seeds);
    if (speed != NULL && need->seeds <= BOUNDS_SEEDS)
        put_time(out, seconds);
    text_put(out, "  %s\n", claim_outcome_word(verdict->outcome));
}

/* Judges every claim; out NULL: only gathers. */
static void each_claim(struct text *out, const struct claim_evidence *evidence,
                       const struct forecast_speed *speed, struct all *all)
{
    const struct experiment *experiment = evidence->experiment;
    *all = (struct all){.reached = 1};
    for (size_t i = 0; i < experiment->claim_count; i++) {
        const struct claim *claim = &experiment->claims[i];
        struct claim_verdict verdict;
        claim_judge(claim, evidence, &verdict);
        if (!(verdict.need.spread > 0.0))
            continue;
        all->judged++;
        if (out != NULL)
            put_claim(out, evidence, speed, claim, &verdict);
        if (!is_open(&verdict))
            continue;
        all->open++;
        all->supposed |= verdict.need.supposed;
        all->reached &= verdict.need.seeds <= BOUNDS_SEEDS;
        all->most = verdict.need.seeds > all->most ? verdict.need.seeds : all->most;
        for (size_t r = 0; r < claim->run_count; r++)
            if (verdict.need.seeds > all->seeds[claim->runs[r]])
                all->seeds[claim->runs[r]] = verdict.need.seeds;
    }
}

static void put_all(struct text *out, const struct claim_evidence *evidence,
                    const struct forecast_speed *speed, const struct all *all)
{
    double seconds = 0.0;
    text_put(out, "  %-*s  %14s", WORDS, "all of them, each run once", "");
    put_seeds(out, all->most);
    text_put(out, " %6s", "");
    for (size_t run = 0; speed != NULL && run < evidence->experiment->run_count; run++)
        seconds += seconds_of(evidence, speed, run, all->seeds[run]);
    if (speed != NULL && all->reached)
        put_time(out, seconds);
    text_put(out, "\n");
}

int power_text(const struct claim_evidence *evidence, const struct forecast_speed *speed,
               char **text, struct err *err)
{
    struct text table = {0}, *out = &table;
    struct all all;
    text_put(out,
             "%s, profile %s: seeds of each run that a verdict takes, in %.0f of 100 trials\n"
             "  %-*s  %14s %9s %6s%s  %s\n",
             evidence->experiment->name, evidence->experiment->profiles[evidence->profile].name,
             100.0 * BOUNDS_POWER, WORDS, "claim", "spread        ", "seeds", "done",
             speed == NULL ? "" : "   time left", "verdict now");
    each_claim(out, evidence, speed, &all);
    if (all.judged == 0)
        text_put(out, "  none of its claims is judged by finished runs at this profile\n");
    else if (all.open == 0)
        text_put(out, "  every one has its verdict\n");
    else
        put_all(out, evidence, speed, &all);
    if (all.open > 0)
        text_put(out, "  Equalities: if the runs are equal.  The rest: if it is as measured, or, "
                      "before training, as printed\n"
                      "  or else as far beyond its bound as the bound is from 0.\n");
    if (all.supposed)
        text_put(out,
                 "* Supposed, on the safe side: of an accuracy twice the error of counting "
                 "on %lld test images, of a\n"
                 "  loss 5 %%.  Train three seeds and ask again: then the spread is their "
                 "own.\n",
                 (long long)evidence->test_n);
    if (speed != NULL && all.open > 0)
        text_put(out,
                 "  Time: one run after the other, %.0f images/s and %.1f s an epoch besides, "
                 "from\n  %s.\n",
                 speed->images_per_second, speed->epoch_overhead, speed->words);
    return text_take(out, text, "the power of the claims", err);
}

int power_line(const struct claim_evidence *evidence, char **text, struct err *err)
{
    struct text line = {0};
    struct all all;
    each_claim(NULL, evidence, NULL, &all);
    if (all.open > 0)
        text_put(&line,
                 "  Seeds: open claims take %s%zu of each run for a verdict, by %s spread "
                 "between seeds;\n  `repro power %s` has each.\n",
                 all.reached ? "up to " : "more than ", all.reached ? all.most : BOUNDS_SEEDS,
                 all.supposed ? "a supposed" : "the seen", evidence->experiment->name);
    else
        text_put_string(&line, "");
    return text_take(&line, text, "the power of the claims", err);
}
