#include "export/export.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define TEMPLATE_LIMIT (1u << 20)

char *export_name(const struct export_run *run, struct err *err)
{
    return mem_format(err, "%s-%s-%s-s%" PRIu64, run->facts->experiment->name,
                      run->facts->profile->name, run->what->name, run->seed);
}

/* Of each session what says how and where; its choices of algorithms stay in the manifest. */
static json_t *sessions_json(const json_t *manifest)
{
    static const char *const keys[] = {"started", "ended", "commit",       "version",    "compiler",
                                       "host",    "ranks", "first_update", "last_update"};
    json_t *out = json_array(), *session;
    size_t i;
    int bad = out == NULL;
    json_array_foreach(json_object_get(manifest, "sessions"), i, session)
    {
        json_t *one = json_object();
        for (size_t k = 0; k < sizeof keys / sizeof *keys && !bad; k++) {
            json_t *value = json_object_get(session, keys[k]);
            bad = value != NULL && json_object_set(one, keys[k], value) != 0;
        }
        bad |= json_array_append_new(out, one) != 0;
    }
    if (!bad)
        return out;
    json_decref(out);
    return NULL;
}

json_t *export_provenance(const struct export_run *run)
{
    const json_t *manifest = run->stored->manifest;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:O, s:O, s:o, s:O}", "figure",
                     run->facts->experiment->name, "profile", run->facts->profile->name, "run",
                     run->what->name, "title", run->what->title, "seed", (json_int_t)run->seed,
                     "identity_hash", json_object_get(manifest, "identity_hash"), "identity",
                     json_object_get(manifest, "identity"), "sessions", sessions_json(manifest),
                     "result", json_object_get(manifest, "result"));
}

int export_template(const char *share, const char *name, char **text, struct err *err)
{
    size_t size;
    char *path = mem_format(err, "%s/exports/%s", share, name);
    int code = path == NULL ? ERR_MEMORY : file_read(path, TEMPLATE_LIMIT, text, &size, err);
    mem_free(path);
    return code;
}

int export_fill(const char *text, const char *mark, const char *with, const char *name, char **out,
                struct err *err)
{
    const char *at = strstr(text, mark);
    struct text filled = {0};
    if (at == NULL || strstr(at + 1, mark) != NULL)
        return err_set(err, ERR_INPUT, "exports/%s: '%s' does not stand in it once", name, mark);
    text_put_bytes(&filled, text, (size_t)(at - text));
    text_put_string(&filled, with);
    text_put_string(&filled, at + strlen(mark));
    return text_take(&filled, out, "a file that is exported", err);
}
