#include "cli/command.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef REPRO_SHARE_DIR
#define REPRO_SHARE_DIR "/usr/local/share/repro"
#endif

const char *share_folder(void)
{
    const char *folder = getenv("REPRO_SHARE");
    return folder != NULL && *folder != '\0' ? folder : REPRO_SHARE_DIR;
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
