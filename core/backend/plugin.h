/* plugin.h -- one plugin's file: loaded and checked.
 *
 * It is believed step by step: the file opens, it has the symbol of this major, the entry hands out
 * a table, the table is large enough and lacks no function.  The first step that fails is the
 * reason it is refused for. */
#ifndef BACKEND_PLUGIN_H
#define BACKEND_PLUGIN_H

#include "backend/backend.h"

struct err;

/* Loads the file, never to be unloaded, and copies its table (min of both struct sizes, the rest
 * zero) into *out.  ERR_CANNOT_RUN, naming it, when it needs a library that is not here; else
 * ERR_BACKEND. */
int plugin_load(const char *path, struct repro_backend *out, struct err *err);

#endif
