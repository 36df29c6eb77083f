#include "results/curves.h"

#include "base/err.h"
#include "base/mem.h"
#include "results/identity.h"

/* One seed of one run: *found is NULL where there is none. */
static int find_seed(const struct store *store, const struct facts *facts,
                     const struct experiment_run *what, const struct schedule *schedule,
                     uint64_t seed, struct stored **found, struct err *err)
{
    char hash[IDENTITY_HASH];
    json_t *identity = NULL;
    int code = identity_make(facts, what, schedule, seed, &identity, hash, err);
    if (code != 0)
        return code;
    json_decref(identity);
    struct stored *run = store_find(store, hash);
    if (run != NULL && run->manifest == NULL) {
        *err = run->damage;
        return err->code;
    }
    *found = run;
    return 0;
}

static int find_curve(const struct store *store, const struct facts *facts,
                      const struct experiment_run *what, uint64_t first, size_t seeds,
                      struct curve *curve, struct err *err)
{
    struct schedule schedule;
    int code = experiment_schedule(facts->experiment, facts->profile, what, &schedule, err);
    for (size_t s = 0; s < seeds && code == 0; s++) {
        struct stored *found = NULL;
        code = find_seed(store, facts, what, &schedule, first + s, &found, err);
        if (found != NULL && found->done) {
            curve->seeds[curve->count++] = found;
        } else if (found != NULL && curve->begun++ == 0) {
            curve->going = found;
        }
    }
    return code;
}

int curves_find(const struct store *store, const struct facts *facts, uint64_t first, size_t seeds,
                struct curves *curves, struct err *err)
{
    const struct experiment *experiment = facts->experiment;
    *curves = (struct curves){.count = experiment->run_count};
    curves->curve = mem_new(curves->count, sizeof *curves->curve, err);
    curves->all = mem_new(curves->count * seeds, sizeof *curves->all, err);
    int code = curves->curve == NULL || curves->all == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < curves->count && code == 0; i++) {
        curves->curve[i].seeds = curves->all + i * seeds;
        if (store->count > 0)
            code = find_curve(store, facts, &experiment->runs[i], first, seeds, &curves->curve[i],
                              err);
    }
    if (code != 0)
        curves_release(curves);
    return code;
}

void curves_release(struct curves *curves)
{
    mem_free(curves->curve);
    mem_free(curves->all);
    *curves = (struct curves){0};
}

struct stored *curve_seed(const struct curve *curve, uint64_t seed)
{
    for (size_t s = 0; s < curve->count; s++)
        if (stored_seed(curve->seeds[s]) == seed)
            return curve->seeds[s];
    return NULL;
}

int curves_have(const struct curves *curves, uint64_t seed)
{
    for (size_t i = 0; i < curves->count; i++)
        if (curve_seed(&curves->curve[i], seed) == NULL)
            return 0;
    return 1;
}
