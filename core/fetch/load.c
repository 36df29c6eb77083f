#include "fetch/load.h"

#include "base/module.h"

#include <string.h>

static const struct module module = {
    .variable = "REPRO_FETCH_PATH",
    .folder = REPRO_PLUGIN_DIR "/fetch",
    .file = "fetch.so",
    .entry = FETCH_ENTRY_NAME,
    .what = "what fetches data sets",
    .mend = "install the packages libcurl4-openssl-dev, libarchive-dev and nettle-dev and build "
            "again (./bootstrap)",
};

const struct fetch_link *fetch_load(struct err *err)
{
    fetch_entry *entry;
    void *symbol = module_load(&module, err);
    if (symbol == NULL)
        return NULL;
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion for it */
    const struct fetch_link *link = entry();
    return link->struct_size < sizeof *link ? module_stale(&module, err) : link;
}
