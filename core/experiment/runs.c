#include "experiment/runs.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "experiment/conventions.h"

#include <float.h>
#include <string.h>

#define COUNT_MAX (INT64_C(1) << 40)
#define EPOCHS_MAX 100000
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const PAPER_KEYS[] = {"words", "updates_below", "updates_about", "accuracy",
                                         "curve"};
/* The first RUN_OWN are a run's own and have no default. */
#define RUN_OWN 3
static const char *const RUN_KEYS[] = {
    "name",   "title", "paper",     "optimizer",    "lr",    "momentum",
    "batch",  "ghost", "batch_max", "weight_decay", "steps", "factor",
    "action", "beta1", "beta2",     "epsilon",      "rule",  CONVENTIONS_KEYS};

/* in the order of enum schedule_action, which begins with 1 */
static const char *const ACTIONS[] = {"decay_lr", "grow_batch"};

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
        spec->action[i] = (enum schedule_action)(
            1 + settings_choice_of(view, settings_each(view, "action", i, count), "action", ACTIONS,
                                   COUNT_OF(ACTIONS)));
    }
}

static void parse_optimizer(struct settings_view *view, struct experiment_run *run)
{
    run->spec.optimizer = 1 + settings_choice(view, "optimizer", optimizer_names, OPTIMIZER_COUNT);
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

/* A name, or an array of them: the paper's several runs of one schedule. */
static void parse_curves(struct settings_view *view, struct experiment_run *run)
{
    const config_setting_t *at = settings_find(view, "curve");
    int one = !config_setting_is_array(at), count = one ? 1 : config_setting_length(at);
    if (count < 1 || count > EXPERIMENT_CURVE_MAX) {
        settings_fail(view, at, "'curve' has %d entries; it must be a name or 1 to %d of them",
                      count, EXPERIMENT_CURVE_MAX);
        return;
    }
    for (int i = 0; i < count && view->failed == 0; i++)
        run->paper_curve[i] = settings_string_of(
            view, one ? at : config_setting_get_elem(at, (unsigned)i), "curve");
    run->paper_curve_count = view->failed == 0 ? (size_t)count : 0;
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
        parse_curves(&paper, run);
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
    if (settings_find(view, "rule") != NULL)
        run->spec.rule = (enum schedule_rule)settings_choice(view, "rule", schedule_rule_names,
                                                             SCHEDULE_RULE_COUNT);
    run->weight_decay = settings_double(view, "weight_decay", 0, 1, "0 to 1");
    parse_optimizer(view, run);
    parse_steps(view, &run->spec);
    conventions_parse(view, &run->spec.conventions);
    parse_paper(view, run);
    struct schedule schedule;
    struct err err = {0};
    if (view->failed == 0 && schedule_build(&run->spec, &schedule, &err) != 0)
        settings_fail(view, view->group, "run '%s': %s", run->name, err.text);
    if (view->failed == 0 && conventions_check(run, &err) != 0)
        settings_fail(view, view->group, "%s", err.text);
    return view->failed;
}

int experiment_runs_parse(struct settings_view *top, struct experiment *experiment)
{
    const config_setting_t *defaults = settings_find(top, "defaults");
    if (defaults != NULL &&
        settings_check(top, defaults, RUN_KEYS + RUN_OWN, COUNT_OF(RUN_KEYS) - RUN_OWN) != 0)
        return top->failed;
    const config_setting_t *list = settings_groups(top, "runs", EXPERIMENT_RUN_MAX);
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
