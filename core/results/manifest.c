#include "results/manifest.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "results/manifest_parts.h"
#include "results/seal.h"

#include <string.h>

#define MANIFEST_LIMIT ((size_t)4 << 20)

int manifest_read(const char *path, json_t **out, struct err *err)
{
    char *text;
    size_t size;
    int code = file_read(path, MANIFEST_LIMIT, &text, &size, err);
    if (code != 0)
        return code;
    json_error_t where;
    json_t *manifest = json_loadb(text, size, 0, &where);
    /* Without memory the parser stops and gives no reason. */
    if (manifest == NULL && where.text[0] == '\0')
        code = err_set(err, ERR_MEMORY, "%s: cannot be read: out of memory", path);
    else if (manifest == NULL)
        code = err_set(err, ERR_INPUT,
                       "%s:%d: damaged (%s); put back a copy, or delete the folder to begin the "
                       "run anew",
                       path, where.line, where.text);
    else
        code = seal_check(path, text, size, manifest, err);
    mem_free(text);
    if (code != 0) {
        json_decref(manifest);
        return code;
    }
    *out = manifest;
    return 0;
}

int manifest_load(const char *path, const char *hash, json_t **out, struct err *err)
{
    json_t *manifest;
    int code = manifest_read(path, &manifest, err);
    if (code != 0)
        return code;
    const char *found = json_string_value(json_object_get(manifest, "identity_hash"));
    if (found == NULL || strcmp(found, hash) != 0) {
        err_set(err, ERR_INPUT, "%s: belongs to another run (identity %s); delete the folder", path,
                found == NULL ? "missing" : found);
        json_decref(manifest);
        return ERR_INPUT;
    }
    *out = manifest;
    return 0;
}

int manifest_status(const char *path, const char *hash, enum run_status *status, struct err *err)
{
    *status = RUN_NEW;
    if (!file_exists(path))
        return 0;
    json_t *manifest;
    int code = manifest_load(path, hash, &manifest, err);
    if (code != 0)
        return code;
    *status = manifest_is_done(manifest) ? RUN_DONE : RUN_PARTIAL;
    json_decref(manifest);
    return 0;
}

int manifest_is_done(const json_t *manifest)
{
    const char *status = json_string_value(json_object_get(manifest, "status"));
    return status != NULL && strcmp(status, "done") == 0;
}

int manifest_is_named(const json_t *manifest, const char *figure, const char *run)
{
    const json_t *also = json_object_get(manifest, "also");
    const char *first = json_string_value(json_object_get(manifest, "figure"));
    const char *name = json_string_value(json_object_get(manifest, "run"));
    size_t length = strlen(figure);
    if (first != NULL && name != NULL && strcmp(first, figure) == 0 &&
        (run == NULL || strcmp(name, run) == 0))
        return 1;
    for (size_t i = 0; i < json_array_size(also); i++) {
        name = json_string_value(json_array_get(also, i));
        if (name != NULL && strncmp(name, figure, length) == 0 && name[length] == '/' &&
            (run == NULL || strcmp(name + length + 1, run) == 0))
            return 1;
    }
    return 0;
}

const char *manifest_digest(const json_t *manifest, const char *what)
{
    return json_string_value(json_object_get(json_object_get(manifest, "digests"), what));
}
