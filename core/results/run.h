/* run.h -- one run: a curve of an experiment at a profile's scale with one seed; its identity, its
 * folder, what is in it.
 *
 *     OUT/runs/NAME-HASH/{manifest.json, log.tsv, checkpoint.safetensors} */
#ifndef RESULTS_RUN_H
#define RESULTS_RUN_H

#include "experiment/experiment.h"
#include "results/facts.h"
#include "results/identity.h"
#include "schedule/schedule.h"

#include <jansson.h>
#include <stdint.h>

struct err;

enum run_status {
    RUN_NEW,     /* nothing there */
    RUN_PARTIAL, /* begun, can be resumed */
    RUN_DONE,
};

struct run {
    const struct facts *facts;
    const struct experiment_run *what;
    uint64_t seed;
    struct schedule schedule;
    int64_t micro; /* rows of one forward call */
    json_t *identity;
    char hash[IDENTITY_HASH];
    char *folder, *manifest_path, *log_path, *checkpoint_path;
    enum run_status status;
};

/* Works out schedule, identity and folder of a run kept under `out`, and its status from what is
 * there.  Reads, never writes.  run_release() is legal on a zeroed struct; facts and what outlive
 * the run.  ERR_INPUT also for a damaged manifest. */
int run_init(struct run *run, const struct facts *facts, const struct experiment_run *what,
             uint64_t seed, const char *out, struct err *err);
void run_release(struct run *run);

/* Takes the lock of the run's folder, which is there: one process at a time trains a run or changes
 * its manifest.  *descriptor is closed by the caller, which gives the lock back.  wait 0: ERR_IO
 * where another process has it. */
int run_hold(const struct run *run, int wait, int *descriptor, struct err *err);

#endif
