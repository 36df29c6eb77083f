#include "lab/run.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "experiment/conventions.h"
#include "lab/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Raised when the arithmetic or the random numbers of the core change, so that old runs do not pass
 * for new ones. */
#define ARITHMETIC 1

static json_t *phases_json(const struct schedule *schedule)
{
    json_t *phases = json_array();
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        json_array_append_new(phases, json_pack("{s:i, s:i, s:I, s:f, s:f}", "first_epoch",
                                                phase->first_epoch, "epochs", phase->epochs,
                                                "batch", (json_int_t)phase->batch, "lr", phase->lr,
                                                "momentum", phase->momentum));
    }
    return phases;
}

static json_t *optimizer_json(const struct run *run)
{
    const struct experiment_run *what = run->what;
    json_t *object = json_pack("{s:s, s:f}", "name", optimizer_name(run->schedule.optimizer),
                               "weight_decay", what->weight_decay);
    if (run->schedule.optimizer == REPRO_OPTIMIZER_ADAM) {
        json_object_set_new(object, "beta1", json_real(what->beta1));
        json_object_set_new(object, "beta2", json_real(what->beta2));
        json_object_set_new(object, "epsilon", json_real(what->epsilon));
    }
    return object;
}

static json_t *data_json(const struct dataset *data)
{
    char digest[17];
    snprintf(digest, sizeof digest, "%016" PRIx64, data->digest);
    return json_pack("{s:s, s:s, s:I, s:I, s:s}", "name", data->name, "xxh3", digest, "train_n",
                     (json_int_t)data->train_n, "test_n", (json_int_t)data->test_n, "augment",
                     "crop from 4-pixel reflection pad, flip");
}

/* The thread count belongs to it only where it can change a bit. */
static json_t *backend_json(const struct session *session)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "name", session->backend.name, "version",
                               session->backend.version, "precision",
                               precision_name(session->precision));
    if (!(session->caps.flags & REPRO_CAPS_ANY_THREADS))
        json_object_set_new(object, "threads", json_integer(session->caps.threads));
    if (session->caps.algorithms[0] != '\0')
        json_object_set_new(object, "algorithms", json_string(session->caps.algorithms));
    return object;
}

static json_t *identity_json(const struct run *run)
{
    const struct session *session = run->session;
    json_t *conventions;
    if (conventions_json(&run->schedule.conventions, &conventions, NULL) != 0)
        return NULL;
    json_t *identity = json_pack("{s:i, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:I}", "arithmetic",
                                 ARITHMETIC, "network", session->profile->network, "data",
                                 data_json(&session->data), "optimizer", optimizer_json(run),
                                 "phases", phases_json(&run->schedule), "backend",
                                 backend_json(session), "ghost", (json_int_t)run->schedule.ghost,
                                 "micro", (json_int_t)run->micro, "groups",
                                 session->experiment->groups, "seed", (json_int_t)session->seed);
    if (conventions != NULL)
        json_object_set_new(identity, "conventions", conventions);
    return identity;
}

static int set_identity(struct run *run, struct err *err)
{
    run->identity = identity_json(run);
    char *text = run->identity == NULL ? NULL
                                       : json_dumps(run->identity, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return err_set(err, ERR_MEMORY, "cannot write down the identity of run '%s': out of memory",
                       run->what->name);
    XXH128_hash_t hash = XXH3_128bits(text, strlen(text));
    snprintf(run->hash, sizeof run->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
    free(text);
    return 0;
}

static int set_paths(struct run *run, const char *out, struct err *err)
{
    const struct session *session = run->session;
    run->folder = mem_format(err, "%s/runs/%s-%s-%s-%s-%.12s", out, session->profile->network,
                             session->data.name, optimizer_name(run->schedule.optimizer),
                             session->backend.name, run->hash);
    if (run->folder == NULL)
        return ERR_MEMORY;
    run->manifest_path = mem_format(err, "%s/manifest.json", run->folder);
    run->log_path = mem_format(err, "%s/log.tsv", run->folder);
    run->checkpoint_path = mem_format(err, "%s/checkpoint.safetensors", run->folder);
    if (run->manifest_path == NULL || run->log_path == NULL || run->checkpoint_path == NULL)
        return ERR_MEMORY;
    return 0;
}

int run_init(struct run *run, const struct session *session, const struct experiment_run *what,
             const char *out, struct err *err)
{
    memset(run, 0, sizeof *run);
    run->session = session;
    run->what = what;
    int code = experiment_schedule(session->experiment, session->profile, what, &run->schedule,
                                   err);
    run->micro = run->schedule.ghost * (session->caps.memory > 0
                                            ? session->profile->device_micro_ghosts
                                            : session->profile->micro_ghosts);
    if (code == 0)
        code = set_identity(run, err);
    if (code == 0)
        code = set_paths(run, out, err);
    if (code == 0)
        code = manifest_status(run->manifest_path, run->hash, &run->status, err);
    if (code != 0)
        run_release(run);
    return code;
}

void run_release(struct run *run)
{
    json_decref(run->identity);
    mem_free(run->folder);
    mem_free(run->manifest_path);
    mem_free(run->log_path);
    mem_free(run->checkpoint_path);
    memset(run, 0, sizeof *run);
}
