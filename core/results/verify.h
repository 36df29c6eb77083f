/* verify.h -- whether a run's three files are what was written, all of them, every byte.
 *
 * Manifest and log are looked at by everyone who reads results (store.h); this reads the checkpoint
 * as well.  Reads only, and may run beside a training: the checkpoint is read before the log, which
 * is never behind it. */
#ifndef RESULTS_VERIFY_H
#define RESULTS_VERIFY_H

#include "base/err.h"
#include "results/store.h"

enum verify_state {
    VERIFY_GOOD,
    VERIFY_UNSEALED, /* nothing wrong was found, but something has no digest to be held against */
    VERIFY_DAMAGED,
};

#define VERIFY_WORDS 256

struct verification {
    enum verify_state state;
    char words[VERIFY_WORDS]; /* what was looked at: "done, 40 epochs; no checkpoint is kept" */
    struct err damage;        /* names the file, what is wrong and the mend */
};

/* ERR_MEMORY alone: what is damaged is a verdict. */
int verify_run(struct stored *run, struct verification *found, struct err *err);

#endif
