/* load.h -- finds and loads the module that has libcurl, libarchive and nettle. */
#ifndef FETCH_LOAD_H
#define FETCH_LOAD_H

#include "fetch/link.h"

struct err;

/* From the folder $REPRO_FETCH_PATH where that is absolute, else from where it was installed.  It
 * stays loaded.  NULL and ERR_CANNOT_RUN, with the packages, where it was not built. */
const struct fetch_link *fetch_load(struct err *err);

#endif
