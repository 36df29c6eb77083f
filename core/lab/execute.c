/* A run's life: its folder, what is there already, its manifest.  Among ranks only the first has
 * them; where one step may fail on one rank alone, all agree before the next. */
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/execute_parts.h"
#include "lab/session.h"
#include "results/manifest.h"
#include "train/checkpoint.h"

#include <string.h>
#define CHOICES 65536 /* bytes of what a backend says of its layers */

static int new_trainer(struct execution *execution, struct err *err)
{
    const struct run *run = execution->run;
    const struct session *session = execution->session;
    struct trainer_config config = {
        .backend = &session->backend,
        .device = execution->device->device,
        .net = &execution->net,
        .data = &session->data,
        .resident = &execution->device->resident,
        .schedule = &run->schedule,
        .ranks = session->ranks,
        .seed = run->seed,
        .precision = run->facts->backend.precision,
        .micro = run->micro,
        .groups = session->experiment->groups,
        .evaluates = 1,
        .weight_decay = run->what->weight_decay,
        .beta1 = run->what->beta1,
        .beta2 = run->what->beta2,
        .epsilon = run->what->epsilon,
    };
    int code = session_network(session, &run->schedule.conventions, &execution->net, err);
    if (code == 0)
        code = session_device_place(session, execution->device, err);
    return code == 0 ? trainer_new(&config, &execution->trainer, err) : code;
}

/* The log's rows of the epochs that the checkpoint has finished are those that it was written with;
 * rows beyond them are forgotten, since those epochs are trained again. */
static int take_log(struct execution *execution, size_t epochs, const char *wanted, struct err *err)
{
    const char *path = execution->run->log_path;
    char digest[DIGEST_TEXT] = "";
    int code = runlog_read_first(&execution->log, path, epochs, err);
    if (code == 0 && execution->log.count < epochs)
        code = err_set(err, ERR_INPUT,
                       "%s: has %zu epochs where the checkpoint has %zu; put back a copy, or "
                       "delete the folder to begin the run anew",
                       path, execution->log.count, epochs);
    if (code == 0 && wanted[0] != '\0')
        code = runlog_digest_timeless(&execution->log, epochs, digest, err);
    if (code == 0 && wanted[0] != '\0' && strcmp(digest, wanted) != 0)
        code = err_set(err, ERR_INPUT,
                       "%s: damaged: its first %zu epochs are not those of the checkpoint, by the "
                       "digest in there; put back a copy, or delete the folder to begin the run "
                       "anew",
                       path, epochs);
    return code;
}

/* Takes up where the checkpoint stands. */
static int resume(struct execution *execution, struct err *err)
{
    const struct run *run = execution->run;
    struct checkpoint_marks marks = {0};
    if (!execution->is_first || !file_exists(run->checkpoint_path))
        return 0;
    int code = checkpoint_load(execution->trainer, run->checkpoint_path, run->hash, &marks, err);
    if (code != 0)
        return code;
    memcpy(execution->checkpoint, marks.digest, sizeof marks.digest);
    size_t epochs = (size_t)trainer_state(execution->trainer)->epoch;
    return epochs == 0 ? 0 : take_log(execution, epochs, marks.log, err);
}

/* Opens the manifest of this start. */
static int begin_manifest(struct execution *execution, struct err *err)
{
    char choices[CHOICES];
    int64_t update = trainer_state(execution->trainer)->update;
    int code = trainer_describe(execution->trainer, choices, sizeof choices, err);
    if (code != 0)
        return code;
    struct manifest_session begun = {
        .commit = execution->options->commit,
        .version = execution->options->version,
        .choices = choices,
        .jobs = execution->session->jobs,
        .ranks = ranks_are_several(execution->ranks) ? execution->ranks->count : 1,
        .first_update = update,
        .noise_every = execution->measuring.plan.every,
        .noise_epochs = execution->measuring.plan.epochs,
        .noise_ghosts = execution->measuring.plan.ghosts};
    code = manifest_begin(execution->run, &begun, &execution->manifest, err);
    return code == 0 ? manifest_write(execution->run, execution->manifest, update, NULL, err)
                     : code;
}

/* Closes it, with the run's log where it is done.  Of ranks the first counts its own images. */
static int end_manifest(struct execution *execution, int done, struct err *err)
{
    struct dataset_broken broken = dataset_broken(&execution->session->data);
    int code = manifest_note_broken(execution->run, execution->manifest, broken.images, broken.rows,
                                    err);
    if (code == 0 && done)
        code = manifest_set_checkpoint(execution->run, execution->manifest, execution->checkpoint,
                                       err);
    return code != 0 ? code
                     : manifest_write(execution->run, execution->manifest,
                                      trainer_state(execution->trainer)->update,
                                      done ? &execution->log : NULL, err);
}

/* Where all ranks end together, done or stopped, the manifest says what they have sent. */
static int note_traffic(struct execution *execution, struct err *err)
{
    struct ranks_traffic traffic = {0};
    int code = trainer_traffic(execution->trainer, &traffic, err);
    if (code == 0 && ranks_are_several(execution->ranks) && execution->is_first)
        code = manifest_set_traffic(execution->run, execution->manifest, traffic.messages,
                                    traffic.bytes, err);
    return code;
}

static int begin_training(struct execution *execution, struct err *err)
{
    int code = new_trainer(execution, err);
    if (code == 0)
        code = writer_new(&execution->writer, err);
    if (code == 0)
        code = resume(execution, err);
    if (code == 0 && execution->is_first && execution->options->measuring.on)
        code = measuring_init(&execution->measuring, &execution->options->measuring,
                              execution->trainer, execution->run->folder, err);
    if (code == 0 && execution->is_first)
        code = begin_manifest(execution, err);
    code = ranks_agree(execution->ranks, code, err);
    return code == 0 ? trainer_spread(execution->trainer, err) : code;
}

/* What may end a run on all ranks at the same update. */
static int is_common(int code)
{
    return code == 0 || code == ERR_STOPPED || code == ERR_NOT_FINITE;
}

/* Behind the last update of this start, which ended with `code`. */
static int end_training(struct execution *execution, int code, struct err *err)
{
    int common = is_common(code);
    struct err unwritten = {0}, second;
    if (execution->writer != NULL && writer_wait(execution->writer, &unwritten) != 0 &&
        (code == 0 || code == ERR_STOPPED)) {
        *err = unwritten; /* what was to be gone on from is not there */
        code = unwritten.code;
    }
    if (common)
        code = ranks_agree(execution->ranks, code, err);
    if (common && is_common(code) && note_traffic(execution, &second) != 0) {
        *err = second;
        code = second.code;
    }
    if (execution->manifest != NULL) {
        int written = end_manifest(execution, code == 0, code == 0 ? err : &second);
        code = code == 0 ? written : code;
    }
    return common && code != ERR_RANK ? ranks_agree(execution->ranks, code, err) : code;
}

static int train(struct execution *execution, struct err *err)
{
    struct run *run = execution->run;
    int code = begin_training(execution, err);
    while (code == 0 && trainer_state(execution->trainer)->epoch < run->schedule.epochs)
        code = execution_epoch(execution, err);
    code = end_training(execution, code, err);
    if (code == 0)
        run->status = RUN_DONE;
    return code;
}

/* Makes the folder, which is one process's at a time, and looks again at what is there: another
 * process may have finished the run since run_init(). */
static int enter_folder(struct execution *execution, struct err *err)
{
    struct run *run = execution->run;
    int code = file_make_folders(run->folder, err);
    if (code == 0)
        code = run_lock_take(&execution->lock, run->folder, execution->options->command, err);
    return code == 0 ? manifest_status(run->manifest_path, run->hash, &run->status, err) : code;
}

int execute_run(const struct session *session, struct run *run, struct session_device *device,
                const struct execute_options *options, struct err *err)
{
    if (run->status == RUN_DONE)
        return 0;
    struct execution execution = {.session = session,
                                  .run = run,
                                  .device = device,
                                  .options = options,
                                  .ranks = session->ranks,
                                  .is_first = ranks_is_first(session->ranks),
                                  .lock = RUN_LOCK_NONE,
                                  .checkpointed = clock_seconds()};
    int code = execution.is_first ? enter_folder(&execution, err) : 0;
    code = ranks_agree(session->ranks, code, err);
    if (code == 0)
        code = ranks_tell(session->ranks, 0, &run->status, sizeof run->status, err);
    if (code == 0 && run->status != RUN_DONE)
        code = train(&execution, err);
    writer_free(execution.writer);
    measuring_release(&execution.measuring);
    trainer_free(execution.trainer);
    net_release(&execution.net);
    runlog_release(&execution.log);
    json_decref(execution.manifest);
    run_lock_release(&execution.lock);
    return code;
}
