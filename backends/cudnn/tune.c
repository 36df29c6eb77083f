#include "tune.h"

#include "common/plugin.h"
#include "choices.h"
#include "trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RESOLUTION 0.5 /* microseconds, of events */

struct candidates {
    int count;
    struct dnn_execution executions[TUNE_CANDIDATES];
    double microseconds[TUNE_CANDIDATES]; /* negative: cannot run here */
};

static void make_key(char *key, size_t size, const struct tuner *tuner,
                     const struct engine_search *search, const struct dnn_conv *conv,
                     enum dnn_direction direction, int add)
{
    static const char *const names[] = {"forward", "data", "weights"};
    snprintf(key, size,
             "%s\t%s\t%s\t%s\t%s%s\t%" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64 "\t%" PRId64
             "x%" PRId64 "x%" PRId64 "x%" PRId64 "\t%" PRId64 "x%" PRId64 "x%" PRId64 "x%" PRId64
             "\t%" PRId64 "x%" PRId64 "\t%" PRId64 "x%" PRId64,
             tuner->device, tuner->library, dnn_precision(conv),
             search->target->nondeterministic ? "any" : "deterministic", names[direction],
             add ? "-add" : "", conv->rows, conv->channels, conv->height, conv->width,
             conv->dst_channels, conv->channels, conv->kernel_h, conv->kernel_w, conv->rows,
             conv->dst_channels, conv->dst_height, conv->dst_width, conv->stride_h, conv->stride_w,
             conv->pad_top, conv->pad_left);
}

static int32_t time_candidates(struct candidates *all, const struct tuner *tuner,
                               const struct engine_search *search, const struct dnn_conv *conv,
                               struct repro_error *err)
{
    struct trial trial;
    int32_t code = trial_init(&trial, search->target->handle, tuner->stream, tuner->cache, conv,
                              err);
    for (int i = 0; i < all->count && code == 0; i++)
        code = trial_run(&trial, &all->executions[i], &all->microseconds[i], err);
    trial_release(&trial);
    return code;
}

/* The fastest that can run; among equals within the clock's resolution the one that was proposed
 * first; -1 when none can. */
static int fastest(const struct candidates *all)
{
    int best = -1;
    for (int i = 0; i < all->count; i++)
        if (all->microseconds[i] >= 0.0 &&
            (best < 0 || all->microseconds[i] < all->microseconds[best] - RESOLUTION))
            best = i;
    return best;
}

/* The first proposal's time, of those that can run. */
static double first_time(const struct candidates *all)
{
    for (int i = 0; i < all->count; i++)
        if (all->microseconds[i] >= 0.0)
            return all->microseconds[i];
    return -1.0;
}

/* Takes the fastest that can be built again from what the file will say of it. */
static int32_t pick(struct candidates *all, const struct engine_search *search,
                    struct dnn_execution *execution, struct choices_entry *entry,
                    struct repro_error *err)
{
    double first = first_time(all);
    for (int best; (best = fastest(all)) >= 0; all->microseconds[best] = -1.0) {
        const struct dnn_execution *one = &all->executions[best];
        if (engine_rebuild(search, one->engine, &one->knobs, execution) != CUDNN_STATUS_SUCCESS ||
            execution->descriptor == NULL) {
            fail(err, REPRO_LIBRARY, "engine %" PRId64 " cannot be built a second time",
                 one->engine);
            continue;
        }
        double time = all->microseconds[best];
        *entry = (struct choices_entry){.engine = one->engine,
                                        .knobs = one->knobs,
                                        .microseconds = time,
                                        .speedup = time > 0.0 ? first / time : 1.0,
                                        .tried = all->count};
        return 0;
    }
    struct repro_error last = *err;
    return fail(err, last.code,
                "none of the %d engines that cuDNN proposes and the rule allows can be tried: %s",
                all->count, last.text);
}

/* execution->descriptor stays NULL when there is nothing to try. */
static int32_t try_all(struct dnn_execution *execution, const struct tuner *tuner,
                       const struct engine_search *search, const struct dnn_conv *conv,
                       struct choices_entry *entry, struct repro_error *err)
{
    struct candidates *all = plugin_allocate(1, sizeof *all);
    if (all == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    all->count = engine_collect(search, all->executions, TUNE_CANDIDATES);
    int32_t code = all->count == 0 ? 0 : time_candidates(all, tuner, search, conv, err);
    if (code == 0 && all->count > 0)
        code = pick(all, search, execution, entry, err);
    for (int i = 0; i < all->count; i++)
        dnn_release(&all->executions[i]);
    free(all);
    return code;
}

/* The execution that a line of the file names. */
static int32_t rebuild(struct dnn_execution *execution, const struct tuner *tuner,
                       const struct engine_search *search, const struct choices_entry *entry,
                       struct repro_error *err)
{
    char what[KNOBS_TEXT + 160], knobs[KNOBS_TEXT];
    cudnnStatus_t status = engine_rebuild(search, entry->engine, &entry->knobs, execution);
    if (status == CUDNN_STATUS_SUCCESS && execution->descriptor != NULL)
        return 0;
    if (knobs_text(&entry->knobs, knobs, sizeof knobs) != 0)
        knobs[0] = '\0';
    snprintf(what, sizeof what, "%s engine %" PRId64 " with knobs %s (%s)",
             status == CUDNN_STATUS_SUCCESS ? "the rule does not allow" : "cuDNN cannot build",
             entry->engine, knobs,
             status == CUDNN_STATUS_SUCCESS ? "see its notes and workspace"
                                            : cudnnGetErrorString(status));
    return choices_refuse(tuner->path, entry->line, what, err);
}

/* Under the lock: another process may have added the line meanwhile. */
static int32_t add(struct dnn_execution *execution, const struct tuner *tuner,
                   const struct engine_search *search, const struct dnn_conv *conv, const char *key,
                   struct choices_entry *entry, struct repro_error *err)
{
    const char *path = tuner->path;
    int lock;
    int32_t code = choices_lock(path, &lock, err);
    if (code != 0)
        return code;
    code = choices_find(path, key, entry, err);
    if (code == 0 && entry->line == 0)
        code = try_all(execution, tuner, search, conv, entry, err);
    if (code == 0 && execution->descriptor != NULL)
        code = choices_add(path, key, entry, err);
    choices_unlock(lock);
    return code;
}

int32_t tune_execution(struct dnn_execution *execution, const struct tuner *tuner,
                       const struct engine_search *search, const struct dnn_conv *conv,
                       enum dnn_direction direction, int adds, struct repro_error *err)
{
    char key[CHOICES_KEY];
    struct choices_entry entry;
    make_key(key, sizeof key, tuner, search, conv, direction, adds);
    int32_t code = choices_find(tuner->path, key, &entry, err);
    if (code == 0 && entry.line == 0)
        code = add(execution, tuner, search, conv, key, &entry, err);
    if (code == 0 && execution->descriptor == NULL && entry.line != 0)
        code = rebuild(execution, tuner, search, &entry, err);
    execution->tuned = code == 0 && execution->descriptor != NULL;
    if (code != 0)
        dnn_release(execution);
    return code;
}
