/* The sum over an update's leaves: the walk, read by the host or the device.  Ranks are the third
 * reader, in trainer_ranks.c. */
#include "base/err.h"
#include "train/trainer_parts.h"

/* Forward and backward of one micro, into `net`. */
static int compute_micro(struct trainer *trainer, struct repro_net *net, int64_t batch,
                         int64_t micro, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    struct prefetch_place place = {
        .epoch = trainer->state.epoch, .update = trainer->state.update_in_epoch, .micro = micro};
    struct repro_rows rows;
    struct repro_error error = {0};
    int code = trainer_rows(trainer, place, &rows, err);
    if (code != 0)
        return code;
    if (config->backend->net_forward(net, &rows, &error) != 0 ||
        config->backend->net_backward(net, 1.0 / (double)batch, &error) != 0)
        return trainer_failed(trainer, &error, err);
    return 0;
}

/* The sums of one leaf, into `net`. */
static int compute_leaf(struct trainer *trainer, struct repro_net *net,
                        const struct reduction_cut *cut, int64_t leaf, struct err *err)
{
    struct reduction_span micros = reduction_leaf(cut, leaf);
    struct repro_error error = {0};
    if (trainer->config.backend->net_zero(net, &error) != 0)
        return trainer_failed(trainer, &error, err);
    int code = 0;
    for (int64_t i = micros.first; code == 0 && i < micros.first + micros.count; i++) {
        ranks_tick(trainer->config.ranks);
        code = compute_micro(trainer, net, cut->rows, i, err);
    }
    return code;
}

int trainer_walk(struct trainer *trainer, const struct trainer_reader *reader,
                 const struct reduction_cut *cut, struct err *err)
{
    struct reduction_walk walk = reduction_walk(cut->leaves);
    struct reduction_step step;
    int code = 0;
    while (code == 0 && reduction_next(&walk, &step)) {
        if (step.op == REDUCTION_LEAF)
            code = reader->leaf(trainer, cut, &step, err);
        else if (step.op == REDUCTION_KEEP)
            code = reader->keep(trainer, cut, &step, err);
        else
            code = reader->join(trainer, cut, &step, err);
    }
    return code;
}

/* ---- The device's reader: the current sum is the net's PARTIAL and metrics ---- */

static int device_leaf(struct trainer *trainer, const struct reduction_cut *cut,
                       const struct reduction_step *step, struct err *err)
{
    return compute_leaf(trainer, trainer->net, cut, step->first, err);
}

static int device_keep(struct trainer *trainer, const struct reduction_cut *cut,
                       const struct reduction_step *step, struct err *err)
{
    struct repro_error error = {0};
    (void)cut;
    return trainer->config.backend->net_keep(trainer->net, step->slot, &error) == 0
               ? 0
               : trainer_failed(trainer, &error, err);
}

static int device_join(struct trainer *trainer, const struct reduction_cut *cut,
                       const struct reduction_step *step, struct err *err)
{
    struct repro_error error = {0};
    (void)cut;
    return trainer->config.backend->net_join(trainer->net, step->slot, &error) == 0
               ? 0
               : trainer_failed(trainer, &error, err);
}

static const struct trainer_reader by_device = {device_leaf, device_keep, device_join};

int trainer_sum_on_device(struct trainer *trainer, const struct reduction_cut *cut, struct err *err)
{
    return trainer_walk(trainer, &by_device, cut, err);
}

/* ---- The host's reader: the current sum is in struct reduction ---- */

/* A net that computes a single leaf holds the sum already, which is nobody else's. */
static int is_alone(const struct trainer *trainer, const struct reduction_cut *cut)
{
    return cut->leaves == 1 && cut->rest == 0 && !trainer_shares(trainer);
}

/* Gives the net of the rest the weights as they are. */
static int share_weights(struct trainer *trainer, struct err *err)
{
    const struct repro_backend *backend = trainer->config.backend;
    int64_t count = trainer->config.net->graph.param_count;
    struct repro_error error = {0};
    if (backend->net_read(trainer->net, REPRO_ARENA_PARAM, 0, count, trainer->scratch, &error) !=
            0 ||
        backend->net_write(trainer->rest, REPRO_ARENA_PARAM, 0, count, trainer->scratch, &error) !=
            0)
        return trainer_failed(trainer, &error, err);
    return 0;
}

int trainer_leaf(struct trainer *trainer, const struct reduction_cut *cut,
                 const struct reduction_step *step, struct err *err)
{
    const struct repro_backend *backend = trainer->config.backend;
    int is_rest = step->first == cut->groups;
    struct repro_net *net = is_rest ? trainer->rest : trainer->net;
    struct partial *current = &trainer->sum.current;
    struct repro_metrics metrics = {.struct_size = sizeof metrics};
    struct repro_error error = {0};
    int code = is_rest ? share_weights(trainer, err) : 0;
    if (code == 0)
        code = compute_leaf(trainer, net, cut, step->first, err);
    if (code != 0)
        return code;
    if (backend->net_metrics(net, &metrics, &error) != 0 ||
        (!is_alone(trainer, cut) &&
         backend->net_read(net, REPRO_ARENA_PARTIAL, 0, trainer->sum.count, current->values,
                           &error) != 0))
        return trainer_failed(trainer, &error, err);
    current->loss = metrics.loss;
    current->correct = metrics.correct;
    current->rows = metrics.rows;
    return 0;
}

static int host_keep(struct trainer *trainer, const struct reduction_cut *cut,
                     const struct reduction_step *step, struct err *err)
{
    (void)cut;
    (void)err;
    reduction_keep(&trainer->sum, step->slot);
    return 0;
}

static int host_join(struct trainer *trainer, const struct reduction_cut *cut,
                     const struct reduction_step *step, struct err *err)
{
    (void)cut;
    (void)err;
    reduction_join(&trainer->sum, step->slot);
    return 0;
}

static const struct trainer_reader by_host = {trainer_leaf, host_keep, host_join};

int trainer_sum_on_host(struct trainer *trainer, const struct reduction_cut *cut, struct err *err)
{
    struct repro_error error = {0};
    int code = trainer_walk(trainer, &by_host, cut, err);
    if (code != 0 || is_alone(trainer, cut))
        return code;
    if (trainer->config.backend->net_write(trainer->net, REPRO_ARENA_PARTIAL, 0, trainer->sum.count,
                                           trainer->sum.current.values, &error) != 0)
        return trainer_failed(trainer, &error, err);
    return 0;
}
