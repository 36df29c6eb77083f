#include "experiment/panels.h"

#include "base/err.h"
#include "base/mem.h"

#include <string.h>

#define PANEL_MAX 2 /* side by side on one page */
#define RANGE_MAX 1e15
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const char *const KEYS[] = {"title",        "x",       "y",       "y_label", "runs",
                                   "paper_curves", "x_range", "y_range", "early"};
static const char *const PANEL_X[] = {"epoch", "updates"};
/* The first two need no training. */
#define SCHEDULED 2
static const char *const PANEL_Y[] = {"lr", "batch", "test_accuracy", "train_loss",
                                      "train_loss_l2"};

/* The text of `key`, one of words[]. */
static const char *parse_column(struct settings_view *view, const char *key,
                                const char *const *words, size_t count)
{
    int found = settings_choice(view, key, words, count);
    return found < 0 ? NULL : words[found];
}

/* Two numbers, the second above the first. */
static void parse_range(struct settings_view *view, const char *key, double range[2])
{
    const config_setting_t *at = settings_find(view, key);
    if (at == NULL)
        return;
    if (!config_setting_is_aggregate(at) || config_setting_length(at) != 2) {
        settings_fail(view, at, "'%s' must be two numbers [ low, high ]", key);
        return;
    }
    for (unsigned i = 0; i < 2; i++)
        range[i] = settings_double_of(view, config_setting_get_elem(at, i), key, 0, RANGE_MAX,
                                      "0 or above");
    if (view->failed == 0 && !(range[1] > range[0]))
        settings_fail(view, at, "'%s' must rise: [ low, high ]", key);
}

static void add_run(struct settings_view *view, const struct experiment *experiment,
                    struct experiment_panel *panel, const config_setting_t *at)
{
    struct err err = {0};
    const char *name = settings_string_of(view, at, "runs");
    const struct experiment_run *run = name == NULL ? NULL : experiment_run(experiment, name, &err);
    if (name != NULL && run == NULL)
        settings_fail(view, at, "%s", err.text);
    if (run == NULL)
        return;
    size_t index = (size_t)(run - experiment->runs);
    for (size_t i = 0; i < panel->run_count; i++)
        if (panel->runs[i] == index)
            settings_fail(view, at, "run '%s' stands twice in this panel", name);
    panel->runs[panel->run_count++] = index;
}

/* All of the experiment's where the panel names none. */
static void parse_runs(struct settings_view *view, const struct experiment *experiment,
                       struct experiment_panel *panel)
{
    const config_setting_t *list = settings_find(view, "runs");
    if (list != NULL && !config_setting_is_array(list)) {
        settings_fail(view, list, "'runs' must be an array of names [ \"...\" ]");
        return;
    }
    size_t count = list == NULL ? experiment->run_count : (size_t)config_setting_length(list);
    if (count < 1 || count > PANEL_RUN_MAX) {
        settings_fail(view, list == NULL ? view->group : list,
                      "a panel shows 1 to %d runs, not %zu", PANEL_RUN_MAX, count);
        return;
    }
    for (size_t i = 0; i < count && list == NULL; i++)
        panel->runs[panel->run_count++] = i;
    for (size_t i = 0; i < count && list != NULL && view->failed == 0; i++)
        add_run(view, experiment, panel, config_setting_get_elem(list, (unsigned)i));
}

static int parse_panel(struct settings_view *view, const struct experiment *experiment,
                       struct experiment_panel *panel)
{
    if (settings_check(view, view->group, KEYS, COUNT_OF(KEYS)) != 0)
        return view->failed;
    panel->title = settings_find(view, "title") == NULL ? "" : settings_string(view, "title");
    panel->x = parse_column(view, "x", PANEL_X, COUNT_OF(PANEL_X));
    panel->y = parse_column(view, "y", PANEL_Y, COUNT_OF(PANEL_Y));
    if (settings_find(view, "y_label") != NULL)
        panel->y_label = settings_string(view, "y_label");
    if (settings_find(view, "early") != NULL)
        panel->early = settings_bool(view, "early");
    if (settings_find(view, "paper_curves") != NULL)
        panel->paper_curves = settings_string(view, "paper_curves");
    parse_range(view, "x_range", panel->x_range);
    parse_range(view, "y_range", panel->y_range);
    parse_runs(view, experiment, panel);
    for (size_t i = SCHEDULED; i < COUNT_OF(PANEL_Y) && view->failed == 0; i++)
        if (experiment->schedules_only && panel->y == PANEL_Y[i])
            settings_fail(view, settings_find(view, "y"),
                          "'%s' is known after training only, and this experiment says "
                          "schedules_only",
                          panel->y);
    return view->failed;
}

int experiment_panels_parse(struct settings_view *top, struct experiment *experiment)
{
    const config_setting_t *list = NULL;
    if (settings_find(top, "panels") != NULL &&
        (list = settings_groups(top, "panels", PANEL_MAX)) == NULL)
        return top->failed;
    size_t count = list == NULL ? 1 : (size_t)config_setting_length(list);
    experiment->panels = mem_new(count, sizeof experiment->panels[0], top->err);
    if (experiment->panels == NULL)
        return top->failed = ERR_MEMORY;
    experiment->panel_count = count;
    for (size_t i = 0; i < count && list != NULL; i++) {
        struct settings_view view = {.path = top->path,
                                     .group = config_setting_get_elem(list, (unsigned)i),
                                     .err = top->err};
        if (parse_panel(&view, experiment, &experiment->panels[i]) != 0)
            return top->failed = view.failed;
    }
    if (list == NULL) {
        struct experiment_panel *panel = &experiment->panels[0];
        *panel = (struct experiment_panel){.title = "", .x = "updates", .y = "test_accuracy"};
        while (panel->run_count < experiment->run_count && panel->run_count < PANEL_RUN_MAX) {
            panel->runs[panel->run_count] = panel->run_count;
            panel->run_count++;
        }
    }
    return 0;
}
