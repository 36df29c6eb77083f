#include "lab/execute.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "lab/session.h"
#include "results/manifest.h"
#include "results/runlog.h"
#include "train/checkpoint.h"
#include "train/trainer.h"
#include "train/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define CHOICES 65536 /* bytes of what a backend says of its layers */

struct execution {
    const struct session *session;
    struct run *run;
    struct session_device *device;
    const struct execute_options *options;
    struct net net; /* with the run's conventions */
    struct trainer *trainer;
    struct writer *writer; /* of checkpoints */
    struct runlog log;
    json_t *manifest;
    int lock;
    double epoch_began, training, evaluating, checkpointed; /* seconds */
    int64_t rows_before; /* of this epoch, trained in an earlier session */
};

static int lock_folder(struct execution *execution, struct err *err)
{
    char *path = mem_format(err, "%s/lock", execution->run->folder);
    if (path == NULL)
        return ERR_MEMORY;
    int code = 0;
    execution->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (execution->lock < 0)
        code = err_errno(err, errno, "%s: cannot be created", path);
    else if (flock(execution->lock, LOCK_EX | LOCK_NB) != 0)
        code = errno == EWOULDBLOCK
                   ? err_set(err, ERR_IO, "%s: another process is training this run", path)
                   : err_errno(err, errno, "%s: cannot be locked", path);
    mem_free(path);
    return code;
}

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

/* Takes up where the checkpoint stands; rows of the log beyond it are forgotten. */
static int resume(struct execution *execution, struct err *err)
{
    const struct run *run = execution->run;
    if (!file_exists(run->checkpoint_path))
        return 0;
    int code = checkpoint_load(execution->trainer, run->checkpoint_path, run->hash, err);
    const struct trainer_state *state = trainer_state(execution->trainer);
    if (code == 0 && state->epoch > 0)
        code = runlog_read(&execution->log, run->log_path, err);
    if (code != 0)
        return code;
    if (execution->log.count < (size_t)state->epoch)
        return err_set(
            err, ERR_INPUT,
            "%s: has %zu epochs where the checkpoint has %d; delete the folder to begin the "
            "run anew",
            run->log_path, execution->log.count, state->epoch);
    execution->log.count = (size_t)state->epoch;
    return 0;
}

/* Hands the state to the writer; a failure to write it comes with the next one, or at the end. */
static int save(struct execution *execution, struct err *err)
{
    const struct run *run = execution->run;
    struct checkpoint_image image = {0};
    execution->checkpointed = clock_seconds();
    int code = checkpoint_take(execution->trainer, run->checkpoint_path, run->hash, &image, err);
    return code == 0 ? writer_put(execution->writer, &image, err) : code;
}

static void tell(struct execution *execution, const struct trainer_score *score, int epoch_finished)
{
    const struct execute_options *options = execution->options;
    const struct trainer_state *state = trainer_state(execution->trainer);
    const struct schedule *schedule = &execution->run->schedule;
    if (options->progress == NULL)
        return;
    const struct runlog *log = &execution->log;
    double rows = (double)(state->rows - execution->rows_before);
    double speed = epoch_finished              ? log->rows[log->count - 1].images_per_second
                   : execution->training > 0.0 ? rows / execution->training
                                               : 0.0;
    double images = (double)(schedule_images(schedule) - state->images);
    struct execute_progress progress = {
        .run = execution->run,
        .epoch = epoch_finished ? state->epoch : state->epoch + 1,
        .update = state->update,
        .loss = score->loss,
        .train_accuracy = score->accuracy,
        .test_accuracy = log->count > 0 ? log->rows[log->count - 1].test_accuracy : -1.0,
        .images_per_second = speed,
        .epoch_finished = epoch_finished,
        .seconds_left = speed > 0.0 ? images / speed +
                                          execution->evaluating * (schedule->epochs - state->epoch)
                                    : 0.0,
    };
    options->progress(options->context, &progress);
}

/* Evaluates, logs and checkpoints the epoch that has just been trained. */
static int finish_epoch(struct execution *execution, struct err *err)
{
    struct trainer *trainer = execution->trainer;
    const struct schedule *schedule = &execution->run->schedule;
    const struct trainer_state *state = trainer_state(trainer);
    const struct phase *phase = schedule_at(schedule, state->epoch);
    double rows = (double)(state->rows - execution->rows_before), l2 = 0.0, began = clock_seconds();
    struct trainer_score train = trainer_end_epoch(trainer), test = {0};
    int code = trainer_evaluate(trainer, &test, err);
    if (code == 0)
        code = trainer_l2(trainer, &l2, err);
    if (code == 0 && (!isfinite(test.loss) || !isfinite(l2)))
        code = err_set(
            err, ERR_NOT_FINITE,
            "epoch %d of run '%s': the test loss is no finite number; the checkpoint before "
            "it is kept; lower the learning rate",
            state->epoch, execution->run->what->name);
    if (code != 0)
        return code;
    execution->evaluating = clock_seconds() - began;
    struct runlog_row row = {
        .epoch = state->epoch,
        .updates = state->update,
        .images = state->images,
        .lr = phase->lr,
        .batch = phase->batch,
        .momentum = phase->momentum,
        .noise_scale = noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch),
        .train_loss = train.loss,
        .train_loss_l2 = train.loss + l2,
        .train_accuracy = train.accuracy,
        .test_loss = test.loss,
        .test_accuracy = test.accuracy,
        .images_per_second = execution->training > 0.0 ? rows / execution->training : 0.0,
        .seconds = clock_seconds() - execution->epoch_began,
    };
    code = runlog_append(&execution->log, &row, err);
    if (code == 0)
        code = runlog_write(&execution->log, execution->run->log_path, err);
    if (code == 0)
        code = save(execution, err);
    if (code == 0)
        tell(execution, &train, 1);
    return code;
}

/* Updates until the epoch is done or the user wants to stop. */
static int train_epoch(struct execution *execution, struct err *err)
{
    const struct execute_options *options = execution->options;
    const struct trainer_state *state = trainer_state(execution->trainer);
    execution->epoch_began = clock_seconds();
    execution->training = 0.0;
    execution->rows_before = state->rows;
    while (!trainer_epoch_done(execution->trainer)) {
        double began = clock_seconds();
        int code = trainer_update(execution->trainer, err);
        if (code != 0)
            return code;
        execution->training += clock_seconds() - began;
        struct trainer_score score = {state->loss / (double)state->rows,
                                      (double)state->correct / (double)state->rows};
        if (state->rows > 0) /* losses may come back later */
            tell(execution, &score, 0);
        int stop = options->stop != NULL && options->stop(options->context);
        if (stop || clock_seconds() - execution->checkpointed > options->checkpoint_seconds) {
            code = save(execution, err);
            if (code != 0)
                return code;
        }
        if (stop)
            return err_set(err, ERR_STOPPED,
                           "stopped after update %" PRId64 " of run '%s'; the same command goes on "
                           "from there",
                           state->update, execution->run->what->name);
    }
    return finish_epoch(execution, err);
}

static int train(struct execution *execution, struct err *err)
{
    struct run *run = execution->run;
    char choices[CHOICES];
    int code = new_trainer(execution, err);
    if (code == 0)
        code = writer_new(&execution->writer, err);
    if (code == 0)
        code = resume(execution, err);
    if (code != 0)
        return code;
    const struct trainer_state *state = trainer_state(execution->trainer);
    code = trainer_describe(execution->trainer, choices, sizeof choices, err);
    if (code == 0) {
        struct manifest_session begun = {.commit = execution->options->commit,
                                         .version = execution->options->version,
                                         .choices = choices,
                                         .jobs = execution->session->jobs,
                                         .first_update = state->update};
        code = manifest_begin(run, &begun, &execution->manifest, err);
    }
    if (code == 0)
        code = manifest_write(run, execution->manifest, state->update, NULL, err);
    while (code == 0 && state->epoch < run->schedule.epochs)
        code = train_epoch(execution, err);
    struct err unwritten = {0};
    if (writer_wait(execution->writer, &unwritten) != 0 && (code == 0 || code == ERR_STOPPED)) {
        *err = unwritten; /* what was to be gone on from is not there */
        code = unwritten.code;
    }
    if (execution->manifest != NULL) {
        struct err second = {0}, *to = code == 0 ? err : &second;
        struct dataset_broken broken = dataset_broken(&execution->session->data);
        int written = manifest_note_broken(run, execution->manifest, broken.images, broken.rows,
                                           to);
        if (written == 0)
            written = manifest_write(run, execution->manifest, state->update,
                                     code == 0 ? &execution->log : NULL, to);
        code = code == 0 ? written : code;
    }
    if (code == 0)
        run->status = RUN_DONE;
    return code;
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
                                  .lock = -1,
                                  .checkpointed = clock_seconds()};
    int code = file_make_folders(run->folder, err);
    if (code == 0)
        code = lock_folder(&execution, err);
    if (code == 0) /* another process may have finished it since run_init() */
        code = manifest_status(run->manifest_path, run->hash, &run->status, err);
    if (code == 0 && run->status != RUN_DONE)
        code = train(&execution, err);
    writer_free(execution.writer);
    trainer_free(execution.trainer);
    net_release(&execution.net);
    runlog_release(&execution.log);
    json_decref(execution.manifest);
    if (execution.lock >= 0)
        close(execution.lock);
    return code;
}
