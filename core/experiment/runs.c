#include "experiment/runs.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "experiment/conventions.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#define RUN_MAX 64
#define COUNT_MAX (INT64_C(1) << 40)
#define EPOCHS_MAX 100000
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const PAPER_KEYS[] = {"words", "updates_below", "updates_about", "accuracy",
                                         "curve"};
/* The first RUN_OWN are a run's own and have no default. */
#define RUN_OWN 3
static const char *const RUN_KEYS[] = {
    "name",  "title",     "paper",         "optimizer", "lr",     "momentum", "batch",
    "ghost", "batch_max", "weight_decay",  "steps",     "factor", "action",   "beta1",
    "beta2", "epsilon",   CONVENTIONS_KEYS};

static const char *const ACTIONS[] = {"decay_lr", "grow_batch"};
static const int ACTION_VALUES[] = {SCHEDULE_DECAY_LR, SCHEDULE_GROW_BATCH};

/* values[i] where the text is words[i]; 0 after a failure. */
static int parse_word(struct settings_view *view, const config_setting_t *at, const char *key,
                      const char *const *words, const int *values, size_t count)
{
    const char *text = settings_string_of(view, at, key);
    if (text == NULL)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return values == NULL ? (int)i + 1 : values[i];
    const char *nearest = suggest(text, words, count);
    char known[128] = "";
    for (size_t i = 0, used = 0; i < count; i++)
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i == 0 ? "" : ", ",
                                 words[i]);
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
        settings_fail(view, steps, "'steps' has %d entries; at most %d are possible", count,
                      SCHEDULE_STEP_MAX);
        return;
    }
    spec->step_count = count;
    for (int i = 0; i < count; i++) {
        spec->step_epoch[i] = (int)settings_int_of(
            view, config_setting_get_elem(steps, (unsigned)i), "steps", 1, EPOCHS_MAX);
        spec->factor[i] = settings_double_of(view, settings_each(view, "factor", i, count),
                                             "factor", 1 + DBL_EPSILON, 1e9,
                                             "above 1 and at most 1e9");
        spec->action[i] = (enum schedule_action)parse_word(
            view, settings_each(view, "action", i, count), "action", ACTIONS, ACTION_VALUES,
            COUNT_OF(ACTIONS));
    }
}

static void parse_optimizer(struct settings_view *view, struct experiment_run *run)
{
    const char *optimizer = settings_string(view, "optimizer"); /* fails where the key is missing */
    if (optimizer != NULL)
        run->spec.optimizer = parse_word(view, settings_find(view, "optimizer"), "optimizer",
                                         optimizer_names, NULL, OPTIMIZER_COUNT);
    if (settings_find(view, "momentum") != NULL)
        run->spec.momentum = settings_double(view, "momentum", 0, 1 - DBL_EPSILON,
                                             "at least 0 and below 1");
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
        run->paper_accuracy = settings_double(&paper, "accuracy", DBL_MIN, 1,
                                              "a fraction above 0 and at most 1");
    if (paper.failed == 0 && settings_find(&paper, "curve") != NULL)
        run->paper_curve = settings_name(&paper, "curve");
    view->failed = paper.failed;
}

static int parse_run(const struct experiment *experiment, struct settings_view *view,
                     struct experiment_run *run)
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
    conventions_parse(view, &run->spec.conventions);
    parse_paper(view, run);
    struct schedule schedule;
    struct err err = {0};
    if (view->failed == 0 && schedule_build(&run->spec, &schedule, &err) != 0)
        settings_fail(view, view->group, "run '%s': %s", run->name, err.text);
    return view->failed;
}

int experiment_runs_parse(struct settings_view *top, struct experiment *experiment)
{
    const config_setting_t *defaults = settings_find(top, "defaults");
    if (defaults != NULL &&
        settings_check(top, defaults, RUN_KEYS + RUN_OWN, COUNT_OF(RUN_KEYS) - RUN_OWN) != 0)
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
        struct settings_view view = {
            .path = top->path, .group = group, .fallback = defaults, .err = top->err};
        int code = parse_run(experiment, &view, &experiment->runs[i]);
        if (code != 0)
            return code;
        for (size_t j = 0; j < i; j++)
            if (strcmp(experiment->runs[j].name, experiment->runs[i].name) == 0)
                return settings_fail(&view, settings_find(&view, "name"),
                                     "a second run is named '%s'; rename one",
                                     experiment->runs[i].name);
    }
    experiment->run_count = count;
    return 0;
}
