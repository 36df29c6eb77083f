#include "base/module.h"

#include "base/err.h"
#include "base/installed.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <stdlib.h>

void *module_load(const struct module *module, struct err *err)
{
    const char *named = getenv(module->variable);
    int given = named != NULL && named[0] == '/';
    char *own = given ? NULL : installed_find(module->folder, err);
    char *path = given || own != NULL ? mem_format(err, "%s/%s", given ? named : own, module->file)
                                      : NULL;
    mem_free(own);
    if (path == NULL)
        return NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library == NULL ? NULL : dlsym(library, module->entry);
    if (symbol == NULL)
        err_set(err, ERR_CANNOT_RUN, "this repro was built without %s (%s); %s", module->what,
                library == NULL ? dlerror() : path, module->mend);
    mem_free(path);
    return symbol;
}

void *module_stale(const struct module *module, struct err *err)
{
    err_set(err, ERR_CANNOT_RUN, "%s: of another build of repro; build again (./bootstrap)",
            module->file);
    return NULL;
}
