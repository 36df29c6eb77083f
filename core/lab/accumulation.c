#include "lab/accumulation.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "lab/session.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 5.0    /* in units of 1/(1-m) */
#define HELD_LR 1e-30 /* times any gradient it is far below the last bit of any weight */
#define AGREES 0.1
#define MOMENTUM_MAX 0.9999

double accumulation_share(double momentum, double updates)
{
    return 1 - exp(-(1 - momentum) * updates);
}

size_t accumulation_updates(double momentum)
{
    momentum = momentum < MOMENTUM_MAX ? momentum : MOMENTUM_MAX;
    return (size_t)ceil(WINDOW / (1 - momentum) - 1e-9);
}

double accumulation_lost(const double *share, size_t count)
{
    double lost = 0.0;
    for (size_t i = 0; i < count; i++)
        lost += 1 - share[i];
    return lost;
}

/* The best level for a timescale, and how far off the curve is then. */
static double misfit(const double *share, size_t count, double timescale, double *level)
{
    double products = 0.0, squares = 0.0, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double shape = 1 - exp(-((double)i + 1) / timescale);
        products += shape * share[i];
        squares += shape * shape;
    }
    *level = products / squares;
    for (size_t i = 0; i < count; i++) {
        double apart = share[i] - *level * (1 - exp(-((double)i + 1) / timescale));
        sum += apart * apart;
    }
    return sum;
}

void accumulation_fit(const double *share, size_t count, double *timescale, double *level)
{
    /* The misfit can have more than one valley: a walk over a fine grid of logarithms finds the
     * deepest. */
    double low = log(0.1), high = log(100.0 * (double)count), best = INFINITY, at = low;
    for (int round = 0; round < 3; round++) {
        double step = (high - low) / 400;
        for (int i = 0; i <= 400; i++) {
            double found = misfit(share, count, exp(low + i * step), level);
            if (found < best) {
                best = found;
                at = low + i * step;
            }
        }
        low = at - step;
        high = at + step;
    }
    *timescale = exp(at);
    misfit(share, count, *timescale, level);
}

/* ---- Measuring ---- */

/* All measurements of a study are along one gradient, of one network. */
static int check_network(const struct session *session, const struct run *run, struct err *err)
{
    const struct schedule_conventions *own = &run->schedule.conventions;
    const struct net_ways *ways = &session->net.ways;
    if (own->no_gamma == ways->no_gamma && own->label_smoothing == ways->label_smoothing)
        return 0;
    return err_set(err, ERR_INPUT,
                   "run '%s': its bn_gamma or label_smoothing is not the first run's; a study has "
                   "one network, so let 'defaults' say it",
                   run->what->name);
}

/* A trainer of the run's batch without steps: for `epochs` epochs, at another lr or momentum. */
static int start(const struct session *session, const struct run *run, double lr, double momentum,
                 int epochs, struct schedule *schedule, struct trainer **trainer, struct err *err)
{
    const struct phase *first = &run->schedule.phase[0];
    struct schedule_spec spec = {
        .optimizer = REPRO_OPTIMIZER_MOMENTUM,
        .lr = lr,
        .momentum = momentum,
        .train_n = run->schedule.train_n,
        .batch = first->batch,
        .ghost = run->schedule.ghost,
        .epochs = epochs,
        .conventions = {.decay_weights = run->schedule.conventions.decay_weights,
                        .running_per_update = run->schedule.conventions.running_per_update}};
    int code = check_network(session, run, err);
    if (code == 0)
        code = schedule_build(&spec, schedule, err);
    struct trainer_config config = {
        .backend = &session->backend,
        .device = session->device.device,
        .net = &session->net,
        .data = &session->data,
        .schedule = schedule,
        .seed = run->seed,
        .precision = run->facts->backend.precision,
        .micro = run->micro,
        .groups = session->experiment->groups,
        .weight_decay = run->what->weight_decay,
    };
    return code == 0 ? trainer_new(&config, trainer, err) : code;
}

/* With m = 0 the accumulation is the gradient of the update. */
int accumulation_gradient(const struct session *session, const struct run *run, float *gradient,
                          struct err *err)
{
    struct schedule schedule = {0};
    struct trainer *trainer = NULL;
    size_t count = (size_t)session->net.graph.param_count;
    float *moment = mem_new(count, sizeof *moment, err);
    double *sum = mem_new(count, sizeof *sum, err);
    int code = moment == NULL || sum == NULL
                   ? ERR_MEMORY
                   : start(session, run, HELD_LR, 0, 2, &schedule, &trainer, err);
    int64_t updates = schedule.phase[0].updates_per_epoch;
    if (code == 0) {
        struct trainer_state second = {
            .update = updates, .epoch = 1, .images = updates * schedule.phase[0].batch};
        code = trainer_restore(trainer, &second, err);
    }
    for (int64_t s = 0; code == 0 && s < updates; s++) {
        code = trainer_update(trainer, err);
        if (code == 0)
            code = trainer_read(trainer, REPRO_ARENA_MOMENT1, moment, err);
        for (size_t i = 0; code == 0 && i < count; i++)
            sum[i] += moment[i];
    }
    for (size_t i = 0; code == 0 && i < count; i++)
        gradient[i] = (float)(sum[i] / (double)updates);
    trainer_free(trainer);
    mem_free(moment);
    mem_free(sum);
    return code;
}

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

static int follow(const struct session *session, struct trainer *trainer, const float *gradient,
                  float *moment, struct growth *out, struct err *err)
{
    size_t count = (size_t)session->net.graph.param_count;
    double square = dot(gradient, gradient, count), rest = 1 - out->run->schedule.phase[0].momentum;
    for (size_t s = 0; s < out->count; s++) {
        if (trainer_epoch_done(trainer))
            trainer_end_epoch(trainer);
        int code = trainer_update(trainer, err);
        if (code == 0)
            code = trainer_read(trainer, REPRO_ARENA_MOMENT1, moment, err);
        if (code != 0)
            return code;
        out->share[s] = rest * dot(moment, gradient, count) / square;
        out->magnitude[s] = rest * sqrt(dot(moment, moment, count) / square);
    }
    return 0;
}

static void conclude(struct growth *out)
{
    const struct phase *phase = &out->run->schedule.phase[0];
    out->epochs = (double)phase->batch / (double)out->run->schedule.train_n;
    out->predicted = epochs_lost(phase->momentum, out->run->schedule.train_n, phase->batch);
    out->lost = out->timescale = out->level = NAN;
    if (out->held) {
        out->lost = out->epochs * accumulation_lost(out->share, out->count);
        accumulation_fit(out->share, out->count, &out->timescale, &out->level);
        out->timescale *= out->epochs;
    }
    while (out->agrees < out->count &&
           fabs(out->share[out->agrees] -
                accumulation_share(phase->momentum, (double)out->agrees + 1)) <= AGREES)
        out->agrees++;
}

int accumulation_measure(const struct session *session, const struct run *run,
                         const float *gradient, int held, struct growth *out, struct err *err)
{
    const struct phase *phase = &run->schedule.phase[0];
    struct schedule schedule = {0};
    struct trainer *trainer = NULL;
    memset(out, 0, sizeof *out);
    out->run = run;
    out->held = held;
    out->count = accumulation_updates(phase->momentum);
    out->share = mem_new(out->count, sizeof *out->share, err);
    out->magnitude = mem_new(out->count, sizeof *out->magnitude, err);
    float *moment = mem_new((size_t)session->net.graph.param_count, sizeof *moment, err);
    int epochs = (int)((int64_t)out->count / phase->updates_per_epoch) + 1;
    int code = out->share == NULL || out->magnitude == NULL || moment == NULL
                   ? ERR_MEMORY
                   : start(session, run, held ? HELD_LR : phase->lr, phase->momentum, epochs,
                           &schedule, &trainer, err);
    if (code == 0)
        code = follow(session, trainer, gradient, moment, out, err);
    if (code == 0)
        conclude(out);
    trainer_free(trainer);
    mem_free(moment);
    if (code != 0)
        growth_release(out);
    return code;
}

void growth_release(struct growth *growth)
{
    mem_free(growth->share);
    mem_free(growth->magnitude);
    memset(growth, 0, sizeof *growth);
}

/* ---- Tables ---- */

int accumulation_points(const struct growth *growths, size_t count, const char *title,
                        const char *caption, char **text, struct err *err)
{
    struct text out = {0};
    text_put(&out, "# %s\n# %s\n", title, caption);
    text_put_string(
        &out,
        "measurement\trun\tweights\tmomentum\tbatch\tupdate\tepochs\tgrown\tshare\tmagnitude\tpre"
        "dicted\n");
    for (size_t g = 0; g < count; g++) {
        const struct growth *growth = &growths[g];
        const struct phase *phase = &growth->run->schedule.phase[0];
        for (size_t s = 0; s < growth->count; s++)
            text_put(&out, "%zu\t%s\t%s\t%g\t%" PRId64 "\t%zu\t%.6g\t%.6g\t%.6f\t%.6f\t%.6f\n",
                     g + 1, growth->run->what->name, growth->held ? "held" : "training",
                     phase->momentum, phase->batch, s + 1, ((double)s + 1) * growth->epochs,
                     ((double)s + 1) * (1 - phase->momentum), growth->share[s],
                     growth->magnitude[s], accumulation_share(phase->momentum, (double)s + 1));
    }
    return text_take(&out, text, "a table", err);
}

int accumulation_summary(const struct growth *growths, size_t count, char **text, struct err *err)
{
    struct text out = {0};
    text_put_string(&out,
                    "measurement\trun\tweights\tmomentum\tbatch\tupdates\tn_lost_predicted\tn_"
                    "lost\ttimescale\tlevel\tagrees\n");
    for (size_t g = 0; g < count; g++) {
        const struct growth *growth = &growths[g];
        const struct phase *phase = &growth->run->schedule.phase[0];
        text_put(&out, "%zu\t%s\t%s\t%g\t%" PRId64 "\t%zu\t%.6g\t%.6g\t%.6g\t%.4f\t%zu\n", g + 1,
                 growth->run->what->name, growth->held ? "held" : "training", phase->momentum,
                 phase->batch, growth->count, growth->predicted, growth->lost, growth->timescale,
                 growth->level, growth->agrees);
    }
    return text_take(&out, text, "a table", err);
}
