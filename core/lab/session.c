#include "lab/session.h"

#include "backend/loader.h"
#include "base/err.h"
#include "base/mem.h"
#include "data/source.h"
#include "experiment/conventions.h"
#include "experiment/figures.h"
#include "train/ranks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int session_load(const struct session_options *options, struct experiment **out, struct err *err)
{
    struct experiment *experiment = NULL;
    char *folder = mem_format(err, "%s/experiments", options->share);
    int code = folder == NULL ? ERR_MEMORY
                              : figures_load(folder, options->figure, &experiment, err);
    mem_free(folder);
    if (code == 0 && source_find(experiment->dataset, err) == NULL)
        code = err_prefix(err, "%s: 'dataset'", experiment->path);
    struct image_conventions images = code == 0 ? experiment->images
                                                : (struct image_conventions){0};
    for (size_t i = 0; code == 0 && options->conventions != NULL && i < experiment->run_count;
         i++) {
        struct experiment_run *run = &experiment->runs[i];
        struct schedule_conventions own = run->spec.conventions;
        code = conventions_apply(options->conventions, &run->spec.conventions, &experiment->images,
                                 err);
        if (code == 0)
            code = conventions_check(run, err);
        if (code == 0)
            conventions_apart(&own, &images, &run->spec.conventions, &experiment->images,
                              experiment->apart);
    }
    if (code != 0)
        experiment_free(experiment);
    else
        *out = experiment;
    return code;
}

int session_data(const struct experiment *experiment, const struct experiment_profile *profile,
                 const char *folder, int skip_broken, struct dataset *data, struct err *err)
{
    struct folder_options options = {.side = profile->side,
                                     .aliased = experiment->images.aliased,
                                     .coloured = experiment->images.coloured,
                                     .oriented = experiment->images.oriented,
                                     .skip_broken = skip_broken};
    int64_t train_n = experiment->train_n / profile->divide, test_n = profile->test_n;
    return source_open(experiment->dataset, folder, train_n, test_n, &options, data, err);
}

int session_network(const struct session *session, const struct schedule_conventions *conventions,
                    struct net *net, struct err *err)
{
    const struct dataset *data = &session->data;
    struct net_ways ways = {.no_gamma = conventions->no_gamma,
                            .label_smoothing = conventions->label_smoothing};
    return net_named_with(net, session->facts.profile->network, &ways, data->channels, data->height,
                          data->width, data->classes, data->mean, data->deviation, err);
}

void session_data_title(struct facts_data *data)
{
    source_title(data->name, data->augment, data->title, sizeof data->title);
    if (data->own_files > 0)
        source_own_title(data->name, data->title, sizeof data->title);
}

/* Keeps the folder where what is read is the copy that was fetched. */
static int keep_fetched(struct session *session, const char *folder, struct err *err)
{
    const struct source *source = source_find(session->experiment->dataset, err);
    char *path = NULL;
    int fetched = 0;
    int code = source == NULL ? ERR_USAGE : source_folder(source, folder, &path, &fetched, err);
    if (code == 0 && fetched)
        session->fetched = path;
    else
        mem_free(path);
    return code;
}

/* Opens it once more with one of so many shares of the threads that the backend chose by itself:
 * only the backend knows how many cores it may use, and whether it uses them. */
static int share_threads(struct session *session, int sharers, struct err *err)
{
    int share = session->caps.threads / sharers;
    session_device_close(session, &session->device);
    session->device_options.threads = share < 1 ? 1 : share;
    return backend_open_device(&session->backend, &session->device_options, &session->device.device,
                               &session->caps, err);
}

static int open_backend(struct session *session, const struct session_options *options,
                        struct err *err)
{
    struct repro_device_options *device = &session->device_options;
    *device = (struct repro_device_options){
        .struct_size = sizeof *device,
        .threads = options->threads,
        .flags = (options->allow_nondeterministic ? REPRO_DEVICE_NONDETERMINISTIC : 0) |
                 (options->tune ? REPRO_DEVICE_TUNED : 0)};
    int code = backend_open(options->backend, device, &session->backend, &session->device.device,
                            &session->caps, err);
    int sharers = ranks_are_several(options->ranks) ? options->ranks->crowd : session->jobs;
    if (code == 0 && sharers > 1 && options->threads == 0 && session->caps.threads > 1)
        code = share_threads(session, sharers, err);
    return code;
}

int session_device_open(const struct session *session, struct session_device *device,
                        struct err *err)
{
    struct repro_caps caps;
    return backend_open_device(&session->backend, &session->device_options, &device->device, &caps,
                               err);
}

int session_device_place(const struct session *session, struct session_device *device,
                         struct err *err)
{
    if (device->resident.train != NULL)
        return 0;
    return resident_put(&session->backend, device->device, &session->data, &device->resident, err);
}

void session_device_close(const struct session *session, struct session_device *device)
{
    resident_release(&device->resident);
    if (device->device != NULL)
        session->backend.device_close(device->device);
    device->device = NULL;
}

/* The data set and the device that are open, as a run's identity has them. */
static void fill_facts(struct session *session, const struct session_options *options)
{
    struct facts_data *data = &session->facts.data;
    struct facts_backend *backend = &session->facts.backend;
    const struct repro_caps *caps = &session->caps;
    const struct experiment_profile *profile = session->facts.profile;
    snprintf(data->name, sizeof data->name, "%s", session->data.name);
    snprintf(data->augment, sizeof data->augment, "%s", session->data.augment);
    data->own_files = session->data.own_files;
    session_data_title(data);
    snprintf(data->digest, sizeof data->digest, "%016" PRIx64, session->data.digest);
    snprintf(backend->name, sizeof backend->name, "%s", session->backend.name);
    snprintf(backend->version, sizeof backend->version, "%s", session->backend.version);
    snprintf(backend->algorithms, sizeof backend->algorithms, "%s", caps->algorithms);
    snprintf(backend->device, sizeof backend->device, "%s", caps->device);
    snprintf(backend->library, sizeof backend->library, "%s", caps->library);
    backend->threads = caps->threads;
    backend->any_threads = (caps->flags & REPRO_CAPS_ANY_THREADS) != 0;
    backend->tuned = options->tune;
    session->facts.micro_ghosts = caps->memory > 0 ? profile->device_micro_ghosts
                                                   : profile->micro_ghosts;
}

int session_open(const struct session_options *options, struct session *session, struct err *err)
{
    memset(session, 0, sizeof *session);
    session->facts.backend.precision = options->precision == 0 ? REPRO_PRECISION_F32
                                                               : options->precision;
    int code = session_load(options, &session->experiment, err);
    if (code == 0) {
        const char *name = options->profile == NULL ? session->experiment->default_profile
                                                    : options->profile;
        session->facts.experiment = session->experiment;
        session->facts.profile = experiment_profile(session->experiment, name, err);
        if (session->facts.profile == NULL)
            code = ERR_USAGE;
    }
    /* A study is one measurement after another. */
    int trains = code == 0 && !session->experiment->schedules_only &&
                 session->experiment->study == NULL;
    session->jobs = trains && options->jobs > 1 ? options->jobs : 1;
    session->ranks = options->ranks;
    if (code == 0 && session->jobs > 1 && ranks_are_several(session->ranks))
        code = err_set(err, ERR_USAGE,
                       "--jobs %d: ranks share one run at a time; leave out one of the two",
                       session->jobs);
    if (code == 0 && session->experiment->schedules_only)
        return 0;
    if (code == 0)
        code = open_backend(session, options, err);
    if (code == 0)
        code = session_data(session->experiment, session->facts.profile, options->data,
                            options->skip_broken, &session->data, err);
    if (code == 0)
        code = keep_fetched(session, options->data, err);
    if (code == 0)
        code = session_network(session, &session->experiment->runs[0].spec.conventions,
                               &session->net, err);
    if (code == 0)
        fill_facts(session, options);
    if (code != 0)
        session_close(session);
    return code;
}

void session_close(struct session *session)
{
    net_release(&session->net);
    dataset_release(&session->data);
    mem_free(session->fetched);
    session_device_close(session, &session->device);
    experiment_free(session->experiment);
    memset(session, 0, sizeof *session);
}
