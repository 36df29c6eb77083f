/* The test set.  Every micro has sums of its own, and they are added in the order of the micros, so
 * that it does not matter which rank computed which. */
#include "base/err.h"
#include "train/trainer_parts.h"

static int test_micro(struct trainer *trainer, struct prefetch_place place, struct err *err)
{
    const struct repro_backend *backend = trainer->config.backend;
    struct repro_error error = {0};
    struct repro_metrics metrics = {.struct_size = sizeof metrics};
    struct repro_rows rows;
    ranks_tick(trainer->config.ranks);
    int code = trainer_rows(trainer, place, &rows, err);
    if (code != 0)
        return code;
    if (backend->net_zero(trainer->net, &error) != 0 ||
        backend->net_forward(trainer->net, &rows, &error) != 0 ||
        backend->net_metrics(trainer->net, &metrics, &error) != 0)
        return trainer_failed(trainer, &error, err);
    trainer->tested[place.micro] = (struct trainer_tested){metrics.loss, metrics.correct,
                                                           metrics.rows};
    return 0;
}

int trainer_evaluate(struct trainer *trainer, struct trainer_score *score, struct err *err)
{
    const struct trainer_config *config = &trainer->config;
    int64_t micros = reduction_micros(config->data->test_n, config->micro);
    int shared = trainer_shares(trainer), code = 0;
    struct reduction_span mine = reduction_deal(micros, shared ? config->ranks->count : 1,
                                                shared ? config->ranks->rank : 0);
    struct prefetch_place place = {.epoch = trainer->state.epoch,
                                   .update = trainer->state.update_in_epoch,
                                   .micro = mine.first,
                                   .split = DATASET_TEST};
    for (; code == 0 && place.micro < mine.first + mine.count; place.micro++)
        code = test_micro(trainer, place, err);
    if (code == 0 && shared)
        code = trainer_gather_tested(trainer, micros, err);
    if (code != 0)
        return code;
    struct trainer_tested sum = {0};
    for (int64_t i = 0; i < micros; i++) {
        sum.loss += trainer->tested[i].loss;
        sum.correct += trainer->tested[i].correct;
        sum.rows += trainer->tested[i].rows;
    }
    if (shared) /* only rank 0 has all of them */
        code = ranks_tell(config->ranks, 0, &sum, sizeof sum, err);
    if (code == 0)
        *score = (struct trainer_score){sum.loss / (double)sum.rows,
                                        (double)sum.correct / (double)sum.rows};
    return code;
}
