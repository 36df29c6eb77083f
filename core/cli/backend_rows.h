/* backend_rows.h -- the options that choose how the arithmetic is done, shared by the commands that
 * open a backend.  The struct they are read into has these fields; 0 and NULL mean default. */
#ifndef CLI_BACKEND_ROWS_H
#define CLI_BACKEND_ROWS_H

#include "backend/names.h"
#include "cli/options.h"

#define BACKEND_THREADS_MAX 4096

/* threads_help: what the number of threads is by default, which hangs on the command. */
#define BACKEND_ROWS(type, threads_help)                                                        \
    {.name = "backend",                                                                         \
     .letter = 'b',                                                                             \
     .argument = "NAME",                                                                        \
     .help = "plugin that does the arithmetic, by name or path (default: $REPRO_BACKEND, else " \
             "onednn, else openblas)",                                                          \
     .kind = OPTION_TEXT,                                                                       \
     .offset = offsetof(type, backend)},                                                        \
        {.name = "precision",                                                                   \
         .letter = 'P',                                                                         \
         .argument = "NAME",                                                                    \
         .help = "f32, tf32 or bf16 (default: f32)",                                            \
         .kind = OPTION_CHOICE,                                                                 \
         .offset = offsetof(type, precision),                                                   \
         .names = precision_names,                                                              \
         .name_count = PRECISION_COUNT},                                                        \
        {.name = "threads",                                                                     \
         .letter = 't',                                                                         \
         .argument = "N",                                                                       \
         .help = threads_help,                                                                  \
         .kind = OPTION_INT,                                                                    \
         .offset = offsetof(type, threads),                                                     \
         .low = 1,                                                                              \
         .high = BACKEND_THREADS_MAX},                                                          \
        {.name = "allow-nondeterministic",                                                      \
         .help = "let the backend choose algorithms whose bits differ from run to run",         \
         .kind = OPTION_FLAG,                                                                   \
         .offset = offsetof(type, allow_nondeterministic)},                                     \
    {                                                                                           \
        .name = "tune",                                                                         \
        .help = "let the backend choose algorithms by trial, once a device; kept in "           \
                "$REPRO_PLANS, else the cache folder",                                          \
        .kind = OPTION_FLAG, .offset = offsetof(type, tune)                                     \
    }

#endif
