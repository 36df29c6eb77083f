#include "report/words.h"

#include "base/text.h"

#include <string.h>

const char *const words_reading[] = {
    "Every sentence of the paper that a figure builds on is a claim with a tolerance, and has a "
    "verdict. HOLDS and FAILS are said of what was measured here; NOT ENOUGH RUNS where the noise "
    "between seeds leaves both open; NOT RUN where a run is missing. HOLDS and FAILS are each "
    "wrong "
    "in at most 5 of 100 cases; the power of a verdict is what so many seeds could have seen. "
    "Numbers of updates are judged "
    "by the plan at the paper's own scale, and every finished log must follow its plan.",
    "A profile other than the paper's divides images, batches and epochs by stated numbers, or "
    "trains a narrower network. Every phase keeps the paper's noise scale, but accuracies are not "
    "to be compared with the paper's across profiles: what can be compared is the runs of one set "
    "with each other.",
    "The paper's curves are digitised: read off a low-resolution rendering of another revision of "
    "the paper. They are not the authors' data, and show shape and height only. Where the paper's "
    "text states a number, the text counts.",
    NULL};

int words_summary(const struct report *report, char **text, struct err *err)
{
    struct text out = {0};
    size_t outcomes[4] = {0}, sets = 0, studies = 0;
    report_outcomes(report, outcomes);
    for (size_t i = 0; i < report->figure_count; i++) {
        for (size_t s = 0; s < report->figures[i].set_count; s++)
            sets += report->figures[i].sets[s].trained != 0;
        studies += report->figures[i].study_count;
    }
    text_put(&out, "%zu figure%s, %zu set%s of trained results", report->figure_count,
             report->figure_count == 1 ? "" : "s", sets, sets == 1 ? "" : "s");
    if (studies > 0)
        text_put(&out, " and %zu of measurements", studies);
    text_put(&out, ", from the folder %s. Of %zu verdicts %zu hold, %zu fail, ",
             report->options->out, outcomes[0] + outcomes[1] + outcomes[2] + outcomes[3],
             outcomes[CLAIM_HOLDS], outcomes[CLAIM_FAILS]);
    text_put(&out, "%zu need more runs and %zu are not run.", outcomes[CLAIM_NOT_ENOUGH_RUNS],
             outcomes[CLAIM_NOT_RUN]);
    return text_take(&out, text, "a report", err);
}

int words_missing(const struct report *report, const struct report_figure *figure, char **text,
                  struct err *err)
{
    const struct experiment *experiment = figure->experiment;
    struct text out = {0};
    text_put_string(&out, "");
    if (experiment->study != NULL && figure->study_count == 0)
        text_put(&out, "Nothing measured under %s; repro %s measures it. ", report->options->out,
                 figure->asked);
    if (experiment->study == NULL && !experiment->schedules_only && figure->set_count == 1 &&
        !figure->sets[0].trained)
        text_put(&out, "No finished run under %s; repro %s trains them. What follows is the plan. ",
                 report->options->out, figure->asked);
    if (figure->stale > 0)
        text_put(&out,
                 "%zu finished run%s made under other settings than today's and not shown%s%s. ",
                 figure->stale, figure->stale == 1 ? " was" : "s were",
                 figure->stale_words[0] == '\0' ? "" : ": ", figure->stale_words);
    return text_take(&out, text, "a report", err);
}

int words_caption(const struct report_set *set, int paper, char **text, struct err *err)
{
    struct text out = {0};
    size_t missing = 0;
    for (size_t i = 0; set->trained && i < set->found.facts.experiment->run_count; i++)
        missing += set->curve[i].seeds == 0;
    text_put_string(&out, set->caption);
    if (missing > 0)
        text_put(&out, " %zu of %zu runs %s not done and not drawn.", missing,
                 set->found.facts.experiment->run_count, missing == 1 ? "is" : "are");
    if (paper)
        text_put_string(&out, " The paper's curves are at its own scale, on its own axes.");
    return text_take(&out, text, "a report", err);
}
