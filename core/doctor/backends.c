/* The plugins by trial.  Which of them the main job takes follows the loader's rule: the one that
 * is named, else onednn where it loads, else openblas. */
#include "backend/loader.h"
#include "backend/names.h"
#include "base/err.h"
#include "doctor/doctor_parts.h"
#include "doctor/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTALL "the packages libdnnl-dev and libopenblas-openmp-dev, then ./bootstrap"

/* The fastest so far. */
struct best {
    char name[FINDING_NAME];
    int precision;
    double speed, of_default; /* images/s; of the main job's backend in f32 */
};

static const char *wish(const struct doctor_options *options)
{
    const char *name = options->backend == NULL ? getenv("REPRO_BACKEND") : options->backend;
    return name == NULL || *name == '\0' ? NULL : name;
}

static const struct probe *find(const struct backend_found *found, const struct probe *probes,
                                size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(found[i].name, name) == 0)
            return &probes[i];
    return NULL;
}

/* One that is tried and fine, a line with its speed; else why not. */
static int add_probe(struct findings *findings, const char *name, const struct probe *probe,
                     int is_default, struct err *err)
{
    char title[FINDING_NAME], speed[40] = "";
    struct finding *finding;
    snprintf(title, sizeof title, "backend %.50s", name);
    if (probe->images_per_second > 0.0)
        snprintf(speed, sizeof speed, ", %.0f images/s", probe->images_per_second);
    if (probe->outcome == PROBE_FINE) {
        finding = findings_add(
            findings, FINDING_FINE, title, err, "%s: right numbers in %s%s; %s, %s",
            is_default ? "what the main job takes" : "works", precision_name(probe->precision),
            speed, probe->library, probe->device);
        if (finding != NULL)
            finding->images_per_second = probe->images_per_second;
        return finding == NULL ? ERR_MEMORY : 0;
    }
    finding = findings_add(findings, is_default ? FINDING_HINDERS : FINDING_NOTE, title, err,
                           "%s%s", probe->outcome == PROBE_FAILED ? "does not work: " : "",
                           probe->text);
    if (probe->outcome == PROBE_ABSENT)
        return finding_mend(finding, is_default ? "name another one with --backend or REPRO_BACKEND"
                                                : "nothing, where there is no such device");
    return finding_mend(finding, "build it again (./bootstrap), or %s",
                        is_default ? "name another one with --backend or REPRO_BACKEND"
                                   : "leave it; `repro backends` says more");
}

static void keep_best(struct best *best, const char *name, const struct probe *probe)
{
    if (probe->outcome != PROBE_FINE || probe->images_per_second <= best->speed)
        return;
    snprintf(best->name, sizeof best->name, "%.50s", name);
    best->precision = probe->precision;
    best->speed = probe->images_per_second;
}

/* A precision beside f32, by what came of it. */
static int add_precision(struct findings *findings, const char *backend, const struct probe *probe,
                         const struct probe *plain, struct err *err)
{
    char title[FINDING_NAME];
    const char *name = precision_name(probe->precision);
    double speed = probe->images_per_second, other = plain->images_per_second;
    struct finding *finding;
    snprintf(title, sizeof title, "%.40s in %s", backend, name);
    if (probe->outcome != PROBE_FINE)
        finding = findings_add(findings, FINDING_NOTE, title, err, "%s", probe->text);
    else if (speed <= 0.0)
        finding = findings_add(findings, FINDING_FINE, title, err, "right numbers");
    else if (speed < other)
        finding = findings_add(findings, FINDING_NOTE, title, err,
                               "is slower than f32 here, %.0f images/s and not %.0f", speed, other);
    else
        finding = findings_add(findings, FINDING_FINE, title, err,
                               "%.1f times as fast as f32, %.0f images/s: --precision %s",
                               speed / other, speed, name);
    if (finding == NULL)
        return ERR_MEMORY;
    finding->images_per_second = speed;
    return finding->state == FINDING_NOTE ? finding_mend(finding, "leave --precision out") : 0;
}

/* A plugin that was tried in f32: that, and the other precisions that its device has. */
static int add_plugin(const struct doctor_options *options, const char *path, const char *name,
                      const struct probe *plain, int is_default, struct findings *findings,
                      struct best *best, struct err *err)
{
    int code = add_probe(findings, name, plain, is_default, err);
    keep_best(best, name, plain);
    if (is_default)
        best->of_default = plain->images_per_second;
    if (plain->outcome != PROBE_FINE)
        return code;
    for (int precision = REPRO_PRECISION_F32 + 1; code == 0 && precision <= PRECISION_COUNT;
         precision++) {
        struct probe probe;
        if ((plain->precisions >> precision & 1u) == 0)
            continue;
        code = probe_run(path, precision, options->brief, options->limit, &probe, err);
        if (code == 0)
            code = add_precision(findings, name, &probe, plain, err);
        if (code == 0)
            keep_best(best, name, &probe);
    }
    return code;
}

static int add_best(struct findings *findings, const struct best *best, struct err *err)
{
    if (best->speed <= 0.0)
        return 0;
    struct finding *finding = findings_add(
        findings, FINDING_FINE, "fastest here", err,
        "--backend %s --precision %s, %.0f images/s (%s, batch %d)%s", best->name,
        precision_name(best->precision), best->speed, PROBE_NETWORK, PROBE_BATCH,
        best->of_default >= best->speed ? ", which is what the main job takes by itself" : "");
    return finding == NULL ? ERR_MEMORY : 0;
}

/* The plugin that the main job opens, by its number; count where it is none of them. */
static size_t default_of(const struct doctor_options *options, const struct backend_found *found,
                         const struct probe *probes, size_t count)
{
    const char *name = wish(options);
    const struct probe *probe;
    if (name != NULL && strchr(name, '/') != NULL)
        return count;
    if (name == NULL) {
        probe = find(found, probes, count, "onednn");
        name = probe != NULL && probe->outcome != PROBE_REFUSED ? "onednn" : "openblas";
    }
    probe = find(found, probes, count, name);
    return probe == NULL ? count : (size_t)(probe - probes);
}

/* What is named is a path, or is not there. */
static int look_at_other(const struct doctor_options *options, struct findings *findings,
                         struct best *best, struct err *err)
{
    const char *name = wish(options);
    struct probe probe;
    if (name != NULL && strchr(name, '/') != NULL) {
        int code = probe_run(name, REPRO_PRECISION_F32, options->brief, options->limit, &probe,
                             err);
        return code != 0 ? code
                         : add_plugin(options, name, strrchr(name, '/') + 1, &probe, 1, findings,
                                      best, err);
    }
    if (name == NULL)
        return finding_mend(findings_add(findings, FINDING_HINDERS, "backend", err,
                                         "no plugin is there that the main job could take: neither "
                                         "onednn nor openblas"),
                            "install " INSTALL);
    return finding_mend(
        findings_add(findings, FINDING_HINDERS, "backend", err, "there is no plugin '%s'", name),
        "`repro backends` lists those there are; else install " INSTALL);
}

static int look(const struct doctor_options *options, const struct backend_found *found,
                struct probe *probes, size_t count, struct findings *findings, struct err *err)
{
    struct best best = {.speed = 0.0};
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = probe_run(found[i].path, REPRO_PRECISION_F32, options->brief, options->limit,
                         &probes[i], err);
    size_t taken = code == 0 ? default_of(options, found, probes, count) : count;
    if (code == 0 && taken == count)
        code = look_at_other(options, findings, &best, err);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = add_plugin(options, found[i].path, found[i].name, &probes[i], i == taken, findings,
                          &best, err);
    return code == 0 ? add_best(findings, &best, err) : code;
}

int doctor_backends(const struct doctor_options *options, struct findings *findings,
                    struct err *err)
{
    enum { PLUGINS = 32 }; /* tried */
    static struct probe probes[PLUGINS];
    struct backend_found *found = NULL;
    size_t count = 0;
    int code = backend_list(&found, &count, err);
    if (code != 0)
        return code;
    code = look(options, found, probes, count < PLUGINS ? count : PLUGINS, findings, err);
    backend_found_free(found, count);
    return code;
}
