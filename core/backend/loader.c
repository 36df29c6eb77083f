/* A plugin is believed step by step: the file opens, it has the symbol of this major, the entry
 * hands out a table, the table is large enough and lacks no function.  The first step that fails is
 * the reason it is refused for. */
#include "backend/loader.h"

#include "backend/choices.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef REPRO_PLUGIN_DIR
#define REPRO_PLUGIN_DIR "/usr/local/lib/repro"
#endif

#define SUFFIX ".so"
#define MAJOR_MAX 32  /* majors looked for, to name the one a plugin has */
#define FOUND_MAX 256 /* plugins listed */

/* The functions of minor 0, all required.  A function appended by a later minor is not in this
 * list. */
static const struct {
    size_t offset;
    const char *name;
} required[] = {
#define REQUIRED(name)                              \
    {                                               \
        offsetof(struct repro_backend, name), #name \
    }
    REQUIRED(device_open), REQUIRED(device_close), REQUIRED(device_caps), REQUIRED(net_compile),
    REQUIRED(net_free),    REQUIRED(net_write),    REQUIRED(net_read),    REQUIRED(net_zero),
    REQUIRED(net_forward), REQUIRED(net_backward), REQUIRED(net_update),  REQUIRED(net_metrics),
    REQUIRED(net_sync),
#undef REQUIRED
};

/* Optional functions that make sense together only. */
static const struct {
    size_t offset[2];
    const char *name[2];
} pairs[] = {
#define PAIR(one, other)                                                              \
    {                                                                                 \
        {offsetof(struct repro_backend, one), offsetof(struct repro_backend, other)}, \
        {                                                                             \
#one, #other                                                              \
        }                                                                             \
    }
    PAIR(data_put, data_free),
    PAIR(net_keep, net_join),
    PAIR(net_mark, net_marks),
#undef PAIR
};

static int has_function(const struct repro_backend *table, size_t offset)
{
    void (*function)(void);
    memcpy(&function, (const char *)table + offset, sizeof function);
    return function != NULL;
}

char *backend_search_path(struct err *err)
{
    const char *path = getenv("REPRO_BACKEND_PATH");
    if (path == NULL || *path == '\0')
        return mem_string(REPRO_PLUGIN_DIR, err);
    return mem_format(err, "%s:%s", path, REPRO_PLUGIN_DIR);
}

/* A plugin of another major has the entry of its own number. */
static int other_major(void *library)
{
    for (int major = 0; major <= MAJOR_MAX; major++) {
        char name[32];
        snprintf(name, sizeof name, "repro_backend_v%d", major);
        if (dlsym(library, name) != NULL)
            return major;
    }
    return -1;
}

static int find_entry(const char *path, void *library, repro_entry **entry, struct err *err)
{
    void *symbol = dlsym(library, REPRO_ENTRY_NAME);
    if (symbol != NULL) {
        /* ISO C has no conversion between the two kinds of pointer */
        memcpy(entry, &symbol, sizeof *entry);
        return 0;
    }
    int major = other_major(library);
    if (major < 0)
        return err_set(err, ERR_BACKEND,
                       "%s: no plugin of repro: it does not export " REPRO_ENTRY_NAME, path);
    return err_set(err, ERR_BACKEND,
                   "%s: built for major %d of the contract, this program has major %d; %s", path,
                   major, REPRO_ABI_MAJOR,
                   major < REPRO_ABI_MAJOR ? "rebuild the plugin" : "use a newer repro");
}

static int check_table(const char *path, const struct repro_backend *table,
                       struct repro_backend *out, struct err *err)
{
    size_t last = required[sizeof required / sizeof *required - 1].offset + sizeof(void (*)(void));
    if (table->struct_size < last)
        return err_set(err, ERR_BACKEND,
                       "%s: its table has %u bytes where the contract's has at least %zu", path,
                       (unsigned)table->struct_size, last);
    struct repro_backend copy = {0};
    memcpy(&copy, table, table->struct_size < sizeof copy ? table->struct_size : sizeof copy);
    if (copy.abi_minor_needed > REPRO_ABI_MINOR)
        return err_set(err, ERR_BACKEND,
                       "%s: needs contract %d.%u, this program has %d.%d; use a newer repro", path,
                       REPRO_ABI_MAJOR, (unsigned)copy.abi_minor_needed, REPRO_ABI_MAJOR,
                       REPRO_ABI_MINOR);
    if (copy.name == NULL || copy.version == NULL || *copy.name == '\0' || *copy.version == '\0')
        return err_set(err, ERR_BACKEND, "%s: broken: it has no name or no version", path);
    if (copy.reserved != 0)
        return err_set(err, ERR_BACKEND, "%s: broken: the reserved field of its table is %u, not 0",
                       path, (unsigned)copy.reserved);
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!has_function(&copy, required[i].offset))
            return err_set(err, ERR_BACKEND, "%s: broken: it lacks the required function %s", path,
                           required[i].name);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int has = has_function(&copy, pairs[i].offset[0]);
        if (has != has_function(&copy, pairs[i].offset[1]))
            return err_set(err, ERR_BACKEND, "%s: broken: it has %s without %s", path,
                           pairs[i].name[!has], pairs[i].name[has]);
    }
    *out = copy;
    return 0;
}

/* dlopen() refused; a library that the plugin needs and this machine lacks is a reason of its own,
 * with a mend. */
static int not_loaded(const char *path, struct err *err)
{
    static const char missing[] = ": cannot open shared object file";
    const char *reason = dlerror(), *end = reason == NULL ? NULL : strstr(reason, missing);
    if (end != NULL && end != reason && memchr(reason, '/', (size_t)(end - reason)) == NULL)
        return err_set(err, ERR_CANNOT_RUN,
                       "%s: cannot be loaded: it needs %.*s, which is not here; install it, or "
                       "name its folder in "
                       "LD_LIBRARY_PATH",
                       path, (int)(end - reason), reason);
    return err_set(err, ERR_BACKEND, "%s: cannot be loaded: %s", path,
                   reason == NULL ? "unknown reason" : reason);
}

static int load_file(const char *path, struct repro_backend *out, struct err *err)
{
    dlerror();
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return not_loaded(path, err);
    repro_entry *entry = NULL;
    const struct repro_backend *table = NULL;
    struct repro_error error = {0};
    int code = find_entry(path, library, &entry, err);
    if (code != 0)
        return code;
    if (entry(&table, &error) != 0)
        return err_set(err, ERR_BACKEND, "%s: refuses to start: %.*s", path, (int)sizeof error.text,
                       error.text);
    if (table == NULL)
        return err_set(err, ERR_BACKEND, "%s: broken: its entry hands out no table", path);
    return check_table(path, table, out, err);
}

/* ---- The search path ---- */

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
        return load_file(name, out, err);
    int code = list_plugins(&list, err);
    if (code != 0)
        return code;
    const char *path = NULL;
    for (size_t i = 0; i < list.count && path == NULL; i++)
        if (strcmp(list.found[i].name, name) == 0)
            path = list.found[i].path;
    code = path == NULL ? not_found(name, &list, err) : load_file(path, out, err);
    backend_found_free(list.found, list.count);
    return code;
}

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

const char *backend_device_text(const struct repro_caps *caps, char text[BACKEND_DEVICE_TEXT])
{
    if (caps->memory > 0)
        snprintf(text, BACKEND_DEVICE_TEXT, "%.127s, %.1f GiB", caps->device,
                 (double)caps->memory / (1 << 30));
    else
        snprintf(text, BACKEND_DEVICE_TEXT, "%.127s, %d threads", caps->device, (int)caps->threads);
    return text;
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
        one->accepted = load_file(one->path, &one->backend, &reason) == 0;
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
