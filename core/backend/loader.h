/* loader.h -- finds, loads and checks backend plugins.
 *
 * A plugin is a file NAME.so.  It is looked for in the folders of $REPRO_BACKEND_PATH
 * (colon-separated), then in the folder it was installed to; a name with a slash in it is a path.
 * The current folder is never searched.  Plugins are loaded with RTLD_NOW | RTLD_LOCAL and never
 * unloaded.  Not thread-safe. */
#ifndef BACKEND_LOADER_H
#define BACKEND_LOADER_H

#include "backend/backend.h"

#include <stddef.h>

struct err;

/* Loads a backend by name or path (NULL: $REPRO_BACKEND, else "onednn" where it loads, else
 * "openblas"), checks it and copies its table (min of both struct sizes, the rest zero) into *out.
 * ERR_BACKEND: not found (names the folders searched and the nearest name found there); not a
 * plugin; another major (symbol repro_backend_vN: both numbers); needs a newer host minor; a
 * required function missing, by name; or the entry itself failed (its sentence). */
int backend_load(const char *name, struct repro_backend *out, struct err *err);

/* Loads, opens the device and asks what it is.  The device is closed by backend->device_close();
 * NULL after a failure.  backend_load()'s errors; ERR_CANNOT_RUN when there is no such device here,
 * with the backend's reason; else ERR_BACKEND. */
int backend_open(const char *name, const struct repro_device_options *options,
                 struct repro_backend *backend, struct repro_device **device,
                 struct repro_caps *caps, struct err *err);

/* A device of a backend that is loaded: the second half of backend_open(). */
int backend_open_device(const struct repro_backend *backend,
                        const struct repro_device_options *options, struct repro_device **device,
                        struct repro_caps *caps, struct err *err);

/* Bytes of device memory that the device's networks and data sets hold now; 0 where the backend
 * does not tell. */
int backend_held(const struct repro_backend *backend, struct repro_device *device, int64_t *held,
                 struct err *err);

/* What an open device is, for people: "AMD EPYC, 2 threads", or with memory of its own "NVIDIA
 * H100, 79.2 GiB".  Returns text, which is the caller's. */
#define BACKEND_DEVICE_TEXT 192
const char *backend_device_text(const struct repro_caps *caps, char text[BACKEND_DEVICE_TEXT]);

/* One plugin file found. */
struct backend_found {
    char *path;
    char *name;                   /* file name without ".so" */
    int accepted;                 /* 0: refused, and reason says why in one line */
    char *reason;                 /* NULL when accepted */
    struct repro_backend backend; /* when accepted */
};

/* All plugins on the search path, by folder order then name; of equal names only the first counts.
 * A refused one is an entry, not an error. */
int backend_discover(struct backend_found **found, size_t *count, struct err *err);
/* The same files, none of them loaded: none is accepted, and there is no reason. */
int backend_list(struct backend_found **found, size_t *count, struct err *err);
void backend_found_free(struct backend_found *found, size_t count);

/* The folders searched, in order, as "a:b:c"; freed with mem_free(). */
char *backend_search_path(struct err *err);

#endif
