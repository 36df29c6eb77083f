/* One update: groups of micros, the fixed tree over their sums, one optimizer step. */
#include "base/err.h"
#include "train/trainer_parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Running batch-norm statistics keep this much of themselves per 128 images: their time constant is
 * counted in images. */
#define KEEP_PER_128 0.9

/* Forward and backward over the micros of one group, into `net`. */
static int32_t compute_group(struct trainer *trainer, struct repro_net *net, int64_t batch,
                             struct row_span micros, struct repro_error *error)
{
    const struct trainer_config *config = &trainer->config;
    const struct repro_backend *backend = config->backend;
    int32_t code = backend->net_zero(net, error);
    for (int64_t i = micros.first; code == 0 && i < micros.first + micros.count; i++) {
        struct prefetch_place place = {trainer->state.epoch, trainer->state.update_in_epoch, i};
        const struct prefetch_rows *ready = prefetch_take(trainer->ahead, place);
        struct repro_rows rows = {.struct_size = sizeof rows,
                                  .mode = REPRO_MODE_TRAIN,
                                  .count = ready->count,
                                  .pixels = ready->pixels,
                                  .labels = ready->labels,
                                  .image = ready->image,
                                  .seed = config->seed,
                                  .epoch = (uint32_t)trainer->state.epoch,
                                  .data = ready->crops != NULL ? config->resident->train : NULL,
                                  .crops = ready->crops};
        code = backend->net_forward(net, &rows, error);
        if (code == 0)
            code = backend->net_backward(net, 1.0 / (double)batch, error);
    }
    return code;
}

/* How an update's sums come together. */
struct cut {
    int64_t batch, rest; /* rows; those beyond whole ghosts */
    int64_t micros, groups;
};

static struct cut cut_batch(const struct trainer *trainer, int64_t batch)
{
    struct cut cut = {.batch = batch, .rest = batch % trainer->config.schedule->ghost};
    cut.micros = reduction_micros(batch - cut.rest, trainer->config.micro);
    cut.groups = reduction_groups(cut.micros, trainer->config.groups);
    return cut;
}

/* The tree over the groups, where they were computed: PARTIAL and the metrics become the sum. */
static int32_t compute_joined(struct trainer *trainer, const struct cut *cut,
                              struct repro_error *error)
{
    const struct repro_backend *backend = trainer->config.backend;
    int32_t code = 0;
    for (int64_t g = 0; code == 0 && g < cut->groups; g++) {
        int slot = reduction_joins(g), last = g == cut->groups - 1;
        code = compute_group(trainer, trainer->net, cut->batch,
                             reduction_deal(cut->micros, cut->groups, g), error);
        for (int k = 0; code == 0 && k < slot; k++)
            code = backend->net_join(trainer->net, k, error);
        if (code == 0 && !last)
            code = backend->net_keep(trainer->net, slot, error);
        for (int k = slot + 1; code == 0 && last && k < trainer->sum.levels; k++)
            if (cut->groups >> k & 1)
                code = backend->net_join(trainer->net, k, error);
    }
    return code;
}

/* One leaf of the tree: the group's metrics, and its PARTIAL where there are more leaves than
 * this. */
static int32_t compute_leaf(struct trainer *trainer, struct repro_net *net, int64_t batch,
                            struct row_span micros, int alone, struct repro_error *error)
{
    const struct repro_backend *backend = trainer->config.backend;
    struct repro_metrics metrics = {.struct_size = sizeof metrics};
    struct partial *leaf = &trainer->sum.spare;
    int32_t code = compute_group(trainer, net, batch, micros, error);
    if (code == 0)
        code = backend->net_metrics(net, &metrics, error);
    leaf->loss = metrics.loss;
    leaf->correct = metrics.correct;
    leaf->rows = metrics.rows;
    if (code == 0 && !alone)
        code = backend->net_read(net, REPRO_ARENA_PARTIAL, 0, trainer->sum.count, leaf->values,
                                 error);
    return code;
}

/* The rows beyond whole ghosts, micro `micro` of the update, with the weights as they are. */
static int32_t compute_rest(struct trainer *trainer, int64_t batch, int64_t micro,
                            struct repro_error *error)
{
    const struct repro_backend *backend = trainer->config.backend;
    int64_t count = trainer->config.net->graph.param_count;
    int32_t code = backend->net_read(trainer->net, REPRO_ARENA_PARAM, 0, count, trainer->arena,
                                     error);
    if (code == 0)
        code = backend->net_write(trainer->rest, REPRO_ARENA_PARAM, 0, count, trainer->arena,
                                  error);
    if (code == 0)
        code = compute_leaf(trainer, trainer->rest, batch, (struct row_span){micro, 1}, 0, error);
    return code;
}

/* The batch's sums: into PARTIAL, and the metrics into *total. */
static int32_t compute_batch(struct trainer *trainer, const struct cut *cut, struct partial *total,
                             struct repro_error *error)
{
    int alone = cut->groups == 1 && cut->rest == 0;
    int32_t code = 0;
    reduction_start(&trainer->sum);
    for (int64_t g = 0; code == 0 && g < cut->groups; g++) {
        code = compute_leaf(trainer, trainer->net, cut->batch,
                            reduction_deal(cut->micros, cut->groups, g), alone, error);
        if (alone) {
            *total = trainer->sum.spare; /* PARTIAL already is the sum */
            return code;
        }
        if (code == 0)
            reduction_push(&trainer->sum);
    }
    if (code == 0 && cut->rest > 0) {
        code = compute_rest(trainer, cut->batch, cut->micros, error);
        if (code == 0)
            reduction_push(&trainer->sum);
    }
    if (code != 0)
        return code;
    *total = *reduction_finish(&trainer->sum);
    return trainer->config.backend->net_write(trainer->net, REPRO_ARENA_PARTIAL, 0,
                                              trainer->sum.count, total->values, error);
}

/* Where the optimizer begins anew at a step: before the first update of every phase but the
 * first. */
static int reset_moments(struct trainer *trainer, const struct phase *phase, struct err *err)
{
    const struct trainer_state *state = &trainer->state;
    if (!trainer->config.schedule->conventions.reset_moments || phase->first_epoch == 0 ||
        state->epoch != phase->first_epoch || state->update_in_epoch != 0)
        return 0;
    memset(trainer->arena, 0,
           (size_t)trainer->config.net->graph.param_count * sizeof *trainer->arena);
    int code = 0;
    for (int arena = REPRO_ARENA_MOMENT1; arena <= REPRO_ARENA_MOMENT2 && code == 0; arena++)
        if (trainer_arenas(trainer) >> arena & 1)
            code = trainer_write(trainer, arena, trainer->arena, err);
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
        .keep = pow(KEEP_PER_128, (double)rows / 128.0),
        .ghosts = (rows + config->schedule->ghost - 1) / config->schedule->ghost,
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
static int update_recorded(struct trainer *trainer, const struct cut *cut, struct repro_step *step,
                           struct err *err)
{
    struct repro_error error = {0};
    step->flags = REPRO_STEP_RECORD;
    if (compute_joined(trainer, cut, &error) != 0 ||
        trainer->config.backend->net_update(trainer->net, step, &error) != 0)
        return trainer_failed(trainer, &error, err);
    trainer->unread++;
    advance(trainer, 1);
    return trainer_collect(trainer,
                           trainer_epoch_done(trainer)        ? trainer->unread
                           : trainer->unread == REPRO_HISTORY ? 1
                                                              : 0,
                           err);
}

static int update_waited_for(struct trainer *trainer, const struct cut *cut,
                             const struct repro_step *step, struct err *err)
{
    struct repro_error error = {0};
    struct partial total;
    int code = trainer_settle(trainer, err);
    if (code != 0)
        return code;
    if (compute_batch(trainer, cut, &total, &error) != 0)
        return trainer_failed(trainer, &error, err);
    if (!isfinite(total.loss))
        return not_finite(trainer, err);
    if (trainer->config.backend->net_update(trainer->net, step, &error) != 0)
        return trainer_failed(trainer, &error, err);
    advance(trainer, 1);
    count(trainer, total.loss, total.correct, total.rows);
    return 0;
}

int trainer_update(struct trainer *trainer, struct err *err)
{
    const struct trainer_state *state = &trainer->state;
    const struct schedule *schedule = trainer->config.schedule;
    const struct phase *phase = schedule_at(schedule, state->epoch);
    int64_t rows = schedule_rows(schedule, state->epoch, state->update_in_epoch);
    struct cut cut = cut_batch(trainer, rows);
    struct repro_step step = make_step(trainer, phase, rows);
    int code = reset_moments(trainer, phase, err);
    if (code != 0)
        return code;
    if (trainer->records && cut.rest == 0 && (trainer->joins || cut.groups == 1))
        return update_recorded(trainer, &cut, &step, err);
    return update_waited_for(trainer, &cut, &step, err);
}
