/* evidence.h -- what claims are judged on: the plans of a figure's runs and the logs of their
 * finished seeds. */
#ifndef JUDGE_EVIDENCE_H
#define JUDGE_EVIDENCE_H

#include "judge/judge.h"
#include "lab/session.h"

struct err;

/* Seeds that are looked for where none are named. */
#define EVIDENCE_SEEDS 64

/* Looks under `out` for runs of the session with seeds first .. first + count - 1; those that are
 * done give their log, the rest count as not there.  The experiment must outlive the evidence.
 * Reads, never writes.  ERR_INPUT for a damaged manifest or log. */
int evidence_load(const struct session *session, const char *out, uint64_t first, size_t count,
                  struct claim_evidence *evidence, struct err *err);
/* Legal on a zeroed struct. */
void evidence_release(struct claim_evidence *evidence);

#endif
