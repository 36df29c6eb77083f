/* The claims of an experiment file.  What a kind may and must say stands in one table; the rest is
 * checking. */
#include "experiment/claims.h"

#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

#define CLAIM_MAX 64
#define KEYS_MAX 20
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct kind {
    const char *name, *runs, *other;
    int least_runs;
    unsigned flags, numbers;
} KINDS[CLAIM_KIND_END] = {
#define KIND_ROW(kind, name, runs, other, least, flags, numbers, judge) \
    [CLAIM_##kind] = {name, runs, other, least, flags, numbers},
    CLAIM_KINDS(KIND_ROW)
#undef KIND_ROW
};

static const struct {
    const char *name;
    int whole;
    double low, high;
    const char *bounds;
} NUMBERS[CLAIM_NUMBERS] = {
    [CLAIM_VALUE] = {"value", 0, 1e-9, 1e12, "above 0 and at most 1e12"},
    [CLAIM_WITHIN] = {"within", 0, 0, 1e12, "0 to 1e12"},
    [CLAIM_MARGIN] = {"margin", 0, 1e-9, 10, "above 0 and at most 10"},
    [CLAIM_SEEDS] = {"seeds", 1, 1, 1000, ""},
    [CLAIM_CONFIDENCE] = {"confidence", 0, 0.5, 0.9999, "0.5 to 0.9999"},
    [CLAIM_SMOOTH] = {"smooth", 1, 1, 100000, ""},
    [CLAIM_RESOLUTION] = {"resolution", 0, 1e-9, 10, "above 0 and at most 10"},
    [CLAIM_STEP] = {"step", 1, 1, SCHEDULE_STEP_MAX, ""},
    [CLAIM_SAG] = {"sag", 0, 1e-9, 1, "above 0 and at most 1"},
    [CLAIM_JUMP] = {"jump", 0, 1e-9, 1, "above 0 and at most 1"},
};

/* in the order of enum claim_quantity */
static const char *const QUANTITIES[] = {"test_accuracy", "train_loss"};

static enum claim_kind parse_kind(struct settings_view *view)
{
    const char *names[CLAIM_KIND_END];
    for (int i = 1; i < CLAIM_KIND_END; i++)
        names[i - 1] = KINDS[i].name;
    return (enum claim_kind)(1 + settings_choice(view, "kind", names, CLAIM_KIND_END - 1));
}

static int has_number(const struct kind *kind, size_t number)
{
    return (kind->numbers >> number & 1) != 0;
}

static int check_keys(struct settings_view *view, const struct kind *kind)
{
    const char *keys[KEYS_MAX] = {"quote", "drawn", "section", "kind", "from", kind->runs};
    size_t count = 6;
    if (kind->other != NULL)
        keys[count++] = kind->other;
    if (kind->flags & CLAIM_QUANTIFIED)
        keys[count++] = "quantity";
    for (size_t i = 0; i < CLAIM_NUMBERS; i++)
        if (has_number(kind, i))
            keys[count++] = NUMBERS[i].name;
    return settings_check(view, view->group, keys, count);
}

/* Appends the run that a setting names. */
static void add_run(struct settings_view *view, const struct experiment *experiment,
                    const config_setting_t *at, const char *key, struct claim *claim)
{
    const char *names[EXPERIMENT_RUN_MAX];
    for (size_t i = 0; i < experiment->run_count; i++)
        names[i] = experiment->runs[i].name;
    int found = settings_choice_of(view, at, key, names, experiment->run_count);
    for (size_t j = 0; found >= 0 && j < claim->run_count; j++)
        if (claim->runs[j] == (size_t)found)
            settings_fail(view, at, "'%s' names the run '%s' a second time", key, names[found]);
    if (view->failed == 0)
        claim->runs[claim->run_count++] = (size_t)found;
}

static void parse_runs(struct settings_view *view, const struct experiment *experiment,
                       const struct kind *kind, struct claim *claim)
{
    if (strcmp(kind->runs, "run") == 0) {
        settings_string(view, "run"); /* fails where the key is missing */
        add_run(view, experiment, settings_find(view, "run"), "run", claim);
        if (kind->other != NULL) {
            settings_string(view, kind->other);
            add_run(view, experiment, settings_find(view, kind->other), kind->other, claim);
        }
        return;
    }
    const config_setting_t *runs = settings_find(view, "runs");
    if (runs == NULL || !config_setting_is_array(runs) ||
        config_setting_length(runs) < kind->least_runs ||
        config_setting_length(runs) > CLAIM_RUN_MAX) {
        settings_fail(view, runs == NULL ? view->group : runs,
                      "'runs' must be an array of %d to %d names of runs [ ... ]", kind->least_runs,
                      CLAIM_RUN_MAX);
        return;
    }
    for (int i = 0; i < config_setting_length(runs); i++)
        add_run(view, experiment, config_setting_get_elem(runs, (unsigned)i), "runs", claim);
}

static double number_of(struct settings_view *view, const config_setting_t *at, size_t which)
{
    double value = NUMBERS[which].whole
                       ? (double)settings_int_of(view, at, NUMBERS[which].name,
                                                 (int64_t)NUMBERS[which].low,
                                                 (int64_t)NUMBERS[which].high)
                       : settings_double_of(view, at, NUMBERS[which].name, NUMBERS[which].low,
                                            NUMBERS[which].high, NUMBERS[which].bounds);
    return view->failed != 0 ? NAN : value;
}

/* One number for all profiles, or a group with one for each that it names. */
static void parse_number(struct settings_view *view, const struct experiment *experiment,
                         size_t which, struct claim *claim)
{
    const config_setting_t *at = settings_find(view, NUMBERS[which].name);
    const char *names[EXPERIMENT_PROFILE_MAX];
    if (at == NULL) {
        settings_fail(view, view->group, "the key '%s' is missing", NUMBERS[which].name);
        return;
    }
    for (size_t i = 0; i < experiment->profile_count; i++)
        names[i] = experiment->profiles[i].name;
    if (config_setting_is_group(at) &&
        settings_check(view, at, names, experiment->profile_count) != 0)
        return;
    for (size_t i = 0; i < experiment->profile_count; i++) {
        const config_setting_t *one = config_setting_is_group(at)
                                          ? config_setting_get_member(at, names[i])
                                          : at;
        claim->number[which][i] = one == NULL ? NAN : number_of(view, one, which);
    }
}

/* A step is one that every run has, and the one behind it where that counts. */
static void check_steps(struct settings_view *view, const struct experiment *experiment,
                        const struct kind *kind, const struct claim *claim, double step)
{
    int later = (kind->flags & CLAIM_LATER_STEP) != 0;
    for (size_t i = 0; i < claim->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[claim->runs[i]];
        if (step + later > run->spec.step_count)
            settings_fail(view, settings_find(view, "step"),
                          "'step' is %g%s, but run '%s' has %d steps", step,
                          later ? " and looks on to the step behind it" : "", run->name,
                          run->spec.step_count);
    }
}

static void check_same_steps(struct settings_view *view, const struct experiment *experiment,
                             const struct claim *claim)
{
    const struct schedule_spec *first = &experiment->runs[claim->runs[0]].spec;
    for (size_t i = 1; i < claim->run_count; i++) {
        const struct experiment_run *run = &experiment->runs[claim->runs[i]];
        if (run->spec.step_count != first->step_count ||
            memcmp(run->spec.step_epoch, first->step_epoch,
                   (size_t)first->step_count * sizeof first->step_epoch[0]) != 0)
            settings_fail(view, settings_find(view, "runs"),
                          "run '%s' has other steps than '%s'; they cannot track", run->name,
                          experiment->runs[claim->runs[0]].name);
    }
}

/* Numbers and runs that do not go together. */
static void check_sense(struct settings_view *view, const struct experiment *experiment,
                        const struct kind *kind, const struct claim *claim)
{
    for (size_t p = 0; p < experiment->profile_count; p++) {
        if ((kind->flags & CLAIM_NOISY) && claim->number[CLAIM_SEEDS][p] < 2)
            settings_fail(view, settings_find(view, "seeds"),
                          "'seeds' must be at least 2: one seed shows no noise to compare with");
        if (has_number(kind, CLAIM_STEP))
            check_steps(view, experiment, kind, claim, claim->number[CLAIM_STEP][p]);
    }
    if (kind->flags & CLAIM_SAME_STEPS)
        check_same_steps(view, experiment, claim);
}

static void parse_words(struct settings_view *view, struct claim *claim)
{
    const config_setting_t *quote = settings_find(view, "quote"),
                           *drawn = settings_find(view, "drawn");
    if ((quote == NULL) == (drawn == NULL))
        settings_fail(
            view, view->group,
            "a claim has either 'quote', the paper's words, or 'drawn', what a curve shows");
    claim->quote = quote == NULL ? NULL : settings_string(view, "quote");
    claim->drawn = drawn == NULL ? NULL : settings_string(view, "drawn");
    claim->section = settings_string(view, "section");
    claim->from = settings_string(view, "from");
}

static int parse_claim(struct settings_view *view, const struct experiment *experiment,
                       struct claim *claim)
{
    if (!config_setting_is_group(view->group))
        return settings_check(view, view->group, NULL, 0);
    claim->kind = parse_kind(view);
    const struct kind *kind = &KINDS[claim->kind];
    if (view->failed != 0 || check_keys(view, kind) != 0)
        return view->failed;
    claim->kind_name = kind->name;
    parse_words(view, claim);
    parse_runs(view, experiment, kind, claim);
    if (kind->flags & CLAIM_QUANTIFIED)
        claim->quantity = (enum claim_quantity)(
            1 + settings_choice(view, "quantity", QUANTITIES, COUNT_OF(QUANTITIES)));
    for (size_t i = 0; i < CLAIM_NUMBERS && view->failed == 0; i++)
        if (has_number(kind, i))
            parse_number(view, experiment, i, claim);
    if (view->failed == 0)
        check_sense(view, experiment, kind, claim);
    return view->failed;
}

int claims_parse(struct settings_view *top, const struct experiment *experiment,
                 struct claim **claims, size_t *count)
{
    const config_setting_t *list = settings_groups(top, "claims", CLAIM_MAX);
    if (list == NULL)
        return top->failed;
    size_t wanted = (size_t)config_setting_length(list);
    struct claim *found = mem_new(wanted, sizeof *found, top->err);
    if (found == NULL)
        return top->failed = ERR_MEMORY;
    for (size_t i = 0; i < wanted; i++) {
        struct settings_view view = {.path = top->path,
                                     .group = config_setting_get_elem(list, (unsigned)i),
                                     .err = top->err};
        if (parse_claim(&view, experiment, &found[i]) != 0) {
            mem_free(found);
            return top->failed = view.failed;
        }
    }
    *claims = found;
    *count = wanted;
    return 0;
}
