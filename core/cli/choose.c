/* Which results a command speaks of, where it looks at results alone. */
#include "cli/command.h"

#include "base/err.h"
#include "results/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *results_folder(const struct command_options *options)
{
    return options->out == NULL ? "results" : options->out;
}

uint64_t first_seed(const struct command_options *options)
{
    return options->seed == 0 ? 1 : options->seed;
}

/* A backend may be named by the path of its plugin. */
static const char *backend_name(const char *given, char name[64])
{
    const char *slash = strrchr(given, '/'), *start = slash == NULL ? given : slash + 1;
    const char *end = slash == NULL ? NULL : strstr(start, ".so");
    snprintf(name, 64, "%.*s", end == NULL ? (int)strlen(start) : (int)(end - start), start);
    return name;
}

/* --data names a data set that is among the results, or a folder: then its digest at their profile
 * counts.  Where sets of several profiles are left, one of these has to be named first. */
static int choose_data(const char *given, const struct experiment *experiment,
                       const struct result_sets *sets, struct sets_choice *choice, char digest[17],
                       struct err *err)
{
    struct dataset data = {0};
    for (size_t i = 0; i < sets->found; i++)
        if (strcmp(sets->set[i].facts.data.name, given) == 0) {
            choice->data = given;
            return 0;
        }
    for (size_t i = 0; i < sets->count; i++)
        if (sets->set[i].facts.profile != sets->set[0].facts.profile)
            return 0;
    if (sets->count == 0)
        return 0;
    int code = session_data(experiment, sets->set[0].facts.profile, given, 0, &data, err);
    if (code != 0)
        return code;
    snprintf(digest, 17, "%016" PRIx64, data.digest);
    choice->digest = digest;
    dataset_release(&data);
    return 0;
}

static void print_sets(const struct experiment *experiment, const struct result_sets *sets,
                       size_t count)
{
    char text[SETS_TEXT];
    fprintf(stderr, "%s has these results:\n", experiment->name);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "    --set %s  %s\n", sets->set[i].id, sets_text(&sets->set[i], text));
}

void print_damaged(const struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        if (store->runs[i].manifest == NULL)
            fprintf(stderr, "repro: passed over: %s\n", store->runs[i].damage.text);
}

static int keep_chosen(const struct command_options *options, const struct experiment *experiment,
                       struct result_sets *sets, struct err *err)
{
    char name[64], digest[17];
    struct sets_choice choice = {.profile = options->profile,
                                 .id = options->set,
                                 .precision = options->precision,
                                 .threads = options->threads,
                                 .tuned = options->tune};
    int code = 0;
    if (options->profile != NULL && experiment_profile(experiment, options->profile, err) == NULL)
        return ERR_USAGE;
    if (options->backend != NULL)
        choice.backend = backend_name(options->backend, name);
    sets_keep(sets, &choice);
    if (options->data != NULL && options->data[0] != '\0')
        code = choose_data(options->data, experiment, sets, &choice, digest, err);
    if (code == 0)
        sets_keep(sets, &choice);
    return code;
}

/* Whether a set is of that profile; of any, where none is named. */
static int has_profile(const struct result_sets *sets, const char *profile)
{
    for (size_t i = 0; profile != NULL && i < sets->found; i++)
        if (strcmp(sets->set[i].facts.profile->name, profile) == 0)
            return 1;
    return profile == NULL;
}

int choose_results(const struct command_options *options, const struct experiment *experiment,
                   const struct store *store, struct result_set *set, int *found, struct err *err)
{
    struct result_sets sets = {0};
    int code = options->unfinished ? sets_find_begun(store, experiment, &sets, err)
                                   : sets_find(store, experiment, &sets, err);
    if (code == 0) {
        print_damaged(store);
        code = keep_chosen(options, experiment, &sets, err);
    }
    int elsewhere = sets.count == 0 && sets.found > 0 && has_profile(&sets, options->profile);
    if (code == 0 && (sets.count > 1 || elsewhere))
        print_sets(experiment, &sets, sets.count == 0 ? sets.found : sets.count);
    if (code == 0 && sets.count > 1)
        code = err_set(err, ERR_USAGE,
                       "%s: %zu sets of results under '%s' fit; name one by its --set, or by "
                       "--profile, --data, --backend, --precision, --threads",
                       experiment->name, sets.count, store->out);
    if (code == 0 && elsewhere)
        code = err_set(err, ERR_USAGE, "%s: none of the results under '%s' fits the options",
                       experiment->name, store->out);
    *found = code == 0 && sets.count == 1;
    if (*found) {
        *set = sets.set[0];
        session_data_title(&set->facts.data);
    }
    if (code == 0 && sets.count == 0 && sets.stale > 0)
        fprintf(stderr,
                "repro: %zu finished run%s of %s under '%s' %s made under other settings than "
                "today's%s%s\n",
                sets.stale, sets.stale == 1 ? "" : "s", experiment->name, store->out,
                sets.stale == 1 ? "was" : "were", sets.stale_words[0] == '\0' ? "" : ": ",
                sets.stale_words);
    sets_release(&sets);
    return code;
}
