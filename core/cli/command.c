#include "cli/command.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/place.h"

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
        own = place_find(REPRO_SHARE_DIR, NULL);
    return own == NULL ? REPRO_SHARE_DIR : own;
}

void report_slow(const char *backend, const struct repro_caps *caps, int precision)
{
    if (precision == 0)
        precision = REPRO_PRECISION_F32;
    if ((caps->slow_precisions >> precision & 1u) == 0)
        return;
    fflush(stdout);
    fprintf(stderr, "repro: %s's own choices are slow in %s; --tune chooses by trial: %.127s\n",
            backend, precision_name(precision), caps->slow);
}

int report_error(const struct err *err)
{
    fflush(stdout); /* so that the error comes last where both go to one place */
    fprintf(stderr, "repro: %s\n", err->text);
    switch (err->code) {
    case ERR_USAGE:
        return EXIT_USAGE;
    case ERR_CANNOT_RUN:
        return EXIT_CANNOT_RUN;
    default:
        return EXIT_FAILED;
    }
}
