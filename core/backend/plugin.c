#include "backend/plugin.h"

#include "base/err.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define MAJOR_MAX 32 /* majors looked for, to name the one a plugin has */

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

int plugin_load(const char *path, struct repro_backend *out, struct err *err)
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
