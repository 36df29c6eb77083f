#include "cli/run_id.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"

#include <string.h>

/* Cuts the last part off; NULL where there is none. */
static char *last_part(char *text)
{
    char *slash = strrchr(text, '/');
    if (slash == NULL)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

int run_id_parse(char *text, const char *command, struct run_id *id, struct err *err)
{
    char *given = mem_string(text, err);
    const char *end = NULL;
    if (given == NULL)
        return ERR_MEMORY;
    char *seed = last_part(text), *name = seed == NULL ? NULL : last_part(text),
         *profile = name == NULL ? NULL : last_part(text);
    int64_t value = 0;
    int code = 0;
    if (profile == NULL || *text == '\0' || !number_whole(seed, &value, &end) || *end != '\0' ||
        value < 1)
        code = err_set(err, ERR_USAGE, "%s: '%s' is no run's id: " RUN_ID_USAGE, command, given);
    else
        *id = (struct run_id){text, profile, name, (uint64_t)value};
    mem_free(given);
    return code;
}
