/* manifest.h -- manifest.json of a run: what it is, where and with what it was computed, how it
 * ended.
 *
 *   run, title, figure, profile   names, for people: those of the figure that trained it first
 *   also                          "figure3/momentum-hybrid": names that other figures have for it
 *   identity, identity_hash       what makes it this run and no other
 *   own_files                     where files of the data set are not those that its name stands
 *                                 for: how many
 *   status                        "running" or "done"
 *   planned_updates               by the schedule
 *   sessions                      one entry a start: times, source commit, versions, host, updates
 *                                 from and to, peak memory of the process in bytes, how many runs
 *                                 it trained at a time where not one, how many ranks shared each
 *                                 update where not one, how its noise was measured
 *                                 where it was, and at the end the messages and bytes that
 *                                 they sent for updates, whether algorithms were
 *                                 chosen by trial, and what the backend chose for each layer, where
 *                                 it says; where the process found broken images and went on
 *                                 without them, how many, and how many rows were another image's
 *                                 A run that is started thousands of times has its older sessions
 *                                 made one, which says how many starts it stands for
 *   result                        when done: updates, final and best test accuracy, training
 *                                 seconds
 *   digests                       when done: of log.tsv and checkpoint.safetensors
 *   digest                        of all that stands before it (seal.h)
 *
 * So the three files of a run that is done vouch for each other.  A run that is not done has its
 * digests where they move with it, in the checkpoint: that of the log of its finished epochs
 * (train/checkpoint.h, and what a kill leaves is told in lab/execute_epoch.c).  Manifests of format
 * 1 were made before there were digests, and are read as they are. */
#ifndef RESULTS_MANIFEST_H
#define RESULTS_MANIFEST_H

#include "results/run.h"

struct err;
struct runlog;

/* A run's status from its manifest; RUN_NEW when there is none.  ERR_INPUT when the file is damaged
 * or of another identity. */
int manifest_status(const char *path, const char *hash, enum run_status *status, struct err *err);

/* Reads a manifest whatever its identity; *manifest is released with json_decref().  ERR_IO, or
 * ERR_INPUT when it is damaged. */
int manifest_read(const char *path, json_t **manifest, struct err *err);

/* The digest of "log" or "checkpoint", NULL where the manifest says none. */
const char *manifest_digest(const json_t *manifest, const char *what);

/* 1 when it says that the run is done. */
int manifest_is_done(const json_t *manifest);

/* 1 when the manifest is of the run that a figure knows by this name; NULL: by any. */
int manifest_is_named(const json_t *manifest, const char *figure, const char *run);

/* Notes the run's name in the manifest of a run that is done, where it is not there yet. */
int manifest_add_name(const struct run *run, struct err *err);

/* What a start adds. */
struct manifest_session {
    const char *commit, *version; /* the program's */
    const char *choices;          /* one line a choice, or empty */
    int jobs;                     /* runs trained at a time */
    int ranks;                    /* that shared each update */
    int64_t first_update;
    /* of the noise, where it is measured: updates between two measurements or, where 0, epochs;
     * ghosts of each, 0: it is not */
    int64_t noise_every, noise_epochs, noise_ghosts;
};

/* Begins a session: reads the old manifest or makes a new one, appends an entry; *manifest is
 * released with json_decref().  ERR_INPUT when a tuned run goes on with other choices than those of
 * a session of which updates were kept. */
int manifest_begin(const struct run *run, const struct manifest_session *session, json_t **manifest,
                   struct err *err);

/* Notes in the session how many broken images the process found and how many rows it replaced by
 * another image's; nothing where there is none. */
int manifest_note_broken(const struct run *run, json_t *manifest, int64_t images, int64_t rows,
                         struct err *err);

/* Notes what a session's ranks have sent for updates, for the next manifest_write(). */
int manifest_set_traffic(const struct run *run, json_t *manifest, int64_t messages, int64_t bytes,
                         struct err *err);

/* Notes the digest of the checkpoint with which the run ends, for the next manifest_write(). */
int manifest_set_checkpoint(const struct run *run, json_t *manifest, const char *digest,
                            struct err *err);

/* Writes the manifest with the session's last update; log is NULL while running, the complete log
 * when done. */
int manifest_write(const struct run *run, json_t *manifest, int64_t last_update,
                   const struct runlog *log, struct err *err);

#endif
