#include "results/sets.h"

#include "base/err.h"
#include "base/mem.h"
#include "results/curves.h"
#include "results/difference.h"
#include "results/identity.h"
#include "results/manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static void set_id(struct result_set *set)
{
    const struct facts_data *data = &set->facts.data;
    const struct facts_backend *backend = &set->facts.backend;
    char words[1024];
    snprintf(words, sizeof words, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%d\n%d\n%d\n%" PRId64,
             set->facts.profile->name, data->name, data->digest, data->augment, backend->name,
             backend->version, backend->algorithms, backend->precision,
             backend->any_threads ? 0 : backend->threads, backend->tuned, set->facts.micro_ghosts);
    snprintf(set->id, sizeof set->id, "%08" PRIx32, (uint32_t)XXH3_64bits(words, strlen(words)));
}

static const struct experiment_profile *profile_of(const struct experiment *experiment,
                                                   const json_t *manifest)
{
    const char *name = json_string_value(json_object_get(manifest, "profile"));
    for (size_t i = 0; name != NULL && i < experiment->profile_count; i++)
        if (strcmp(experiment->profiles[i].name, name) == 0)
            return &experiment->profiles[i];
    return NULL;
}

/* Keeps in what a run that is not asked for differs from the nearest of those that are. */
static void note_stale(struct result_sets *sets, const struct stored *run, const json_t *wanted,
                       size_t *fewest)
{
    struct difference list[DIFFERENCE_MAX];
    size_t count = difference_find(stored_identity(run), wanted, list);
    if (count == 0 || (*fewest != 0 && count >= *fewest))
        return;
    *fewest = count;
    snprintf(sets->stale_words, sizeof sets->stale_words, "%s was %s, is %s%s", list[0].path,
             list[0].was, list[0].now, count > 1 ? ", and more" : "");
}

/* Whether the experiment asks for a run of this identity. */
static int is_asked_for(struct result_sets *sets, const struct facts *facts,
                        const struct stored *run, size_t *fewest, int *asked, struct err *err)
{
    const struct experiment *experiment = facts->experiment;
    const char *own = json_string_value(json_object_get(run->manifest, "identity_hash"));
    *asked = 0;
    for (size_t i = 0; i < experiment->run_count && !*asked; i++) {
        char hash[IDENTITY_HASH];
        json_t *identity = NULL;
        struct schedule schedule;
        const struct experiment_run *what = &experiment->runs[i];
        int code = experiment_schedule(experiment, facts->profile, what, &schedule, err);
        if (code == 0)
            code = identity_make(facts, what, &schedule, stored_seed(run), &identity, hash, err);
        if (code != 0)
            return code;
        *asked = own != NULL && strcmp(own, hash) == 0;
        if (!*asked && manifest_is_named(run->manifest, experiment->name, what->name))
            note_stale(sets, run, identity, fewest);
        json_decref(identity);
    }
    return 0;
}

static struct result_set *set_of(struct result_sets *sets, const struct facts *facts)
{
    for (size_t i = 0; i < sets->count; i++)
        if (sets->set[i].facts.profile == facts->profile && facts_same(&sets->set[i].facts, facts))
            return &sets->set[i];
    struct result_set *set = &sets->set[sets->count++];
    *set = (struct result_set){.facts = *facts, .first = UINT64_MAX};
    set_id(set);
    return set;
}

static int take(struct result_sets *sets, const struct experiment *experiment,
                const struct stored *run, size_t *fewest, struct err *err)
{
    struct facts facts = {.experiment = experiment};
    struct err unreadable = {0};
    int asked = 0, code = 0;
    facts.profile = profile_of(experiment, run->manifest);
    if (facts.profile != NULL && facts_read(&facts, run->manifest, &unreadable) == 0)
        code = is_asked_for(sets, &facts, run, fewest, &asked, err);
    if (code != 0)
        return code;
    if (!asked) {
        sets->stale++;
        return 0;
    }
    struct result_set *set = set_of(sets, &facts);
    uint64_t seed = stored_seed(run);
    set->first = seed < set->first ? seed : set->first;
    set->last = seed > set->last ? seed : set->last;
    return 0;
}

static int count_runs(const struct store *store, struct result_set *set, struct err *err)
{
    struct curves curves = {0};
    size_t span = (size_t)(set->last - set->first) + 1;
    int code = curves_find(store, &set->facts, set->first, span < SETS_SEEDS ? span : SETS_SEEDS,
                           &curves, err);
    for (size_t i = 0; code == 0 && i < curves.count; i++)
        set->done += curves.curve[i].count;
    for (size_t s = 0; code == 0 && s < curves.curve[0].count; s++) {
        uint64_t seed = stored_seed(curves.curve[0].seeds[s]);
        if (!curves_have(&curves, seed))
            continue;
        set->whole_first = set->whole == 0 ? seed : set->whole_first;
        set->whole_last = seed;
        set->whole++;
    }
    curves_release(&curves);
    return code;
}

static int by_facts(const void *a, const void *b)
{
    const struct facts *x = &((const struct result_set *)a)->facts;
    const struct facts *y = &((const struct result_set *)b)->facts;
    char left[FACTS_LABEL], right[FACTS_LABEL];
    if (x->profile != y->profile)
        return x->profile < y->profile ? -1 : 1;
    int order = strcmp(x->data.name, y->data.name);
    if (order == 0)
        order = strcmp(facts_label(&x->backend, left), facts_label(&y->backend, right));
    return order != 0 ? order : x->backend.threads - y->backend.threads;
}

static int find(const struct store *store, const struct experiment *experiment, int begun,
                struct result_sets *sets, struct err *err)
{
    size_t fewest = 0;
    *sets = (struct result_sets){0};
    sets->set = mem_new(store->count, sizeof *sets->set, err);
    int code = sets->set == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < store->count && code == 0; i++) {
        const struct stored *run = &store->runs[i];
        if ((run->done || begun) && manifest_is_named(run->manifest, experiment->name, NULL))
            code = take(sets, experiment, run, &fewest, err);
    }
    for (size_t i = 0; i < sets->count && code == 0; i++)
        code = count_runs(store, &sets->set[i], err);
    sets->found = sets->count;
    if (code != 0)
        sets_release(sets);
    else if (sets->count > 1)
        qsort(sets->set, sets->count, sizeof *sets->set, by_facts);
    return code;
}

int sets_find(const struct store *store, const struct experiment *experiment,
              struct result_sets *sets, struct err *err)
{
    return find(store, experiment, 0, sets, err);
}

int sets_find_begun(const struct store *store, const struct experiment *experiment,
                    struct result_sets *sets, struct err *err)
{
    return find(store, experiment, 1, sets, err);
}

void sets_release(struct result_sets *sets)
{
    mem_free(sets->set);
    *sets = (struct result_sets){0};
}

int sets_fit(const struct result_set *set, const struct sets_choice *choice)
{
    const struct facts *facts = &set->facts;
    const struct facts_backend *backend = &facts->backend;
    return (choice->profile == NULL || strcmp(choice->profile, facts->profile->name) == 0) &&
           (choice->data == NULL || strcmp(choice->data, facts->data.name) == 0) &&
           (choice->digest == NULL || strcmp(choice->digest, facts->data.digest) == 0) &&
           (choice->backend == NULL || strcmp(choice->backend, backend->name) == 0) &&
           (choice->id == NULL || strcmp(choice->id, set->id) == 0) &&
           (choice->precision == 0 || choice->precision == backend->precision) &&
           (choice->threads == 0 || backend->any_threads || choice->threads == backend->threads) &&
           (!choice->tuned || backend->tuned);
}

int sets_apart(const struct store *store, const struct facts *facts, char apart[9], struct err *err)
{
    struct result_sets sets = {0};
    const char *id = "";
    size_t same = 0;
    char *stem = facts_stem(facts, NULL, err);
    int code = stem == NULL ? ERR_MEMORY : sets_find(store, facts->experiment, &sets, err);
    for (size_t i = 0; i < sets.count && code == 0; i++) {
        struct result_set *set = &sets.set[i];
        char *other = facts_stem(&set->facts, NULL, err);
        if (other == NULL)
            code = ERR_MEMORY;
        else
            same += strcmp(other, stem) == 0;
        if (set->facts.profile == facts->profile && facts_same(&set->facts, facts))
            id = set->id;
        mem_free(other);
    }
    if (code == 0)
        snprintf(apart, 9, "%s", same > 1 ? id : "");
    mem_free(stem);
    sets_release(&sets);
    return code;
}

static int is_usual(const struct result_set *set)
{
    return strcmp(set->facts.profile->name, set->facts.experiment->default_profile) == 0;
}

/* Moves the set to the end of those that are kept so far; the order of these stays. */
static void keep(struct result_sets *sets, size_t i, size_t *kept)
{
    struct result_set chosen = sets->set[i];
    for (; i > *kept; i--)
        sets->set[i] = sets->set[i - 1];
    sets->set[(*kept)++] = chosen;
}

void sets_keep(struct result_sets *sets, const struct sets_choice *choice)
{
    size_t kept = 0, usual = 0;
    for (size_t i = 0; i < sets->count; i++)
        if (sets_fit(&sets->set[i], choice))
            keep(sets, i, &kept);
    for (size_t i = 0; i < kept && choice->profile == NULL && choice->id == NULL; i++)
        if (is_usual(&sets->set[i]))
            keep(sets, i, &usual);
    sets->count = usual > 0 ? usual : kept;
}

const char *sets_text(const struct result_set *set, char text[SETS_TEXT])
{
    const struct facts *facts = &set->facts;
    char label[FACTS_LABEL], threads[32] = "", seeds[64];
    if (!facts->backend.any_threads)
        snprintf(threads, sizeof threads, ", %d thread%s", facts->backend.threads,
                 facts->backend.threads == 1 ? "" : "s");
    if (set->first == set->last)
        snprintf(seeds, sizeof seeds, "seed %" PRIu64, set->first);
    else
        snprintf(seeds, sizeof seeds, "seeds %" PRIu64 " to %" PRIu64, set->first, set->last);
    snprintf(text, SETS_TEXT, "profile %s, %s, %s%s, %s: %zu finished run%s (%s)",
             facts->profile->name, facts->data.name, facts_label(&facts->backend, label), threads,
             seeds, set->done, set->done == 1 ? "" : "s", facts->backend.library);
    return text;
}
