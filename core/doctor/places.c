/* Files: experiments, data sets, room for results. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "data/listing.h"
#include "data/source.h"
#include "doctor/doctor_parts.h"
#include "experiment/experiment.h"
#include "experiment/figures.h"
#include "lab/bench.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define CIFAR10 "cifar10"
#define IMAGENET "imagenet"
#define CIFAR10_TRAIN 50000 /* of each class a tenth, and so of the test images */
#define CIFAR10_TEST 10000
#define CIFAR10_CLASSES 10

/* A checkpoint is replaced whole: the old and the new one are there at once. */
#define COPIES 2
#define ARENAS 3 /* of a checkpoint, at most as large as the parameters: with Adam's two moments */

/* ---- Data ---- */

/* CIFAR-10 has as many images of each class; 0, or ERR_INPUT. */
static int check_labels(const struct dataset *data, int split, struct err *err)
{
    const int32_t *labels = dataset_whole(data, split).labels;
    int64_t count[CIFAR10_CLASSES] = {0}, all = dataset_count(data, split);
    for (int64_t i = 0; i < all; i++)
        count[labels[i]]++;
    for (int c = 0; c < CIFAR10_CLASSES; c++)
        if (count[c] != all / CIFAR10_CLASSES)
            return err_set(err, ERR_INPUT,
                           "%" PRId64 " of the %" PRId64 " %s images are of class %d, and %" PRId64
                           " must be: these are not CIFAR-10's",
                           count[c], all, split == DATASET_TRAIN ? "training" : "test", c,
                           all / CIFAR10_CLASSES);
    return 0;
}

static int check_cifar10(const char *folder, struct err *err)
{
    struct dataset data = {0};
    int code = source_cifar10(folder, CIFAR10_TRAIN, CIFAR10_TEST, &data, err);
    for (int split = 0; code == 0 && split < DATASET_SPLITS; split++)
        code = check_labels(&data, split, err);
    dataset_release(&data);
    return code;
}

static int look_at_cifar10(const struct doctor_options *options, struct findings *findings,
                           struct err *err)
{
    struct err wrong = {0};
    char *folder = NULL;
    int fetched = 0;
    const struct source *source = source_find(CIFAR10, err);
    int code = source == NULL ? ERR_INTERNAL
                              : source_folder(source, options->data, &folder, &fetched, err);
    struct finding *finding;
    if (code != 0)
        return code;
    if (folder == NULL) {
        finding = findings_add(findings, FINDING_NOTE, "CIFAR-10", err,
                               "not here: figures 2 to 5 train on a synthetic set and say so");
        return finding_mend(finding, "`repro fetch cifar10` brings it, 170 MB; or name its folder "
                                     "with --data or REPRO_DATA");
    }
    if (check_cifar10(folder, &wrong) == 0) {
        finding = findings_add(findings, FINDING_FINE, "CIFAR-10", err,
                               "60000 images, of each class as many, in %s%s", folder,
                               fetched ? " (fetched)" : "");
        code = finding == NULL ? ERR_MEMORY : 0;
    } else {
        finding = findings_add(findings, FINDING_HINDERS, "CIFAR-10", err, "%s", wrong.text);
        code = finding_mend(finding, "%s%s",
                            fetched ? "remove the folder and run "
                                    : "name another "
                                      "folder with --data or REPRO_DATA, or run ",
                            "`repro fetch cifar10`");
    }
    mem_free(folder);
    return code;
}

static int look_at_imagenet(struct findings *findings, struct err *err)
{
    struct err wrong = {0};
    struct listing listing = {0};
    char *folder = NULL;
    int fetched = 0;
    const struct source *source = source_find(IMAGENET, err);
    int code = source == NULL ? ERR_INTERNAL : source_folder(source, NULL, &folder, &fetched, err);
    struct finding *finding;
    if (code != 0)
        return code;
    if (folder == NULL) {
        finding = findings_add(findings, FINDING_NOTE, "ImageNet", err,
                               "not here: figures 6 and 7 train on a synthetic set and say so");
        code = finding_mend(finding, "`repro fetch imagenette` brings ten classes, 99 MB; or name "
                                     "a folder with REPRO_IMAGENET");
    } else if (listing_scan(folder, &listing, &wrong) == 0) {
        finding = findings_add(findings, FINDING_FINE, "ImageNet", err,
                               "%zu classes, %" PRId64 " training and %" PRId64
                               " validation images, in %s%s",
                               listing.class_count, listing.count[DATASET_TRAIN],
                               listing.count[DATASET_TEST], folder, fetched ? " (fetched)" : "");
        code = finding == NULL ? ERR_MEMORY : 0;
    } else {
        finding = findings_add(findings, FINDING_NOTE, "ImageNet", err, "%s", wrong.text);
        code = finding_mend(finding, "name another folder with REPRO_IMAGENET; figures 6 and 7 "
                                     "need it");
    }
    listing_release(&listing);
    mem_free(folder);
    return code;
}

/* ---- Room ---- */

/* The nearest folder that is there, of a path that need not be; freed with mem_free(). */
static char *nearest(const char *path, struct err *err)
{
    char *copy = mem_string(path, err);
    while (copy != NULL && !file_exists(copy)) {
        char *slash = strrchr(copy, '/');
        if (slash == NULL || slash == copy) {
            int absolute = slash == copy;
            mem_free(copy);
            return mem_string(absolute ? "/" : ".", err);
        }
        *slash = '\0';
    }
    return copy;
}

/* Whether a folder can be written, and its free bytes; 0 or an errno value. */
static int ask_room(const char *folder, double *room)
{
    struct stat status;
    struct statvfs system;
    if (stat(folder, &status) != 0)
        return errno;
    if (!S_ISDIR(status.st_mode))
        return ENOTDIR;
    if (access(folder, W_OK | X_OK) != 0 || statvfs(folder, &system) != 0)
        return errno;
    *room = (double)system.f_bavail * (double)system.f_frsize;
    return 0;
}

/* Bytes that checkpoints of the main job take at the paper's scale, the largest. */
static int need(const struct experiment *experiment, int64_t *bytes, struct err *err)
{
    struct net net = {0};
    const struct experiment_profile *profile = experiment_profile(experiment, "paper", err);
    int code = profile == NULL ? ERR_INPUT : bench_net(profile->network, 0, &net, err);
    if (code == 0)
        *bytes = (int64_t)experiment->run_count * COPIES * ARENAS * (int64_t)sizeof(float) *
                 (net.graph.param_count + net.graph.running_count);
    net_release(&net);
    return code;
}

static int look_at_room(const struct doctor_options *options, int64_t bytes,
                        struct findings *findings, struct err *err)
{
    struct finding *finding;
    char *folder = nearest(options->out, err);
    if (folder == NULL)
        return ERR_MEMORY;
    double room = 0.0;
    char needs[80] = "";
    if (bytes > 0)
        snprintf(needs, sizeof needs, ", of which the paper's scale takes %.1f at most",
                 (double)bytes / 1e9);
    int number = ask_room(folder, &room);
    if (number == 0 && room >= (double)bytes)
        finding = findings_add(findings, FINDING_FINE, "results", err,
                               "'%s' can be written and has room: %.1f GB%s", options->out,
                               room / 1e9, needs);
    else if (number == 0)
        finding = findings_add(findings, FINDING_HINDERS, "results", err,
                               "'%s' has room for %.1f GB, and the paper's scale takes %.1f",
                               options->out, room / 1e9, (double)bytes / 1e9);
    else
        finding = findings_add(findings, FINDING_HINDERS, "results", err,
                               "'%s' cannot be written: %s", options->out, strerror(number));
    if (finding != NULL && finding->state == FINDING_HINDERS)
        finding_mend(finding, "%sname another folder with --out",
                     number == 0 ? "make room, or " : "");
    mem_free(folder);
    return finding == NULL ? ERR_MEMORY : 0;
}

/* The main job's experiment; without it there is no saying what it takes. */
static int look_at_experiment(const struct doctor_options *options, struct findings *findings,
                              int64_t *bytes, struct err *err)
{
    struct err wrong = {0};
    struct experiment *experiment = NULL;
    struct finding *finding;
    char *folder = mem_format(err, "%s/experiments", options->share);
    if (folder == NULL)
        return ERR_MEMORY;
    int code = figures_load(folder, DOCTOR_FIGURE, &experiment, &wrong);
    if (code == 0)
        code = need(experiment, bytes, &wrong);
    experiment_free(experiment);
    if (code == 0) {
        finding = findings_add(findings, FINDING_FINE, "experiments", err, "read, from %s", folder);
        code = finding == NULL ? ERR_MEMORY : 0;
    } else {
        finding = findings_add(findings, FINDING_HINDERS, "experiments", err, "%s", wrong.text);
        code = finding_mend(finding, "mend the file, or take the repository's own; REPRO_SHARE "
                                     "names the folder");
    }
    mem_free(folder);
    return code;
}

int doctor_places(const struct doctor_options *options, struct findings *findings, struct err *err)
{
    int64_t bytes = 0;
    int code = look_at_experiment(options, findings, &bytes, err);
    if (code == 0)
        code = look_at_room(options, bytes, findings, err);
    if (code == 0)
        code = look_at_cifar10(options, findings, err);
    if (code == 0)
        code = look_at_imagenet(findings, err);
    return code;
}
