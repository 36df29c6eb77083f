#include "data/home.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

static const char *setting(const char *name)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? text : NULL;
}

int data_home(char **path, struct err *err)
{
    const char *own = setting("REPRO_DATA_HOME"), *share = setting("XDG_DATA_HOME"),
               *home = setting("HOME");
    /* the specification ignores a relative one */
    share = share != NULL && share[0] == '/' ? share : NULL;
    char *found = NULL;
    if (own != NULL)
        found = mem_string(own, err);
    else if (share != NULL)
        found = mem_format(err, "%s/repro", share);
    else if (home != NULL)
        found = mem_format(err, "%s/.local/share/repro", home);
    else
        return err_set(err, ERR_INPUT,
                       "there is no data folder: neither REPRO_DATA_HOME nor XDG_DATA_HOME nor "
                       "HOME is set; name one with --data");
    if (found == NULL)
        return ERR_MEMORY;
    *path = found;
    return 0;
}
