/* Every device is opened before anything is trained and by one thread, so that a plugin's first
 * moments, which are the likeliest to hold state of the whole process, are over when threads
 * begin. */
#include "lab/training.h"

#include "base/err.h"
#include "base/mem.h"
#include "results/manifest.h"
#include "base/jobs.h"
#include "train/ranks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

struct training {
    struct figure *figure;
    const struct training_options *options;
    struct execute_options execute;
    size_t run_count, device_count;
    struct session_device *devices; /* [device_count]; the first is the session's own */
    size_t *follows;                /* [run_count] */
    pthread_mutex_t telling;        /* held while the caller is told something */
    atomic_int failed;
};

static void tell_progress(void *context, const struct execute_progress *progress)
{
    struct training *training = context;
    pthread_mutex_lock(&training->telling);
    training->options->progress(training->options->context, progress);
    pthread_mutex_unlock(&training->telling);
}

static void tell_epoch(void *context, const struct execute_progress *progress)
{
    struct training *training = context;
    pthread_mutex_lock(&training->telling);
    training->options->epoch(training->options->context, progress);
    pthread_mutex_unlock(&training->telling);
}

static int ask_stop(void *context)
{
    struct training *training = context;
    const struct training_options *options = training->options;
    return atomic_load(&training->failed) ||
           (options->stop != NULL && options->stop(options->context));
}

static int is_wanted(const struct training *training, size_t job)
{
    const struct run *only = training->options->only;
    return only == NULL || only == &training->figure->runs[job];
}

static void begin(void *context, size_t job)
{
    struct training *training = context;
    struct run *run = &training->figure->runs[job];
    if (!is_wanted(training, job))
        return;
    pthread_mutex_lock(&training->telling);
    if (training->follows[job] != job) /* what it waited for has trained it */
        run->status = training->figure->runs[training->follows[job]].status;
    if (training->options->begin != NULL)
        training->options->begin(training->options->context, run);
    pthread_mutex_unlock(&training->telling);
}

static int train(void *context, size_t job, size_t worker, struct err *err)
{
    struct training *training = context;
    const struct training_options *options = training->options;
    struct run *run = &training->figure->runs[job];
    const struct session *session = &training->figure->session;
    if (!is_wanted(training, job))
        return 0;
    /* what is done is done by what the first rank sees */
    int code = ranks_tell(session->ranks, 0, &run->status, sizeof run->status, err);
    if (code == 0 && run->status != RUN_DONE)
        code = execute_run(session, run, &training->devices[worker], &training->execute, err);
    else if (code == 0 && ranks_is_first(session->ranks))
        code = manifest_add_name(run, err);
    if (code != 0)
        atomic_store(&training->failed, 1);
    pthread_mutex_lock(&training->telling);
    if (options->end != NULL)
        options->end(options->context, run, err);
    pthread_mutex_unlock(&training->telling);
    return code;
}

/* Fills follows[], twins in a chain; returns how many runs can be trained at a time. */
static size_t find_twins(struct training *training)
{
    const struct run *runs = training->figure->runs;
    size_t missing = 0;
    for (size_t i = 0; i < training->run_count; i++) {
        size_t twin = i;
        for (size_t j = i; j-- > 0 && twin == i;)
            if (strcmp(runs[j].hash, runs[i].hash) == 0)
                twin = j;
        training->follows[i] = twin;
        missing += twin == i && runs[i].status != RUN_DONE;
    }
    return missing;
}

static int prepare(struct training *training, struct err *err)
{
    const struct session *session = &training->figure->session;
    training->follows = mem_new(training->run_count, sizeof *training->follows, err);
    training->devices = mem_new((size_t)session->jobs, sizeof *training->devices, err);
    if (training->follows == NULL || training->devices == NULL)
        return ERR_MEMORY;
    size_t missing = find_twins(training),
           wanted = (size_t)session->jobs < missing ? (size_t)session->jobs : missing;
    training->devices[0] = session->device;
    for (training->device_count = 1; training->device_count < wanted; training->device_count++) {
        int code = session_device_open(session, &training->devices[training->device_count], err);
        if (code != 0)
            return code;
    }
    return 0;
}

int training_run(struct figure *figure, const struct training_options *options, struct err *err)
{
    struct training training = {
        .figure = figure, .options = options, .run_count = figure->seed_count * figure->run_count};
    training.execute = (struct execute_options){
        .commit = options->commit,
        .version = options->version,
        .command = options->command,
        .checkpoint_seconds = options->checkpoint_seconds,
        .measuring = options->measuring,
        .context = &training,
        .progress = options->progress == NULL ? NULL : tell_progress,
        .epoch = options->epoch == NULL ? NULL : tell_epoch,
        .stop = ask_stop};
    pthread_mutex_init(&training.telling, NULL);
    int code = prepare(&training, err);
    if (code == 0) {
        struct jobs jobs = {.count = training.run_count,
                            .workers = training.device_count,
                            .follows = training.follows,
                            .context = &training,
                            .begin = begin,
                            .work = train};
        code = jobs_run(&jobs, err);
    }
    if (training.device_count > 0)
        resident_release(&training.devices[0].resident); /* the device itself is the session's */
    for (size_t i = 1; i < training.device_count; i++)
        session_device_close(&figure->session, &training.devices[i]);
    pthread_mutex_destroy(&training.telling);
    mem_free(training.devices);
    mem_free(training.follows);
    return code;
}
