#include "lab/measuring.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "train/meter.h"
#include "train/trainer.h"

#include <math.h>

static double share_of(const struct measuring_plan *plan, const struct schedule *schedule)
{
    int64_t times = 0;
    for (int epoch = 0; epoch < schedule->epochs; epoch++)
        for (int64_t u = 0; u < schedule_at(schedule, epoch)->updates_per_epoch; u++)
            times += measuring_is_due(plan, schedule, epoch, u);
    return (double)(times * plan->ghosts * schedule->ghost) / (double)schedule_images(schedule);
}

struct measuring_plan measuring_plan(const struct measuring_options *options,
                                     const struct schedule *schedule)
{
    struct measuring_plan plan = {.every = options->every, .epochs = 1, .ghosts = options->ghosts};
    double an_epoch = MEASURING_SHARE * (double)schedule->train_n / (double)schedule->ghost;
    int64_t least = plan.ghosts > 0 ? plan.ghosts : NOISE_GHOSTS_MIN;
    if (plan.every == 0)
        plan.epochs = (int64_t)fmax(ceil((double)least / an_epoch), 1.0);
    if (plan.ghosts == 0)
        plan.ghosts = (int64_t)fmin(fmax(floor(an_epoch * (double)plan.epochs), NOISE_GHOSTS_MIN),
                                    MEASURING_GHOSTS);
    plan.share = share_of(&plan, schedule);
    return plan;
}

int measuring_is_due(const struct measuring_plan *plan, const struct schedule *schedule, int epoch,
                     int64_t update_in_epoch)
{
    if (plan->every > 0)
        return (schedule_updates_before(schedule, epoch) + update_in_epoch) % plan->every == 0;
    return epoch % plan->epochs == 0 &&
           update_in_epoch == schedule_at(schedule, epoch)->updates_per_epoch / 2;
}

/* The rows that are there of before the update that comes next. */
static int keep_rows(struct measuring *measuring, const struct trainer *trainer, struct err *err)
{
    if (!file_exists(measuring->path))
        return 0;
    int code = noiselog_read(&measuring->log, measuring->path, err);
    size_t kept = 0;
    while (code == 0 && kept < measuring->log.count &&
           measuring->log.rows[kept].updates < trainer_state(trainer)->update)
        kept++;
    if (code == 0)
        measuring->log.count = kept;
    return code;
}

int measuring_init(struct measuring *measuring, const struct measuring_options *options,
                   struct trainer *trainer, const char *folder, struct err *err)
{
    *measuring = (struct measuring){
        .plan = measuring_plan(options, trainer_config(trainer)->schedule)};
    measuring->path = noiselog_path(folder, err);
    int code = measuring->path == NULL
                   ? ERR_MEMORY
                   : meter_new(trainer, measuring->plan.ghosts, &measuring->meter, err);
    return code == 0 ? keep_rows(measuring, trainer, err) : code;
}

void measuring_release(struct measuring *measuring)
{
    meter_free(measuring->meter);
    noiselog_release(&measuring->log);
    mem_free(measuring->path);
    *measuring = (struct measuring){0};
}

int measuring_look(struct measuring *measuring, struct trainer *trainer, struct err *err)
{
    const struct schedule *schedule = trainer_config(trainer)->schedule;
    const struct trainer_state *state = trainer_state(trainer);
    struct noise_estimate noise;
    int finite = 0;
    if (measuring->meter == NULL ||
        !measuring_is_due(&measuring->plan, schedule, state->epoch, state->update_in_epoch))
        return 0;
    int code = meter_measure(measuring->meter, &noise, &finite, err);
    if (code != 0 || !finite)
        return code;
    const struct phase *phase = schedule_at(schedule, state->epoch);
    struct noiselog_row row = {
        .epoch = state->epoch + 1,
        .updates = state->update,
        .lr = phase->lr,
        .batch = phase->batch,
        .momentum = phase->momentum,
        .noise_scale = noise_scale(phase->lr, phase->momentum, schedule->train_n, phase->batch),
        .noise = noise,
        .simple = noise_simple(&noise),
        .interval = noise_interval(&noise, NOISELOG_LEVEL),
        .fluctuation = noise_fluctuation(noise.trace, phase->lr, phase->momentum, schedule->train_n,
                                         phase->batch)};
    code = noiselog_append(&measuring->log, &row, err);
    return code == 0 ? noiselog_write(&measuring->log, measuring->path, err) : code;
}
