#include "fetch/load.h"

#include "base/err.h"
#include "base/installed.h"
#include "base/mem.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define MODULE "fetch.so"

const struct fetch_link *fetch_load(struct err *err)
{
    const char *folder = getenv("REPRO_FETCH_PATH");
    int given = folder != NULL && folder[0] == '/';
    char *own = given ? NULL : installed_find(REPRO_PLUGIN_DIR "/fetch", err);
    char *path = given || own != NULL ? mem_format(err, "%s/" MODULE, given ? folder : own) : NULL;
    mem_free(own);
    if (path == NULL)
        return NULL;
    const struct fetch_link *link = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = library == NULL ? NULL : dlsym(library, FETCH_ENTRY_NAME);
    if (symbol == NULL) {
        err_set(err, ERR_CANNOT_RUN,
                "this repro was built without what fetches data sets (%s); install the packages "
                "libcurl4-openssl-dev, libarchive-dev and nettle-dev and build again "
                "(./bootstrap)",
                library == NULL ? dlerror() : path);
    } else {
        fetch_entry *entry;
        memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion for it */
        link = entry();
        if (link->struct_size < sizeof *link) {
            err_set(err, ERR_CANNOT_RUN, "%s: of another build of repro; build again (./bootstrap)",
                    path);
            link = NULL;
        }
    }
    mem_free(path);
    return link;
}
