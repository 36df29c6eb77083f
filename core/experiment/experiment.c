#include "experiment/experiment.h"

#include "base/err.h"
#include "base/mem.h"
#include "experiment/claims.h"
#include "experiment/panels.h"
#include "experiment/runs.h"
#include "experiment/settings.h"

#include <string.h>

#define COUNT_MAX (INT64_C(1) << 40)
#define EPOCHS_MAX 100000
#define SIDE_MAX 4096
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const TOP_KEYS[] = {"name",
                                       "title",
                                       "dataset",
                                       "train_n",
                                       "epochs",
                                       "groups",
                                       "plot",
                                       "base",
                                       "schedules_only",
                                       "study",
                                       "runs",
                                       "profiles",
                                       "default_profile",
                                       "defaults",
                                       "panels",
                                       "claims",
                                       "seeds",
                                       CONVENTIONS_IMAGE_KEYS};
static const char *const PROFILE_KEYS[] = {
    "name",      "network", "divide", "divide_batch", "divide_ghost",        "epochs",
    "divide_lr", "test_n",  "side",   "micro_ghosts", "device_micro_ghosts", "words"};

static const char *const STUDIES[] = {"accumulation"};

/* What N, batches, ghosts and learning rates are divided by. */
static void parse_divisors(const struct experiment *experiment, struct settings_view *view,
                           struct experiment_profile *profile)
{
    profile->divide = settings_int(view, "divide", 1, experiment->train_n);
    profile->divide_batch = settings_find(view, "divide_batch") == NULL
                                ? profile->divide
                                : settings_int(view, "divide_batch", 1, COUNT_MAX);
    profile->divide_ghost = settings_find(view, "divide_ghost") == NULL
                                ? profile->divide_batch
                                : settings_int(view, "divide_ghost", 1, COUNT_MAX);
    profile->divide_lr = settings_find(view, "divide_lr") == NULL
                             ? 1
                             : settings_double(view, "divide_lr", 1e-6, 1e6, "1e-6 to 1e6");
}

static int parse_profile(const struct experiment *experiment, struct settings_view *view,
                         struct experiment_profile *profile)
{
    if (settings_check(view, view->group, PROFILE_KEYS, COUNT_OF(PROFILE_KEYS)) != 0)
        return view->failed;
    profile->name = settings_name(view, "name");
    profile->network = settings_name(view, "network");
    parse_divisors(experiment, view, profile);
    profile->epochs = (int)settings_int(view, "epochs", 1, EPOCHS_MAX);
    profile->test_n = settings_int(view, "test_n", 1, COUNT_MAX);
    if (settings_find(view, "side") != NULL)
        profile->side = (int)settings_int(view, "side", 1, SIDE_MAX);
    profile->micro_ghosts = settings_int(view, "micro_ghosts", 1, COUNT_MAX);
    profile->device_micro_ghosts = settings_find(view, "device_micro_ghosts") == NULL
                                       ? profile->micro_ghosts
                                       : settings_int(view, "device_micro_ghosts", 1, COUNT_MAX);
    profile->words = settings_string(view, "words");
    struct schedule schedule;
    struct err err = {0};
    for (size_t i = 0; i < experiment->run_count && view->failed == 0; i++)
        if (experiment_schedule(experiment, profile, &experiment->runs[i], &schedule, &err) != 0)
            settings_fail(view, view->group, "%s", err.text);
    return view->failed;
}

static int parse_profiles(struct experiment *experiment, struct settings_view *top)
{
    const config_setting_t *list = settings_groups(top, "profiles", EXPERIMENT_PROFILE_MAX);
    if (list == NULL)
        return top->failed;
    size_t count = (size_t)config_setting_length(list);
    experiment->profiles = mem_new(count, sizeof experiment->profiles[0], top->err);
    if (experiment->profiles == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
        struct settings_view view = {.path = top->path, .group = group, .err = top->err};
        int code = parse_profile(experiment, &view, &experiment->profiles[i]);
        if (code != 0)
            return code;
        for (size_t j = 0; j < i; j++)
            if (strcmp(experiment->profiles[j].name, experiment->profiles[i].name) == 0)
                return settings_fail(&view, settings_find(&view, "name"),
                                     "a second profile is named '%s'; rename one",
                                     experiment->profiles[i].name);
    }
    experiment->profile_count = count;
    experiment->default_profile = settings_name(top, "default_profile");
    struct err err = {0};
    if (top->failed == 0 &&
        experiment_profile(experiment, experiment->default_profile, &err) == NULL)
        settings_fail(top, settings_find(top, "default_profile"), "default_profile: %s", err.text);
    return top->failed;
}

static int parse_top(struct experiment *experiment, struct settings_view *top)
{
    if (settings_check(top, top->group, TOP_KEYS, COUNT_OF(TOP_KEYS)) != 0)
        return top->failed;
    experiment->name = settings_name(top, "name");
    experiment->title = settings_string(top, "title");
    experiment->dataset = settings_name(top, "dataset");
    experiment->train_n = settings_int(top, "train_n", 1, COUNT_MAX);
    experiment->epochs = (int)settings_int(top, "epochs", 1, EPOCHS_MAX);
    experiment->groups = (int)settings_int(top, "groups", 1, 1024);
    experiment->seeds = settings_find(top, "seeds") == NULL
                            ? 1
                            : (int)settings_int(top, "seeds", 1, EXPERIMENT_SEED_MAX);
    experiment->plot = settings_find(top, "plot") == NULL ? "panels" : settings_name(top, "plot");
    if (settings_find(top, "study") != NULL) {
        int found = settings_choice(top, "study", STUDIES, COUNT_OF(STUDIES));
        experiment->study = found < 0 ? NULL : STUDIES[found];
    }
    if (settings_find(top, "schedules_only") != NULL)
        experiment->schedules_only = settings_bool(top, "schedules_only");
    int code = conventions_parse_images(top, &experiment->images);
    if (code == 0)
        code = experiment_runs_parse(top, experiment);
    if (code == 0)
        code = parse_profiles(experiment, top);
    if (code == 0)
        code = experiment_panels_parse(top, experiment);
    if (code == 0 && settings_find(top, "claims") != NULL)
        code = claims_parse(top, experiment, &experiment->claims, &experiment->claim_count);
    return code;
}

/* A file's tree, kept with its path for as long as the experiment. */
struct owned {
    config_t config;
    char *path;
    int read;
};

static int read_owned(struct owned *owned, char *path, struct err *err)
{
    owned->path = path;
    int code = path == NULL ? ERR_MEMORY : settings_read(path, &owned->config, err);
    owned->read = code == 0;
    return code;
}

/* The file that `base` names lies beside this one; what the experiment leaves out stands there. */
static int read_base(struct settings_view *top, struct owned *base)
{
    if (settings_find(top, "base") == NULL)
        return 0;
    const char *name = settings_string(top, "base"), *slash = strrchr(top->path, '/');
    if (name != NULL && (strchr(name, '/') != NULL || name[0] == '.'))
        settings_fail(top, settings_find(top, "base"),
                      "'base' is \"%.80s\"; it must name a file in the same folder", name);
    if (top->failed != 0)
        return top->failed;
    int folder = slash == NULL ? 0 : (int)(slash - top->path + 1);
    int code = read_owned(base, mem_format(top->err, "%.*s%s", folder, top->path, name), top->err);
    if (code != 0)
        return top->failed = code;
    top->fallback = config_root_setting(&base->config);
    if (config_setting_get_member(top->fallback, "base") != NULL)
        settings_fail(top, config_setting_get_member(top->fallback, "base"),
                      "a base has no base of its own; remove it");
    return settings_check(top, top->fallback, TOP_KEYS, COUNT_OF(TOP_KEYS));
}

int experiment_load(const char *path, struct experiment **out, struct err *err)
{
    struct experiment *experiment = mem_new(1, sizeof *experiment, err);
    struct owned *owned = mem_new(2, sizeof *owned, err);
    int code = experiment == NULL || owned == NULL ? ERR_MEMORY : 0;
    if (experiment != NULL)
        experiment->owned = owned;
    if (code == 0)
        code = read_owned(&owned[0], mem_string(path, err), err);
    if (code == 0) {
        experiment->path = owned[0].path;
        struct settings_view top = {
            .path = owned[0].path, .group = config_root_setting(&owned[0].config), .err = err};
        code = read_base(&top, &owned[1]);
        if (code == 0)
            code = parse_top(experiment, &top);
    }
    if (code != 0) {
        if (experiment == NULL)
            mem_free(owned);
        experiment_free(experiment);
        return code;
    }
    *out = experiment;
    return 0;
}

void experiment_free(struct experiment *experiment)
{
    if (experiment == NULL)
        return;
    struct owned *owned = experiment->owned;
    for (int i = 0; owned != NULL && i < 2; i++) {
        if (owned[i].read)
            config_destroy(&owned[i].config);
        mem_free(owned[i].path);
    }
    mem_free(owned);
    mem_free(experiment->runs);
    mem_free(experiment->profiles);
    mem_free(experiment->panels);
    mem_free(experiment->claims);
    mem_free(experiment);
}
