#include "schedule/schedule.h"

#include "backend/backend.h"
#include "base/err.h"

#include <math.h>

/* A grown batch is a whole number when B * alpha is within this relative distance of one: alpha is
 * a decimal in a text file, so 1.1 * 1280 must count as 1408. */
#define WHOLE_TOLERANCE 1e-9

const char *const schedule_rule_names[SCHEDULE_RULE_COUNT] = {"linear", "sqrt", "seesaw"};

static int check_optimizer(const struct schedule_spec *spec, struct err *err)
{
    switch (spec->optimizer) {
    case REPRO_OPTIMIZER_SGD:
    case REPRO_OPTIMIZER_ADAM:
        if (spec->momentum != 0)
            return err_set(err, ERR_INPUT,
                           "momentum is %g, but SGD and Adam have none; set it to 0",
                           spec->momentum);
        return 0;
    case REPRO_OPTIMIZER_MOMENTUM:
    case REPRO_OPTIMIZER_NESTEROV:
        if (!(spec->momentum >= 0 && spec->momentum < 1))
            return err_set(err, ERR_INPUT, "momentum is %g; it must be at least 0 and below 1",
                           spec->momentum);
        return 0;
    default:
        return err_set(err, ERR_INPUT, "optimizer %d is none of REPRO_OPTIMIZER_*",
                       spec->optimizer);
    }
}

static int check_first_phase(const struct schedule_spec *spec, struct err *err)
{
    if (!(spec->lr > 0) || !isfinite(spec->lr))
        return err_set(err, ERR_INPUT, "the learning rate is %g; it must be above 0 and finite",
                       spec->lr);
    if (spec->train_n <= 0)
        return err_set(err, ERR_INPUT, "there are %lld training images; at least one is needed",
                       (long long)spec->train_n);
    if (spec->epochs <= 0)
        return err_set(err, ERR_INPUT, "the run has %d epochs; at least one is needed",
                       spec->epochs);
    if (spec->train_n > INT64_MAX / spec->epochs)
        return err_set(err, ERR_INPUT, "%d epochs of %lld images are more than can be counted",
                       spec->epochs, (long long)spec->train_n);
    if (spec->batch <= 0 || spec->batch > spec->train_n)
        return err_set(err, ERR_INPUT,
                       "the batch is %lld; it must be 1 to %lld, the number of training images",
                       (long long)spec->batch, (long long)spec->train_n);
    if (spec->ghost <= 0 || spec->batch % spec->ghost != 0)
        return err_set(err, ERR_INPUT,
                       "the batch of %lld is no multiple of the ghost batch of %lld",
                       (long long)spec->batch, (long long)spec->ghost);
    if (spec->batch_max != 0 && spec->batch_max < spec->batch)
        return err_set(err, ERR_INPUT,
                       "batch_max is %lld, below the first batch of %lld; raise it or leave it out",
                       (long long)spec->batch_max, (long long)spec->batch);
    return check_optimizer(spec, err);
}

static int check_conventions(const struct schedule_spec *spec, struct err *err)
{
    const struct schedule_conventions *conventions = &spec->conventions;
    if (conventions->early_steps < 0 ||
        (spec->step_count > 0 && conventions->early_steps >= spec->step_epoch[0]))
        return err_set(err, ERR_INPUT, "steps %d epochs early leave nothing of the first phase",
                       conventions->early_steps);
    if (conventions->extra_epochs < 0 || conventions->extra_epochs > spec->epochs)
        return err_set(err, ERR_INPUT, "%d epochs behind the last one; it must be 0 to %d",
                       conventions->extra_epochs, spec->epochs);
    return 0;
}

static int check_steps(const struct schedule_spec *spec, struct err *err)
{
    if (spec->step_count < 0 || spec->step_count > SCHEDULE_STEP_MAX)
        return err_set(err, ERR_INPUT, "the schedule has %d steps; at most %d are possible",
                       spec->step_count, SCHEDULE_STEP_MAX);
    int previous = 0;
    for (int i = 0; i < spec->step_count; i++) {
        int epoch = spec->step_epoch[i];
        if (epoch <= previous)
            return err_set(err, ERR_INPUT, "step %d is at epoch %d; it must come after epoch %d",
                           i + 1, epoch, previous);
        if (epoch >= spec->epochs)
            return err_set(err, ERR_INPUT,
                           "step %d is at epoch %d; it must come before the end, epoch %d", i + 1,
                           epoch, spec->epochs);
        if (!(spec->factor[i] > 1) || !isfinite(spec->factor[i]))
            return err_set(err, ERR_INPUT,
                           "step %d (epoch %d): the factor is %g; it must be above 1 and finite",
                           i + 1, epoch, spec->factor[i]);
        if (spec->action[i] != SCHEDULE_DECAY_LR && spec->action[i] != SCHEDULE_GROW_BATCH)
            return err_set(err, ERR_INPUT,
                           "step %d (epoch %d): action %d is neither decay_lr nor grow_batch",
                           i + 1, epoch, (int)spec->action[i]);
        previous = epoch;
    }
    return 0;
}

/* Takes step i: *batch, *divisor (what lr is divided by so far) or both grow, their product by
 * alpha. */
static int take_step(const struct schedule_spec *spec, int i, int64_t *batch, double *divisor,
                     struct err *err)
{
    double factor = spec->factor[i];
    if (spec->action[i] == SCHEDULE_DECAY_LR) {
        *divisor *= factor;
        return 0;
    }
    double wanted = (double)*batch * (spec->rule == SCHEDULE_SQRT ? factor * factor : factor);
    if (spec->rule == SCHEDULE_SEESAW)
        *divisor *= sqrt(factor);
    if (spec->batch_max != 0 && wanted > (double)spec->batch_max) {
        double rest = wanted / (double)spec->batch_max;
        *divisor *= spec->rule == SCHEDULE_LINEAR ? rest : sqrt(rest);
        *batch = spec->batch_max;
    } else {
        if (wanted > (double)spec->train_n)
            return err_set(err, ERR_INPUT,
                           "step %d (epoch %d): the batch grows to %.0f, above the %lld training "
                           "images; set batch_max",
                           i + 1, spec->step_epoch[i], wanted, (long long)spec->train_n);
        if (fabs(wanted - round(wanted)) > WHOLE_TOLERANCE * wanted)
            return err_set(err, ERR_INPUT, "step %d (epoch %d): %lld x %g is no whole batch", i + 1,
                           spec->step_epoch[i], (long long)*batch, wanted / (double)*batch);
        *batch = llround(wanted);
    }
    if (*batch > spec->train_n)
        return err_set(err, ERR_INPUT,
                       "step %d (epoch %d): the batch of %lld is above the %lld training images; "
                       "lower batch_max",
                       i + 1, spec->step_epoch[i], (long long)*batch, (long long)spec->train_n);
    if (*batch % spec->ghost != 0)
        return err_set(
            err, ERR_INPUT,
            "step %d (epoch %d): the batch of %lld is no multiple of the ghost batch of %lld",
            i + 1, spec->step_epoch[i], (long long)*batch, (long long)spec->ghost);
    return 0;
}

/* From N, B and the phase's epochs. */
static void count_updates(const struct schedule *schedule, struct phase *phase)
{
    int64_t partial = schedule->train_n % phase->batch,
            kept = schedule->conventions.keep_last_batch && partial > 0;
    phase->updates_per_epoch = schedule->train_n / phase->batch + kept;
    phase->last_rows = kept ? partial : phase->batch;
    phase->dropped = kept ? 0 : partial;
    phase->updates = phase->updates_per_epoch * phase->epochs;
}

int schedule_build(const struct schedule_spec *spec, struct schedule *out, struct err *err)
{
    int code = check_first_phase(spec, err);
    if (code == 0)
        code = check_steps(spec, err);
    if (code == 0)
        code = check_conventions(spec, err);
    if (code != 0)
        return code;
    int early = spec->conventions.early_steps,
        epochs = spec->epochs + spec->conventions.extra_epochs;
    struct schedule schedule = {.optimizer = spec->optimizer,
                                .train_n = spec->train_n,
                                .ghost = spec->ghost,
                                .epochs = epochs,
                                .conventions = spec->conventions};
    int64_t batch = spec->batch;
    double divisor = 1; /* kept apart from lr, which is then rounded once: .1/25, not (.1/5)/5 */
    for (int i = 0; i <= spec->step_count; i++) {
        if (i > 0 && (code = take_step(spec, i - 1, &batch, &divisor, err)) != 0)
            return code;
        struct phase *phase = &schedule.phase[i];
        phase->first_epoch = i == 0 ? 0 : spec->step_epoch[i - 1] - early;
        phase->epochs = (i == spec->step_count ? epochs : spec->step_epoch[i] - early) -
                        phase->first_epoch;
        phase->batch = batch;
        phase->lr = spec->lr / divisor;
        phase->momentum = spec->momentum;
        if (!(phase->lr > 0))
            return err_set(err, ERR_INPUT, "step %d (epoch %d): the learning rate falls to 0", i,
                           phase->first_epoch);
        count_updates(&schedule, phase);
        schedule.updates += phase->updates;
    }
    schedule.phase_count = spec->step_count + 1;
    *out = schedule;
    return 0;
}

const struct phase *schedule_at(const struct schedule *schedule, int epoch)
{
    int i = schedule->phase_count - 1;
    while (i > 0 && epoch < schedule->phase[i].first_epoch)
        i--;
    return &schedule->phase[i];
}

int64_t schedule_rows(const struct schedule *schedule, int epoch, int64_t update_in_epoch)
{
    const struct phase *phase = schedule_at(schedule, epoch);
    return update_in_epoch == phase->updates_per_epoch - 1 ? phase->last_rows : phase->batch;
}

int64_t schedule_updates_before(const struct schedule *schedule, int epoch)
{
    int64_t updates = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        int done = epoch - phase->first_epoch;
        if (done <= 0)
            break;
        updates += phase->updates_per_epoch * (done < phase->epochs ? done : phase->epochs);
    }
    return updates;
}

int64_t schedule_images(const struct schedule *schedule)
{
    int64_t images = 0;
    for (int i = 0; i < schedule->phase_count; i++)
        images += schedule->phase[i].epochs * (schedule->train_n - schedule->phase[i].dropped);
    return images;
}

double noise_scale(double lr, double momentum, int64_t train_n, int64_t batch)
{
    return lr / (1 - momentum) * ((double)train_n / (double)batch - 1);
}

double noise_scale_approximate(double lr, double momentum, int64_t train_n, int64_t batch)
{
    return lr * (double)train_n / ((double)batch * (1 - momentum));
}

double schedule_rate(enum schedule_rule rule, double lr, double momentum, int64_t batch)
{
    double rows = rule == SCHEDULE_LINEAR ? (double)batch : sqrt((double)batch);
    return lr / (rows * (1 - momentum));
}

double epochs_lost(double momentum, int64_t train_n, int64_t batch)
{
    return (double)batch / ((double)train_n * (1 - momentum));
}
