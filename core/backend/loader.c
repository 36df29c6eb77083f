#include "backend/loader.h"

#include "backend/choices.h"
#include "backend/plugin.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/installed.h"
#include "base/suggest.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef REPRO_PLUGIN_DIR
#define REPRO_PLUGIN_DIR "/usr/local/lib/repro"
#endif

#define SUFFIX ".so"
#define FOUND_MAX 256 /* plugins listed */

/* ---- The search path ---- */

char *backend_search_path(struct err *err)
{
    const char *path = getenv("REPRO_BACKEND_PATH");
    char *own = installed_find(REPRO_PLUGIN_DIR, err), *both;
    if (own == NULL || path == NULL || *path == '\0')
        return own;
    both = mem_format(err, "%s:%s", path, own);
    mem_free(own);
    return both;
}

/* Calls visit(folder) for each folder of a path like "a:b" until it returns non-zero; relative
 * folders and empty entries are left out, since they would depend on the current folder. */
static int each_folder(char *path, int (*visit)(void *context, const char *folder), void *context)
{
    char *rest = path;
    for (char *folder; (folder = strsep(&rest, ":")) != NULL;) {
        int done = folder[0] == '/' ? visit(context, folder) : 0;
        if (done != 0)
            return done;
    }
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct backend_found *)a)->name, ((const struct backend_found *)b)->name);
}

struct listing {
    struct backend_found *found;
    size_t count;
    struct err *err;
};

static int known(const struct listing *list, const char *name, size_t length)
{
    for (size_t i = 0; i < list->count; i++)
        if (strlen(list->found[i].name) == length && memcmp(list->found[i].name, name, length) == 0)
            return 1;
    return 0;
}

/* Appends the plugins of a folder, unloaded; non-zero when out of memory. */
static int list_folder(void *context, const char *folder)
{
    struct listing *list = context;
    DIR *directory = opendir(folder);
    size_t first = list->count;
    if (directory == NULL)
        return 0;
    int code = 0;
    for (struct dirent *entry;
         code == 0 && list->count < FOUND_MAX && (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name), suffix = strlen(SUFFIX);
        if (length <= suffix || entry->d_name[0] == '.' ||
            strcmp(entry->d_name + length - suffix, SUFFIX) != 0 ||
            known(list, entry->d_name, length - suffix))
            continue;
        struct backend_found *one = &list->found[list->count++];
        one->path = mem_format(list->err, "%s/%s", folder, entry->d_name);
        one->name = mem_string(entry->d_name, list->err);
        if (one->path == NULL || one->name == NULL)
            code = ERR_MEMORY;
        else
            one->name[length - suffix] = '\0';
    }
    closedir(directory);
    if (code == 0 && list->count > first)
        qsort(list->found + first, list->count - first, sizeof *list->found, by_name);
    return code;
}

/* Every plugin file on the search path, none loaded. */
static int list_plugins(struct listing *list, struct err *err)
{
    *list = (struct listing){.err = err};
    char *path = backend_search_path(err);
    list->found = mem_new(FOUND_MAX, sizeof *list->found, err);
    int code = path == NULL || list->found == NULL ? ERR_MEMORY
                                                   : each_folder(path, list_folder, list);
    mem_free(path);
    if (code != 0)
        backend_found_free(list->found, list->count);
    return code;
}

static int not_found(const char *name, const struct listing *list, struct err *err)
{
    char *path = backend_search_path(NULL);
    const char *names[FOUND_MAX];
    for (size_t i = 0; i < list->count; i++)
        names[i] = list->found[i].name;
    char mend[SUGGEST_TEXT];
    err_set(err, ERR_BACKEND, "no backend '%s' in %s%s", name,
            path == NULL ? "the plugin folders" : path,
            suggest_phrase(mend, name, names, list->count, '\'',
                           "`repro backends` lists what is there"));
    mem_free(path);
    return ERR_BACKEND;
}

/* The fast one where it is, else the reference. */
static int load_default(struct repro_backend *out, struct err *err)
{
    const char *wish = getenv("REPRO_BACKEND");
    struct err ignored = {0};
    if (wish != NULL && *wish != '\0')
        return backend_load(wish, out, err);
    return backend_load("onednn", out, &ignored) == 0 ? 0 : backend_load("openblas", out, err);
}

int backend_load(const char *name, struct repro_backend *out, struct err *err)
{
    struct listing list;
    if (name == NULL)
        return load_default(out, err);
    if (strchr(name, '/') != NULL)
        return plugin_load(name, out, err);
    int code = list_plugins(&list, err);
    if (code != 0)
        return code;
    const char *path = NULL;
    for (size_t i = 0; i < list.count && path == NULL; i++)
        if (strcmp(list.found[i].name, name) == 0)
            path = list.found[i].path;
    code = path == NULL ? not_found(name, &list, err) : plugin_load(path, out, err);
    backend_found_free(list.found, list.count);
    return code;
}

/* ---- Devices ---- */

static int open_device(const struct repro_backend *backend,
                       const struct repro_device_options *options, struct repro_device **device,
                       struct err *err)
{
    struct repro_device_options own = *options;
    struct repro_error error = {0};
    char *plans = NULL;
    int code = (own.flags & REPRO_DEVICE_TUNED) != 0 && own.plans == NULL
                   ? choices_path(backend->name, &plans, err)
                   : 0;
    if (code != 0)
        return code;
    own.plans = plans == NULL ? own.plans : plans;
    if (backend->device_open(&own, device, &error) != 0) {
        *device = NULL;
        const char *words = error.code == REPRO_UNSUPPORTED || error.code == REPRO_ARGUMENT
                                ? ""
                                : " cannot run here";
        code = err_set(err, error.code == REPRO_DEVICE ? ERR_CANNOT_RUN : ERR_BACKEND,
                       "backend %s%s: %s", backend->name, words, error.text);
    }
    mem_free(plans);
    return code;
}

int backend_open(const char *name, const struct repro_device_options *options,
                 struct repro_backend *backend, struct repro_device **device,
                 struct repro_caps *caps, struct err *err)
{
    *device = NULL;
    int code = backend_load(name, backend, err);
    return code != 0 ? code : backend_open_device(backend, options, device, caps, err);
}

int backend_open_device(const struct repro_backend *backend,
                        const struct repro_device_options *options, struct repro_device **device,
                        struct repro_caps *caps, struct err *err)
{
    struct repro_error error = {0};
    *device = NULL;
    int code = open_device(backend, options, device, err);
    if (code != 0)
        return code;
    *caps = (struct repro_caps){.struct_size = sizeof *caps};
    if (backend->device_caps(*device, caps, &error) == 0)
        return 0;
    backend->device_close(*device);
    *device = NULL;
    return err_set(err, ERR_BACKEND, "backend %s: %s", backend->name, error.text);
}

int backend_held(const struct repro_backend *backend, struct repro_device *device, int64_t *held,
                 struct err *err)
{
    struct repro_error error = {0};
    struct repro_caps caps = {.struct_size = sizeof caps};
    if (backend->device_caps(device, &caps, &error) != 0)
        return err_set(err, ERR_BACKEND, "backend %s: %s", backend->name, error.text);
    *held = caps.held;
    return 0;
}

const char *backend_device_text(const struct repro_caps *caps, char text[BACKEND_DEVICE_TEXT])
{
    if (caps->memory > 0)
        snprintf(text, BACKEND_DEVICE_TEXT, "%.127s, %.1f GiB", caps->device,
                 (double)caps->memory / (1 << 30));
    else
        snprintf(text, BACKEND_DEVICE_TEXT, "%.127s, %d threads", caps->device, (int)caps->threads);
    return text;
}

/* ---- All of them ---- */

int backend_list(struct backend_found **found, size_t *count, struct err *err)
{
    struct listing list;
    int code = list_plugins(&list, err);
    if (code != 0)
        return code;
    *found = list.found;
    *count = list.count;
    return 0;
}

int backend_discover(struct backend_found **found, size_t *count, struct err *err)
{
    struct listing list;
    int code = list_plugins(&list, err);
    if (code != 0)
        return code;
    for (size_t i = 0; i < list.count; i++) {
        struct err reason = {0};
        struct backend_found *one = &list.found[i];
        one->accepted = plugin_load(one->path, &one->backend, &reason) == 0;
        if (!one->accepted && (one->reason = mem_string(reason.text, err)) == NULL) {
            backend_found_free(list.found, list.count);
            return ERR_MEMORY;
        }
    }
    *found = list.found;
    *count = list.count;
    return 0;
}

void backend_found_free(struct backend_found *found, size_t count)
{
    for (size_t i = 0; found != NULL && i < count; i++) {
        mem_free(found[i].path);
        mem_free(found[i].name);
        mem_free(found[i].reason);
    }
    mem_free(found);
}
