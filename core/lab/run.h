/* run.h -- one run: a curve of an experiment at a profile's scale with one seed; its identity, its
 * folder, what is in it.
 *
 * The identity is everything that can change a bit of the result, as JSON; its hash names the
 * folder, so figures that share a run train it once and runs of different identity never meet.
 *     OUT/runs/NAME-HASH/{manifest.json, log.tsv, checkpoint.safetensors} */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include "experiment/experiment.h"
#include "lab/session.h"
#include "schedule/schedule.h"

#include <jansson.h>

struct err;

#define RUN_HASH 33

enum run_status {
    RUN_NEW,     /* nothing there */
    RUN_PARTIAL, /* begun, can be resumed */
    RUN_DONE,
};

struct run {
    const struct session *session;
    const struct experiment_run *what;
    struct schedule schedule;
    int64_t micro;
    json_t *identity;
    char hash[RUN_HASH];
    char *folder, *manifest_path, *log_path, *checkpoint_path;
    enum run_status status;
};

/* Works out schedule, identity, folder and status of a run kept under `out`.  Reads, never writes.
 * run_release() is legal on a zeroed struct; the session outlives the run. */
int run_init(struct run *run, const struct session *session, const struct experiment_run *what,
             const char *out, struct err *err);
void run_release(struct run *run);

#endif
