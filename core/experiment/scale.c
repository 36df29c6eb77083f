/* What is asked of an experiment once it is loaded: its parts by name, and a run's schedule at a
 * profile's scale. */
#include "experiment/experiment.h"

#include "base/err.h"
#include "base/suggest.h"

#include <string.h>

/* ERR_USAGE: no `what` is named `name`; the nearest one and all there are. */
static void fail_unknown(const struct experiment *experiment, const char *what, const char *name,
                         const char *const *names, size_t count, struct err *err)
{
    char mend[SUGGEST_TEXT];
    err_set(err, ERR_USAGE, "%s has no %s '%.80s'%s", experiment->name, what, name,
            suggest_phrase(mend, name, names, count, '\'', NULL));
}

const struct experiment_profile *experiment_profile(const struct experiment *experiment,
                                                    const char *name, struct err *err)
{
    const char *names[EXPERIMENT_PROFILE_MAX];
    for (size_t i = 0; i < experiment->profile_count; i++) {
        if (strcmp(experiment->profiles[i].name, name) == 0)
            return &experiment->profiles[i];
        names[i] = experiment->profiles[i].name;
    }
    fail_unknown(experiment, "profile", name, names, experiment->profile_count, err);
    return NULL;
}

const struct experiment_run *experiment_run(const struct experiment *experiment, const char *name,
                                            struct err *err)
{
    const char *names[EXPERIMENT_RUN_MAX];
    for (size_t i = 0; i < experiment->run_count; i++) {
        if (strcmp(experiment->runs[i].name, name) == 0)
            return &experiment->runs[i];
        names[i] = experiment->runs[i].name;
    }
    fail_unknown(experiment, "run", name, names, experiment->run_count, err);
    return NULL;
}

int experiment_reduced(const struct experiment *experiment,
                       const struct experiment_profile *profile)
{
    return profile->divide != 1 || profile->divide_batch != 1 || profile->divide_ghost != 1 ||
           profile->divide_lr != 1 || profile->epochs != experiment->epochs;
}

int experiment_is_paper(const struct experiment *experiment,
                        const struct experiment_profile *profile)
{
    if (experiment_reduced(experiment, profile))
        return 0;
    for (size_t i = 0; i < experiment->profile_count; i++) {
        const struct experiment_profile *paper = &experiment->profiles[i];
        if (strcmp(paper->name, EXPERIMENT_PAPER) == 0)
            return strcmp(profile->network, paper->network) == 0 &&
                   profile->test_n == paper->test_n;
    }
    return 0;
}

/* *value / divide without a remainder. */
static int divide_exactly(int64_t *value, int64_t divide, const char *what, struct err *err)
{
    if (*value % divide != 0)
        return err_set(err, ERR_INPUT, "the %s of %lld cannot be divided by %lld", what,
                       (long long)*value, (long long)divide);
    *value /= divide;
    return 0;
}

static int scale_spec(const struct experiment_profile *profile, struct schedule_spec *spec,
                      struct err *err)
{
    int code;
    if ((code = divide_exactly(&spec->batch, profile->divide_batch, "batch", err)) != 0 ||
        (code = divide_exactly(&spec->ghost, profile->divide_ghost, "ghost batch", err)) != 0 ||
        (code = divide_exactly(&spec->batch_max, profile->divide_batch, "batch_max", err)) != 0)
        return code;
    spec->train_n /= profile->divide;
    spec->lr /= profile->divide_lr;
    for (int i = 0; i < spec->step_count; i++) {
        int64_t scaled = (int64_t)spec->step_epoch[i] * profile->epochs;
        if (scaled % spec->epochs != 0)
            return err_set(err, ERR_INPUT, "step %d, epoch %d of %d, falls on no whole epoch of %d",
                           i + 1, spec->step_epoch[i], spec->epochs, profile->epochs);
        spec->step_epoch[i] = (int)(scaled / spec->epochs);
    }
    int64_t extra = (int64_t)spec->conventions.extra_epochs * profile->epochs;
    if (extra % spec->epochs != 0)
        return err_set(err, ERR_INPUT, "%d extra epochs of %d are no whole number of %d",
                       spec->conventions.extra_epochs, spec->epochs, profile->epochs);
    spec->conventions.extra_epochs = (int)(extra / spec->epochs);
    spec->epochs = profile->epochs;
    return 0;
}

int experiment_schedule(const struct experiment *experiment,
                        const struct experiment_profile *profile, const struct experiment_run *run,
                        struct schedule *out, struct err *err)
{
    struct schedule_spec spec = run->spec;
    int code = scale_spec(profile, &spec, err);
    if (code == 0)
        code = schedule_build(&spec, out, err);
    if (code != 0)
        err_prefix(err, "%s: profile '%s', run '%s'", experiment->name, profile->name, run->name);
    return code;
}
