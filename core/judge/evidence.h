/* evidence.h -- what claims are judged on: the plans of a figure's runs and the logs of their
 * finished seeds. */
#ifndef JUDGE_EVIDENCE_H
#define JUDGE_EVIDENCE_H

#include "judge/judge.h"
#include "results/facts.h"
#include "results/store.h"

#include <stddef.h>
#include <stdint.h>

struct err;

/* Seeds that are looked for where none are named. */
#define EVIDENCE_SEEDS 64

/* All that `claims` points to; the rows of the logs are the store's. */
struct evidence {
    struct claim_evidence claims;
    struct schedule *paper, *here;
    struct claim_curves *curves;
    struct runlog *logs;
};

/* Takes the runs of these facts in the store with seeds first .. first + seeds - 1; those that are
 * done give their log, the rest count as not there.  store NULL: nothing was trained; then only
 * experiment and profile of the facts are looked at.  Store and experiment must outlive the
 * evidence.  ERR_INPUT for a damaged manifest or log. */
int evidence_load(struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                  struct evidence *evidence, struct err *err);
/* Legal on a zeroed struct. */
void evidence_release(struct evidence *evidence);

#endif
