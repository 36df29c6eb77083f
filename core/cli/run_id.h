/* run_id.h -- how a run is named on the command line: FIGURE/PROFILE/RUN/SEED, as `repro runs`
 * prints it. */
#ifndef CLI_RUN_ID_H
#define CLI_RUN_ID_H

#include <stdint.h>

struct err;

#define RUN_ID_USAGE "an id is FIGURE/PROFILE/RUN/SEED, as `repro runs FIGURE` prints them"

/* What an id says; figure, profile and name point into the text that it was read from. */
struct run_id {
    const char *figure, *profile, *name;
    uint64_t seed;
};

/* Reads a text, which is cut up.  ERR_USAGE, for the command of that name, where it is no id. */
int run_id_parse(char *text, const char *command, struct run_id *id, struct err *err);

#endif
