#include "results/identity.h"

#include "backend/backend.h"
#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "experiment/conventions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

/* Raised when the arithmetic or the random numbers of the core change, so that old runs do not pass
 * for new ones. */
#define ARITHMETIC 1

/* Each of the following returns NULL when a single value cannot be had: an identity that lacks one
 * would be another run's. */

static json_t *phases_json(const struct schedule *schedule)
{
    json_t *phases = json_array();
    for (int i = 0; phases != NULL && i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        json_t *one = json_pack("{s:i, s:i, s:I, s:f, s:f}", "first_epoch", phase->first_epoch,
                                "epochs", phase->epochs, "batch", (json_int_t)phase->batch, "lr",
                                phase->lr, "momentum", phase->momentum);
        if (json_array_append_new(phases, one) != 0) {
            json_decref(phases);
            return NULL;
        }
    }
    return phases;
}

static json_t *optimizer_json(const struct experiment_run *what, int optimizer)
{
    if (optimizer != REPRO_OPTIMIZER_ADAM)
        return json_pack("{s:s, s:f}", "name", optimizer_name(optimizer), "weight_decay",
                         what->weight_decay);
    return json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", optimizer_name(optimizer), "weight_decay",
                     what->weight_decay, "beta1", what->beta1, "beta2", what->beta2, "epsilon",
                     what->epsilon);
}

static json_t *data_json(const struct facts *facts)
{
    const struct facts_data *data = &facts->data;
    return json_pack("{s:s, s:s, s:I, s:I, s:s}", "name", data->name, "xxh3", data->digest,
                     "train_n", (json_int_t)facts_train_n(facts), "test_n",
                     (json_int_t)facts->profile->test_n, "augment", data->augment);
}

/* The thread count belongs to it only where it can change a bit. */
static json_t *backend_json(const struct facts_backend *backend)
{
    json_t *object = json_pack("{s:s, s:s, s:s}", "name", backend->name, "version",
                               backend->version, "precision", precision_name(backend->precision));
    int bad = object == NULL;
    if (!backend->any_threads)
        bad |= json_object_set_new(object, "threads", json_integer(backend->threads));
    if (backend->algorithms[0] != '\0')
        bad |= json_object_set_new(object, "algorithms", json_string(backend->algorithms));
    if (!bad)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *identity_json(const struct facts *facts, const struct experiment_run *what,
                             const struct schedule *schedule, uint64_t seed)
{
    json_t *identity = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:i, s:I}", "arithmetic", ARITHMETIC, "network",
        facts->profile->network, "data", data_json(facts), "optimizer",
        optimizer_json(what, schedule->optimizer), "phases", phases_json(schedule), "backend",
        backend_json(&facts->backend), "ghost", (json_int_t)schedule->ghost, "micro",
        (json_int_t)(schedule->ghost * facts->micro_ghosts), "groups", facts->experiment->groups,
        "seed", (json_int_t)seed);
    json_t *conventions = NULL;
    int bad = identity == NULL || conventions_json(&schedule->conventions, &conventions, NULL) != 0;
    if (conventions != NULL)
        bad |= json_object_set_new(identity, "conventions", conventions);
    if (!bad)
        return identity;
    json_decref(identity);
    return NULL;
}

int identity_make(const struct facts *facts, const struct experiment_run *what,
                  const struct schedule *schedule, uint64_t seed, json_t **out,
                  char hash[IDENTITY_HASH], struct err *err)
{
    json_t *identity = identity_json(facts, what, schedule, seed);
    struct text words = {0};
    char *text;
    text_put_json(&words, identity, JSON_COMPACT | JSON_SORT_KEYS);
    if (text_take(&words, &text, "an identity", NULL) != 0) {
        json_decref(identity);
        return err_set(err, ERR_MEMORY, "cannot write down the identity of run '%s': out of memory",
                       what->name);
    }
    XXH128_hash_t found = XXH3_128bits(text, strlen(text));
    snprintf(hash, IDENTITY_HASH, "%016" PRIx64 "%016" PRIx64, (uint64_t)found.high64,
             (uint64_t)found.low64);
    mem_free(text);
    *out = identity;
    return 0;
}
