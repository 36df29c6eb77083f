/* verdicts.h -- a figure's claims judged, put into words for people and into a table to keep. */
#ifndef JUDGE_VERDICTS_H
#define JUDGE_VERDICTS_H

#include "judge/judge.h"

#include <stddef.h>

struct err;

struct verdicts {
    const struct claim_evidence *evidence; /* borrowed */
    const char *data, *backend;            /* names, borrowed; NULL: nothing was trained */
    size_t count;
    struct claim_verdict *verdicts; /* of the experiment's claims, in their order */
    size_t outcomes[4];             /* how many of each enum claim_outcome */
};

/* Judges every claim of the experiment; it may have none. */
int verdicts_judge(struct verdicts *verdicts, const struct claim_evidence *evidence,
                   const char *data, const char *backend, struct err *err);
void verdicts_release(struct verdicts *verdicts);

/* One paragraph a claim, verdict first, in lines of at most 110 columns, and a last line that sums
 * up.  Where the profile is not the paper's own (experiment_is_paper()) every verdict names
 * it.  *text is freed with mem_free(). */
int verdicts_text(const struct verdicts *verdicts, char **text, struct err *err);

/* Replaces the file: tab-separated, one line a claim, the first line naming the columns
 * verdict, figure, profile, data, backend, section, kind, words, measured, needed, from, power. */
int verdicts_write(const struct verdicts *verdicts, const char *path, struct err *err);

#endif
