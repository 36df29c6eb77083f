#include "cli/command.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/installed.h"
#include "cli/say.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef REPRO_SHARE_DIR
#define REPRO_SHARE_DIR "/usr/local/share/repro"
#endif

const char *share_folder(void)
{
    static char *own; /* kept for all callers */
    const char *folder = getenv("REPRO_SHARE");
    if (folder != NULL && *folder != '\0')
        return folder;
    if (own == NULL)
        own = installed_find(REPRO_SHARE_DIR, NULL);
    return own == NULL ? REPRO_SHARE_DIR : own;
}

void report_slow(const char *backend, const struct repro_caps *caps, int precision)
{
    if (precision == 0)
        precision = REPRO_PRECISION_F32;
    if ((caps->slow_precisions >> precision & 1u) == 0)
        return;
    say_notice("%s's own choices are slow in %s; --tune chooses by trial: %.127s", backend,
               precision_name(precision), caps->slow);
}

int report_error(const struct err *err)
{
    int status = err->code == ERR_USAGE        ? EXIT_USAGE
                 : err->code == ERR_CANNOT_RUN ? EXIT_CANNOT_RUN
                                               : EXIT_FAILED;
    say_event("error", "{s:o, s:i}", "message", say_text(err->text), "status", status);
    fflush(stdout); /* so that the error comes last where both go to one place */
    fprintf(stderr, "repro: %s\n", err->text);
    return status;
}
