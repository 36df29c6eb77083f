#include "backend/choices.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *setting(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : NULL;
}

static int make_folder(char *path, struct err *err)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return 0;
    *slash = '\0';
    int code = file_make_folders(path, err);
    *slash = '/';
    return code;
}

int choices_path(const char *name, char **path, struct err *err)
{
    const char *file = setting("REPRO_PLANS"), *cache = setting("XDG_CACHE_HOME"),
               *home = setting("HOME");
    /* the specification ignores a relative one */
    cache = cache != NULL && cache[0] == '/' ? cache : NULL;
    char *found = NULL;
    if (file != NULL)
        found = mem_string(file, err);
    else if (cache != NULL)
        found = mem_format(err, "%s/repro/plans/%s.tsv", cache, name);
    else if (home != NULL)
        found = mem_format(err, "%s/.cache/repro/plans/%s.tsv", home, name);
    else
        return err_set(err, ERR_INPUT,
                       "--tune has no place to keep its plans: neither REPRO_PLANS nor "
                       "XDG_CACHE_HOME nor HOME is set; "
                       "set REPRO_PLANS to a file");
    int code = found == NULL ? ERR_MEMORY : make_folder(found, err);
    if (code != 0) {
        mem_free(found);
        return code;
    }
    *path = found;
    return 0;
}
