/* An epoch: updates, evaluation, a row of the log, checkpoints.
 *
 * What a kill leaves.  Each file is replaced whole or not at all, and the three in this order:
 *
 *   1. manifest.json, status "running", before the first update of a start;
 *   2. after every epoch log.tsv, with one row more than before;
 *   3. then the checkpoint, by the writer's thread, one at a time; also between epochs.  In it is
 *      the digest of the log's rows of its finished epochs, but for their times: a
 *      checkpoint has the same bytes whenever it is made;
 *   4. when the last checkpoint is on the disk, manifest.json, status "done", with the digests of
 *      log and checkpoint.
 *
 * So the log is never behind the checkpoint.  It may be ahead by one epoch, or by two where the
 * checkpoint of the epoch before is still on its way.  Rows are only added: the rows of the
 * checkpoint's epochs are the log's first ones, and their digest is the checkpoint's, at any
 * moment.  A resumed run holds them against it, forgets the rows beyond, and trains those epochs
 * again to the same bits.  Killed between 3 and 4 it finds every epoch done and only writes the
 * manifest. */
#include "base/clock.h"
#include "base/err.h"
#include "lab/execute_parts.h"
#include "lab/session.h"
#include "train/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Hands the state to the writer; a failure to write it comes with the next one, or at the end. */
static int save(struct execution *execution, const struct writer_note *note, struct err *err)
{
    const struct run *run = execution->run;
    struct checkpoint_image image = {0};
    char log[DIGEST_TEXT];
    execution->checkpointed = clock_seconds();
    int code = runlog_digest_timeless(&execution->log, execution->log.count, log, err);
    if (code == 0)
        code = checkpoint_take(execution->trainer, run->checkpoint_path, run->hash, log, &image,
                               err);
    if (code != 0)
        return code;
    memcpy(execution->checkpoint, image.digest, sizeof image.digest);
    return writer_put(execution->writer, &image, note, err);
}

static struct execute_progress where(const struct execution *execution,
                                     const struct trainer_score *score, int epoch_finished)
{
    const struct trainer_state *state = trainer_state(execution->trainer);
    const struct schedule *schedule = &execution->run->schedule;
    const struct runlog *log = &execution->log;
    double rows = (double)(state->rows - execution->rows_before);
    double speed = epoch_finished              ? log->rows[log->count - 1].images_per_second
                   : execution->training > 0.0 ? rows / execution->training
                                               : 0.0;
    double images = (double)(schedule_images(schedule) - state->images);
    return (struct execute_progress){
        .run = execution->run,
        .epoch = epoch_finished ? state->epoch : state->epoch + 1,
        .update = state->update,
        .images = state->images,
        .loss = score->loss,
        .train_accuracy = score->accuracy,
        .test_accuracy = log->count > 0 ? log->rows[log->count - 1].test_accuracy : -1.0,
        .images_per_second = speed,
        .seconds_left = speed > 0.0 ? images / speed +
                                          execution->evaluating * (schedule->epochs - state->epoch)
                                    : 0.0,
    };
}

/* To the caller, and into the lock for whoever asks from elsewhere. */
static void tell(struct execution *execution, const struct trainer_score *score)
{
    const struct execute_options *options = execution->options;
    if (!execution->is_first)
        return;
    struct execute_progress progress = where(execution, score, 0);
    struct run_place place = {.epoch = progress.epoch,
                              .update = progress.update,
                              .images_per_second = progress.images_per_second,
                              .seconds_left = progress.seconds_left};
    run_lock_note(&execution->lock, &place);
    if (options->progress != NULL)
        options->progress(options->context, &progress);
}

/* By the writer's thread. */
static void tell_kept(void *context)
{
    const struct kept_epoch *kept = context;
    kept->options->epoch(kept->options->context, &kept->progress);
}

/* The checkpoint of an epoch, which is told when it is on the disk.  Of two epochs in a row the
 * first is told before the second is handed over, so that two places are enough. */
static int save_epoch(struct execution *execution, const struct trainer_score *score,
                      struct err *err)
{
    struct kept_epoch *kept = &execution->kept[execution->log.count % 2];
    struct writer_note note = {.written = tell_kept, .context = kept};
    *kept = (struct kept_epoch){execution->options, where(execution, score, 1)};
    return save(execution, execution->options->epoch == NULL ? NULL : &note, err);
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
    int code = trainer_check_ranks(trainer, err);
    if (code == 0)
        code = trainer_evaluate(trainer, &test, err);
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
    if (execution->is_first) {
        code = runlog_append(&execution->log, &row, err);
        if (code == 0)
            code = runlog_write(&execution->log, execution->run->log_path, err);
        if (code == 0)
            code = save_epoch(execution, &train, err);
    }
    return ranks_agree(execution->ranks, code, err);
}

/* Whether the user wants to stop; ranks hear of it together, one update later. */
static int asks_stop(struct execution *execution, int *stop, struct err *err)
{
    const struct execute_options *options = execution->options;
    int asked = options->stop != NULL && options->stop(options->context);
    *stop = asked;
    if (!ranks_are_several(execution->ranks))
        return 0;
    *stop = execution->ranks->stopping;
    return asked && !*stop ? ranks_stop(execution->ranks, err) : 0;
}

/* One update.  Where a rank is lost the first one keeps what all have done together. */
static int update(struct execution *execution, struct err *err)
{
    int code = trainer_update(execution->trainer, err);
    struct err lost;
    if (code != ERR_RANK || !execution->is_first)
        return code;
    lost = *err;
    int kept = save(execution, NULL, err) == 0 && writer_wait(execution->writer, err) == 0;
    if (!kept)
        return err_set(err, ERR_RANK, "%s", lost.text);
    return err_set(err, ERR_RANK,
                   "%s; update %" PRId64 " of run '%s' is kept, and the same command goes on from "
                   "there on any number of ranks",
                   lost.text, trainer_state(execution->trainer)->update,
                   execution->run->what->name);
}

int execution_epoch(struct execution *execution, struct err *err)
{
    const struct execute_options *options = execution->options;
    const struct trainer_state *state = trainer_state(execution->trainer);
    execution->epoch_began = clock_seconds();
    execution->training = 0.0;
    execution->rows_before = state->rows;
    while (!trainer_epoch_done(execution->trainer)) {
        int stop = 0, code = measuring_look(&execution->measuring, execution->trainer, err);
        if (code != 0)
            return code;
        double began = clock_seconds();
        code = update(execution, err);
        if (code != 0)
            return code;
        execution->training += clock_seconds() - began;
        struct trainer_score score = {state->loss / (double)state->rows,
                                      (double)state->correct / (double)state->rows};
        if (state->rows > 0) /* losses may come back later */
            tell(execution, &score);
        code = asks_stop(execution, &stop, err);
        if (code != 0)
            return code;
        if (execution->is_first &&
            (stop || clock_seconds() - execution->checkpointed > options->checkpoint_seconds)) {
            code = save(execution, NULL, err);
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
