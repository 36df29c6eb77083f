/* manifest.h -- manifest.json of a run: what it is, where and with what it was computed, how it
 * ended.
 *
 *   run, title, figure, profile   names, for people: those of the figure that trained it first
 *   also                          "figure3/momentum-hybrid": names that other figures have for it
 *   identity, identity_hash       what makes it this run and no other
 *   status                        "running" or "done"
 *   planned_updates               by the schedule
 *   sessions                      one entry a start: times, source commit, versions, host, updates
 *                                 from and to, peak memory of
 *                                 the process in bytes, how many runs it trained at a time where
 *                                     not one, and what the
 *                                 backend chose for each layer, where it says
 *   result                        when done: updates, final and best test accuracy, training
 *                                 seconds */
#ifndef LAB_MANIFEST_H
#define LAB_MANIFEST_H

#include "lab/run.h"

struct err;
struct runlog;

/* A run's status from its manifest; RUN_NEW when there is none.  ERR_INPUT when the file is damaged
 * or of another identity. */
int manifest_status(const char *path, const char *hash, enum run_status *status, struct err *err);

/* Reads a manifest whatever its identity; *manifest is released with json_decref().  ERR_IO, or
 * ERR_INPUT when it is damaged. */
int manifest_read(const char *path, json_t **manifest, struct err *err);

/* Hands every manifest under OUT/runs that can be read to `visit`, with its folder, and stops at
 * the first code that is not 0.  Damaged ones are passed over: whoever owns one says so. */
typedef int manifest_visit(void *context, const char *folder, const json_t *manifest,
                           struct err *err);
int manifest_each(const char *out, manifest_visit *visit, void *context, struct err *err);

/* 1 when the manifest is of the run that an experiment knows by this name. */
int manifest_is_named(const json_t *manifest, const char *figure, const char *run);
/* Notes the run's name in the manifest of a run that is done, where it is not there yet. */
int manifest_add_name(const struct run *run, struct err *err);

/* Begins a session: reads the old manifest or makes a new one, appends an entry; *manifest is
 * released with json_decref().  `commit` and `version` are the program's; choices has one line per
 * choice, or is empty.  ERR_INPUT when a tuned run goes on with other choices than those of a
 * session of which updates were kept. */
int manifest_begin(const struct run *run, const char *commit, const char *version,
                   const char *choices, int64_t first_update, json_t **manifest, struct err *err);

/* Writes the manifest with the session's last update; log is NULL while running, the complete log
 * when done. */
int manifest_write(const struct run *run, json_t *manifest, int64_t last_update,
                   const struct runlog *log, struct err *err);

#endif
