/* One update: the sum over its leaves, and one optimizer step. */
#include "base/err.h"
#include "train/trainer_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Running batch-norm statistics keep this much of themselves per 128 images: their time constant is
 * counted in images. */
#define KEEP_PER_128 0.9
/* By convention, this much an update: what TF-slim's Inception-ResNet-V2 is trained with
 * (batch_norm_decay of inception_resnet_v2_arg_scope). */
#define KEEP_PER_UPDATE 0.9997

/* Where the optimizer begins anew at a step: before the first update of every phase but the
 * first. */
static int reset_moments(struct trainer *trainer, const struct phase *phase, struct err *err)
{
    const struct trainer_state *state = &trainer->state;
    if (!trainer->config.schedule->conventions.reset_moments || phase->first_epoch == 0 ||
        state->epoch != phase->first_epoch || state->update_in_epoch != 0)
        return 0;
    memset(trainer->scratch, 0,
           (size_t)trainer->config.net->graph.param_count * sizeof *trainer->scratch);
    int code = 0;
    for (int arena = REPRO_ARENA_MOMENT1; arena <= REPRO_ARENA_MOMENT2 && code == 0; arena++)
        if (trainer_arenas(trainer) >> arena & 1)
            code = trainer_write(trainer, arena, trainer->scratch, err);
    return code;
}

/* The number of the next update, from 1, as the optimizer counts. */
static int64_t optimizer_update(const struct trainer *trainer, const struct phase *phase)
{
    const struct schedule *schedule = trainer->config.schedule;
    int64_t before = schedule->conventions.reset_moments
                         ? schedule_updates_before(schedule, phase->first_epoch)
                         : 0;
    return trainer->state.update - before + 1;
}

static struct repro_step make_step(const struct trainer *trainer, const struct phase *phase,
                                   int64_t rows)
{
    const struct trainer_config *config = &trainer->config;
    const struct schedule_conventions *conventions = &config->schedule->conventions;
    return (struct repro_step){
        .struct_size = sizeof(struct repro_step),
        .optimizer = config->schedule->optimizer,
        .lr = phase->lr,
        .momentum = phase->momentum,
        .beta1 = config->beta1,
        .beta2 = config->beta2,
        .epsilon = config->epsilon,
        .weight_decay = config->weight_decay,
        .update = optimizer_update(trainer, phase),
        .keep = conventions->running_per_update ? KEEP_PER_UPDATE
                                                : pow(KEEP_PER_128, (double)rows / 128.0),
        .ghosts = (rows + config->schedule->ghost - 1) / config->schedule->ghost,
        .flags = conventions->decay_weights ? REPRO_STEP_DECAY_WEIGHTS : 0,
    };
}

static int not_finite(const struct trainer *trainer, struct err *err)
{
    const struct trainer_state *state = &trainer->state;
    return err_set(err, ERR_NOT_FINITE,
                   "update %" PRId64 " (epoch %d): the training loss is no finite number; "
                   "the learning rate %g is too large for this network, or the data are damaged",
                   state->update + 1, state->epoch + 1,
                   schedule_at(trainer->config.schedule, state->epoch)->lr);
}

/* Moves the state `updates` updates on, or back. */
static void advance(struct trainer *trainer, int64_t updates)
{
    struct trainer_state *state = &trainer->state;
    int64_t back = updates < 0 ? -1 : 0, step = updates < 0 ? -1 : 1;
    for (; updates != 0; updates -= step) {
        state->images += step * schedule_rows(trainer->config.schedule, state->epoch,
                                              state->update_in_epoch + back);
        state->update += step;
        state->update_in_epoch += step;
    }
}

static void count(struct trainer *trainer, double loss, int64_t correct, int64_t rows)
{
    trainer->state.loss += loss;
    trainer->state.correct += correct;
    trainer->state.rows += rows;
}

int trainer_collect(struct trainer *trainer, int64_t least, struct err *err)
{
    struct repro_error error = {0};
    struct repro_history history = {.struct_size = sizeof history};
    if (trainer->unread == 0)
        return 0;
    if (trainer->config.backend->net_history(trainer->net, least, &history, &error) != 0)
        return trainer_failed(trainer, &error, err);
    for (int32_t i = 0; i < history.count; i++) {
        if (!isfinite(history.loss[i])) { /* nothing was changed from that update on */
            advance(trainer, -trainer->unread);
            trainer->unread -= history.count - i;
            while (trainer->unread > 0 && trainer->config.backend->net_history(
                                              trainer->net, trainer->unread, &history, &error) == 0)
                trainer->unread -= history.count;
            trainer->unread = 0;
            return not_finite(trainer, err);
        }
        count(trainer, history.loss[i], history.correct[i], history.rows[i]);
        trainer->unread--;
    }
    return 0;
}

int trainer_settle(struct trainer *trainer, struct err *err)
{
    return trainer_collect(trainer, trainer->unread, err);
}

/* An update that nobody waits for: the device looks at the loss itself. */
static int update_recorded(struct trainer *trainer, const struct reduction_cut *cut,
                           struct repro_step *step, struct err *err)
{
    struct repro_error error = {0};
    step->flags |= REPRO_STEP_RECORD;
    int code = trainer_sum_on_device(trainer, cut, err);
    if (code != 0)
        return code;
    if (trainer->config.backend->net_update(trainer->net, step, &error) != 0)
        return trainer_failed(trainer, &error, err);
    trainer->unread++;
    advance(trainer, 1);
    return trainer_collect(trainer,
                           trainer_epoch_done(trainer)        ? trainer->unread
                           : trainer->unread == REPRO_HISTORY ? 1
                                                              : 0,
                           err);
}

static int update_waited_for(struct trainer *trainer, const struct reduction_cut *cut,
                             const struct repro_step *step, struct err *err)
{
    struct repro_error error = {0};
    const struct partial *total = &trainer->sum.current;
    int code = trainer_settle(trainer, err);
    if (code == 0)
        code = trainer_shares(trainer) ? trainer_sum_among_ranks(trainer, cut, err)
                                       : trainer_sum_on_host(trainer, cut, err);
    if (code != 0)
        return code;
    if (!isfinite(total->loss))
        return not_finite(trainer, err);
    if (trainer->config.backend->net_update(trainer->net, step, &error) != 0)
        return trainer_failed(trainer, &error, err);
    advance(trainer, 1);
    count(trainer, total->loss, total->correct, total->rows);
    return 0;
}

int trainer_update(struct trainer *trainer, struct err *err)
{
    const struct trainer_state *state = &trainer->state;
    const struct schedule *schedule = trainer->config.schedule;
    const struct phase *phase = schedule_at(schedule, state->epoch);
    int64_t rows = schedule_rows(schedule, state->epoch, state->update_in_epoch);
    struct reduction_cut cut = reduction_cut(rows, trainer->config.micro, schedule->ghost,
                                             trainer->config.groups);
    struct repro_step step = make_step(trainer, phase, rows);
    int code = reset_moments(trainer, phase, err);
    if (code != 0)
        return code;
    if (trainer->records && cut.rest == 0 && (trainer->joins || cut.groups == 1) &&
        !trainer_shares(trainer))
        return update_recorded(trainer, &cut, &step, err);
    return update_waited_for(trainer, &cut, &step, err);
}
