/* store.h -- the run folders under OUT/runs, found by their manifests: what finished results are
 * read through, on any machine.
 *
 * Opening reads every manifest once; a log is read when it is first asked for, once.  A folder
 * whose manifest cannot be read stays in the list with the reason, so that whoever needs that run
 * can say it.  Reads only.  Not thread-safe. */
#ifndef RESULTS_STORE_H
#define RESULTS_STORE_H

#include "base/err.h"
#include "results/runlog.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* One run folder. */
struct stored {
    char *folder, *log_path;
    json_t *manifest; /* NULL: cannot be read, see damage */
    struct err damage;
    int done;
    int has_log; /* log below has been read */
    struct runlog log;
};

struct store {
    char *out;
    size_t count;
    struct stored *runs; /* [count], by folder name */
};

/* A missing OUT or OUT/runs is an empty store.  store_close() is legal on a zeroed struct. */
int store_open(struct store *store, const char *out, struct err *err);
void store_close(struct store *store);

/* The run of that identity, done or not; NULL where there is none.  A folder of that identity whose
 * manifest is damaged is found by its name. */
struct stored *store_find(const struct store *store, const char *hash);

/* What a run's identity says, by key; NULL where the manifest is damaged. */
const json_t *stored_identity(const struct stored *run);
/* Its seed; 0 where it says none. */
uint64_t stored_seed(const struct stored *run);

/* The run's log; *log is the store's.  That of a run that is done is the one it ended with: its
 * digest is the manifest's, or, of a run of before, its last row is the manifest's result.
 * ERR_INPUT "path:line: ..." when it is damaged, ERR_IO when it is not there. */
int stored_log(struct stored *run, const struct runlog **log, struct err *err);

#endif
