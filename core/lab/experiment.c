#include "lab/experiment.h"

#include "backend/backend.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "lab/claims.h"
#include "lab/experiment_panels.h"
#include "lab/settings.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#define RUN_MAX 64
#define PROFILE_MAX 16
#define COUNT_MAX (INT64_C(1) << 40)
#define EPOCHS_MAX 100000
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const TOP_KEYS[] = {"name", "title",  "dataset",  "train_n",         "epochs",   "groups", "plot", "base",
                                       "schedules_only", "runs", "profiles", "default_profile", "defaults", "panels",
                                       "claims"};
static const char *const PROFILE_KEYS[] = {"name", "network", "divide", "epochs", "test_n", "micro_ghosts", "words"};
static const char *const PAPER_KEYS[] = {"words", "updates_below", "updates_about", "accuracy", "curve"};
/* The first RUN_OWN are a run's own and have no default. */
#define RUN_OWN 3
static const char *const RUN_KEYS[] = {"name",      "title", "paper",     "optimizer",    "lr",    "momentum",
                                       "batch",     "ghost", "batch_max", "weight_decay", "steps", "factor",
                                       "action",    "beta1", "beta2",     "epsilon"};

static const char *const OPTIMIZERS[] = {"sgd", "momentum", "nesterov", "adam"};
static const int OPTIMIZER_VALUES[] = {REPRO_OPTIMIZER_SGD, REPRO_OPTIMIZER_MOMENTUM, REPRO_OPTIMIZER_NESTEROV,
                                       REPRO_OPTIMIZER_ADAM};
static const char *const ACTIONS[] = {"decay_lr", "grow_batch"};
static const int ACTION_VALUES[] = {SCHEDULE_DECAY_LR, SCHEDULE_GROW_BATCH};

/* values[i] where the text is words[i]; 0 after a failure. */
static int parse_word(struct settings_view *view, const config_setting_t *at, const char *key, const char *const *words,
                      const int *values, size_t count)
{
    const char *text = settings_string_of(view, at, key);
    if (text == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return values[i];
    const char *nearest = suggest(text, words, count);
    char known[128] = "";
    for (size_t i = 0, used = 0; i < count; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ", words[i]);
    if (nearest != NULL)
        settings_fail(view, at, "'%s' is \"%.80s\"; did you mean \"%s\"?", key, text, nearest);
    else
        settings_fail(view, at, "'%s' is \"%.80s\"; it must be one of %s", key, text, known);
    return 0;
}

static void parse_steps(struct settings_view *view, struct schedule_spec *spec)
{
    const config_setting_t *steps = settings_find(view, "steps");
    if (steps == NULL)
        return;
    if (!config_setting_is_array(steps) && !config_setting_is_list(steps)) {
        settings_fail(view, steps, "'steps' must be an array of epochs [ ... ]");
        return;
    }
    int count = config_setting_length(steps);
    if (count > SCHEDULE_STEP_MAX) {
        settings_fail(view, steps, "'steps' has %d entries; at most %d are possible", count, SCHEDULE_STEP_MAX);
        return;
    }
    spec->step_count = count;
    for (int i = 0; i < count; i++) {
        spec->step_epoch[i] = (int)settings_int_of(view, config_setting_get_elem(steps, (unsigned)i), "steps", 1,
                                                   EPOCHS_MAX);
        spec->factor[i] = settings_double_of(view, settings_each(view, "factor", i, count), "factor", 1 + DBL_EPSILON,
                                             1e9, "above 1 and at most 1e9");
        spec->action[i] = (enum schedule_action)parse_word(view, settings_each(view, "action", i, count), "action",
                                                           ACTIONS, ACTION_VALUES, COUNT_OF(ACTIONS));
    }
}

static void parse_optimizer(struct settings_view *view, struct experiment_run *run)
{
    const char *optimizer = settings_string(view, "optimizer"); /* fails where the key is missing */
    if (optimizer != NULL)
        run->spec.optimizer = parse_word(view, settings_find(view, "optimizer"), "optimizer", OPTIMIZERS,
                                         OPTIMIZER_VALUES, COUNT_OF(OPTIMIZERS));
    if (settings_find(view, "momentum") != NULL)
        run->spec.momentum = settings_double(view, "momentum", 0, 1 - DBL_EPSILON, "at least 0 and below 1");
    if (run->spec.optimizer == REPRO_OPTIMIZER_ADAM) {
        run->beta1 = settings_double(view, "beta1", 0, 1 - DBL_EPSILON, "at least 0 and below 1");
        run->beta2 = settings_double(view, "beta2", 0, 1 - DBL_EPSILON, "at least 0 and below 1");
        run->epsilon = settings_double(view, "epsilon", DBL_MIN, 1, "above 0 and at most 1");
        return;
    }
    static const char *const adam[] = {"beta1", "beta2", "epsilon"};
    for (size_t i = 0; i < COUNT_OF(adam); i++) {
        const config_setting_t *at = config_setting_get_member(view->group, adam[i]);
        if (at != NULL)
            settings_fail(view, at, "'%s' belongs to the optimizer \"adam\"; remove it", adam[i]);
    }
}

static void parse_paper(struct settings_view *view, struct experiment_run *run)
{
    const config_setting_t *group = config_setting_get_member(view->group, "paper");
    if (group == NULL || view->failed != 0)
        return;
    struct settings_view paper = {.path = view->path, .group = group, .err = view->err};
    settings_check(&paper, group, PAPER_KEYS, COUNT_OF(PAPER_KEYS));
    if (paper.failed == 0 && settings_find(&paper, "words") != NULL)
        run->paper_words = settings_string(&paper, "words");
    if (paper.failed == 0 && settings_find(&paper, "updates_below") != NULL)
        run->paper_updates_below = settings_int(&paper, "updates_below", 1, COUNT_MAX);
    if (paper.failed == 0 && settings_find(&paper, "updates_about") != NULL)
        run->paper_updates_about = settings_int(&paper, "updates_about", 1, COUNT_MAX);
    if (paper.failed == 0 && settings_find(&paper, "accuracy") != NULL)
        run->paper_accuracy = settings_double(&paper, "accuracy", DBL_MIN, 1, "a fraction above 0 and at most 1");
    if (paper.failed == 0 && settings_find(&paper, "curve") != NULL)
        run->paper_curve = settings_name(&paper, "curve");
    view->failed = paper.failed;
}

static int parse_run(const struct experiment *experiment, struct settings_view *view, struct experiment_run *run)
{
    if (settings_check(view, view->group, RUN_KEYS, COUNT_OF(RUN_KEYS)) != 0)
        return view->failed;
    run->name = settings_name(view, "name");
    run->title = settings_string(view, "title");
    run->spec.train_n = experiment->train_n;
    run->spec.epochs = experiment->epochs;
    run->spec.lr = settings_double(view, "lr", DBL_MIN, 1e6, "above 0 and at most 1e6");
    run->spec.batch = settings_int(view, "batch", 1, COUNT_MAX);
    run->spec.ghost = settings_int(view, "ghost", 1, COUNT_MAX);
    if (settings_find(view, "batch_max") != NULL)
        run->spec.batch_max = settings_int(view, "batch_max", 1, COUNT_MAX);
    run->weight_decay = settings_double(view, "weight_decay", 0, 1, "0 to 1");
    parse_optimizer(view, run);
    parse_steps(view, &run->spec);
    parse_paper(view, run);
    struct schedule schedule;
    struct err err = {0};
    if (view->failed == 0 && schedule_build(&run->spec, &schedule, &err) != 0)
        settings_fail(view, view->group, "run '%s': %s", run->name, err.text);
    return view->failed;
}

static int parse_runs(struct experiment *experiment, struct settings_view *top)
{
    const config_setting_t *defaults = settings_find(top, "defaults");
    if (defaults != NULL && settings_check(top, defaults, RUN_KEYS + RUN_OWN, COUNT_OF(RUN_KEYS) - RUN_OWN) != 0)
        return top->failed;
    const config_setting_t *list = settings_groups(top, "runs", RUN_MAX);
    if (list == NULL)
        return top->failed;
    size_t count = (size_t)config_setting_length(list);
    experiment->runs = mem_new(count, sizeof experiment->runs[0], top->err);
    if (experiment->runs == NULL)
        return ERR_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
        struct settings_view view = {.path = top->path, .group = group, .fallback = defaults, .err = top->err};
        int code = parse_run(experiment, &view, &experiment->runs[i]);
        if (code != 0)
            return code;
        for (size_t j = 0; j < i; j++)
            if (strcmp(experiment->runs[j].name, experiment->runs[i].name) == 0)
                return settings_fail(&view, settings_find(&view, "name"), "a second run is named '%s'; rename one",
                                     experiment->runs[i].name);
    }
    experiment->run_count = count;
    return 0;
}

static int parse_profile(const struct experiment *experiment, struct settings_view *view,
                         struct experiment_profile *profile)
{
    if (settings_check(view, view->group, PROFILE_KEYS, COUNT_OF(PROFILE_KEYS)) != 0)
        return view->failed;
    profile->name = settings_name(view, "name");
    profile->network = settings_name(view, "network");
    profile->divide = settings_int(view, "divide", 1, experiment->train_n);
    profile->epochs = (int)settings_int(view, "epochs", 1, EPOCHS_MAX);
    profile->test_n = settings_int(view, "test_n", 1, COUNT_MAX);
    profile->micro_ghosts = settings_int(view, "micro_ghosts", 1, COUNT_MAX);
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
    const config_setting_t *list = settings_groups(top, "profiles", PROFILE_MAX);
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
                                     "a second profile is named '%s'; rename one", experiment->profiles[i].name);
    }
    experiment->profile_count = count;
    experiment->default_profile = settings_name(top, "default_profile");
    struct err err = {0};
    if (top->failed == 0 && experiment_profile(experiment, experiment->default_profile, &err) == NULL)
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
    experiment->plot = settings_find(top, "plot") == NULL ? "panels" : settings_name(top, "plot");
    if (settings_find(top, "schedules_only") != NULL)
        experiment->schedules_only = settings_bool(top, "schedules_only");
    int code = top->failed != 0 ? top->failed : parse_runs(experiment, top);
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
        settings_fail(top, settings_find(top, "base"), "'base' is \"%.80s\"; it must name a file in the same folder", name);
    if (top->failed != 0)
        return top->failed;
    int folder = slash == NULL ? 0 : (int)(slash - top->path + 1);
    int code = read_owned(base, mem_format(top->err, "%.*s%s", folder, top->path, name), top->err);
    if (code != 0)
        return top->failed = code;
    top->fallback = config_root_setting(&base->config);
    if (config_setting_get_member(top->fallback, "base") != NULL)
        settings_fail(top, config_setting_get_member(top->fallback, "base"), "a base has no base of its own; remove it");
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
        struct settings_view top = {.path = owned[0].path, .group = config_root_setting(&owned[0].config), .err = err};
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
