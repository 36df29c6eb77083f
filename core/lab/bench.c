#include "lab/bench.h"

#include "backend/loader.h"
#include "backend/names.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "lab/bench_work.h"
#include "schedule/schedule.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <string.h>

#define GROUPS 8 /* as in the experiments */

int bench_net(const char *name, int side, struct net *net, struct err *err)
{
    static const float mean[REPRO_CHANNEL_MAX] = {127.5f, 127.5f, 127.5f, 127.5f},
                       deviation[REPRO_CHANNEL_MAX] = {73.9f, 73.9f, 73.9f, 73.9f};
    const struct network *network = net_find(name, err);
    if (network == NULL)
        return ERR_INPUT;
    side = side == 0 ? network->side : side;
    return net_named(net, name, network->channels, side, side, network->classes, mean, deviation,
                     err);
}

int bench_open(const char *backend, const char *network, int side,
               const struct repro_device_options *device, struct bench *bench, struct err *err)
{
    memset(bench, 0, sizeof *bench);
    int code = bench_net(network, side, &bench->net, err);
    if (code == 0)
        code = backend_open(backend, device, &bench->backend, &bench->device, &bench->caps, err);
    if (code != 0)
        bench_close(bench);
    return code;
}

void bench_close(struct bench *bench)
{
    if (bench->device != NULL)
        bench->backend.device_close(bench->device);
    net_release(&bench->net);
    dataset_release(&bench->data);
    memset(bench, 0, sizeof *bench);
}

static int check(const struct bench *bench, const struct bench_options *given,
                 struct bench_options *options, struct err *err)
{
    *options = *given;
    if (options->batch == 0)
        options->batch = BENCH_BATCH;
    if (options->micro == 0)
        options->micro = options->batch;
    if (options->ghost == 0)
        options->ghost = options->micro;
    if (options->precision == 0)
        options->precision = REPRO_PRECISION_F32;
    if (options->steps == 0)
        options->steps = 9;
    options->warm_up = options->warm_up == 0 ? 3 : options->warm_up < 0 ? 0 : options->warm_up;
    if (options->with_data && bench->data.kind == NULL)
        return err_set(err, ERR_INTERNAL, "steps with data need bench_data() before");
    if (options->steps < 0 || options->steps > BENCH_STEP_MAX)
        return err_set(err, ERR_USAGE, "%d timed steps are not possible; 1 to %d are",
                       options->steps, BENCH_STEP_MAX);
    if (options->micro > options->batch)
        return err_set(err, ERR_USAGE,
                       "a micro of %" PRId64 " rows exceeds the batch of %" PRId64
                       "; take at most the batch",
                       options->micro, options->batch);
    if (options->batch % options->ghost != 0 || options->micro % options->ghost != 0)
        return err_set(err, ERR_USAGE,
                       "the ghost of %" PRId64 " rows does not divide the batch of %" PRId64
                       " and the micro "
                       "of %" PRId64 "; choose sizes that are multiples of it",
                       options->ghost, options->batch, options->micro);
    if (options->precision < 0 || options->precision > 3 ||
        !(bench->caps.precisions >> options->precision & 1))
        return err_set(
            err, ERR_CANNOT_RUN,
            "backend %s does not compute in %s on this device; `repro backends` lists what "
            "it can do",
            bench->backend.name,
            options->precision < 0 || options->precision > 3 ? "that precision"
                                                             : precision_name(options->precision));
    return 0;
}

/* One update of a run, and the turn of the epoch where one is due. */
static int data_step(struct trainer *trainer, struct err *err)
{
    if (trainer_epoch_done(trainer))
        trainer_end_epoch(trainer);
    return trainer_update(trainer, err);
}

/* What is timed: the trainer where there is one, else the plain work. */
struct subject {
    struct bench_work *work;
    struct trainer *trainer;
};

static int step(const struct subject *subject, struct err *err)
{
    return subject->trainer != NULL ? data_step(subject->trainer, err)
                                    : bench_work_step(subject->work, err);
}

static int time_by_host(const struct subject *subject, struct bench_result *out, struct err *err)
{
    int code = 0;
    for (int i = -out->options.warm_up; code == 0 && i < out->options.steps; i++) {
        double began = clock_seconds();
        code = step(subject, err);
        if (code == 0 && subject->trainer == NULL)
            code = bench_work_wait(subject->work, err);
        if (i >= 0)
            out->seconds[i] = clock_seconds() - began;
    }
    return code;
}

/* A mark before the first timed step and one behind each; nothing is waited for before the last. */
static int time_by_device(const struct subject *subject, struct bench_result *out, struct err *err)
{
    double moments[BENCH_STEP_MAX + 1];
    int64_t wanted = out->options.steps + 1, count = 0;
    int code = 0;
    for (int i = -out->options.warm_up; code == 0 && i <= out->options.steps; i++) {
        if (i >= 0)
            code = subject->trainer != NULL ? trainer_mark(subject->trainer, err)
                                            : bench_work_mark(subject->work, err);
        if (code == 0 && i < out->options.steps)
            code = step(subject, err);
    }
    if (code == 0)
        code = subject->trainer != NULL
                   ? trainer_marks(subject->trainer, moments, wanted, &count, err)
                   : bench_work_marks(subject->work, moments, wanted, &count, err);
    if (code == 0 && count != wanted)
        code = err_set(err, ERR_BACKEND,
                       "the backend kept %" PRId64 " of %" PRId64 " marks; report it as its bug",
                       count, wanted);
    for (int i = 0; code == 0 && i < out->options.steps; i++)
        out->seconds[i] = moments[i + 1] - moments[i];
    out->device_clock = 1;
    return code;
}

static int time_steps(const struct bench *bench, struct subject subject, struct bench_result *out,
                      struct err *err)
{
    int code = bench->backend.net_mark != NULL && bench->backend.net_marks != NULL
                   ? time_by_device(&subject, out, err)
                   : time_by_host(&subject, out, err);
    out->memory = mem_peak();
    return code == 0 ? backend_held(&bench->backend, bench->device, &out->held, err) : code;
}

/* Times steps of the trainer; nothing of it stays. */
static int time_data_steps(const struct bench *bench, struct bench_result *out, struct err *err)
{
    const struct bench_options *options = &out->options;
    struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                 .lr = BENCH_LR,
                                 .momentum = BENCH_MOMENTUM,
                                 .train_n = bench->data.train_n,
                                 .batch = options->batch,
                                 .ghost = options->ghost,
                                 .epochs = options->warm_up + options->steps};
    struct schedule schedule;
    struct resident resident = {0};
    struct trainer *trainer = NULL;
    struct trainer_config config = {
        .backend = &bench->backend,
        .device = bench->device,
        .net = &bench->net,
        .data = &bench->data,
        .resident = &resident,
        .schedule = &schedule,
        .seed = BENCH_SEED,
        .precision = options->precision,
        .micro = options->micro,
        .groups = GROUPS,
        .weight_decay = BENCH_WEIGHT_DECAY,
    };
    int code = schedule_build(&spec, &schedule, err);
    if (code == 0)
        code = resident_put(&bench->backend, bench->device, &bench->data, &resident, err);
    if (code == 0)
        code = trainer_new(&config, &trainer, err);
    if (code == 0)
        code = time_steps(bench, (struct subject){.trainer = trainer}, out, err);
    trainer_free(trainer);
    resident_release(&resident);
    return code;
}

/* The plain steps, and what is measured with them. */
static int measure_work(const struct bench *bench, struct bench_result *out, struct err *err)
{
    const struct bench_options *options = &out->options;
    struct bench_work work = {0};
    int code = bench_work_init(&work, bench, options, err);
    if (code == 0)
        code = options->with_data ? bench_work_step(&work, err)
                                  : time_steps(bench, (struct subject){.work = &work}, out, err);
    if (code == 0)
        code = bench_work_describe(&work, out, err);
    if (code == 0 && !options->brief)
        code = bench_work_ops(&work, out, err);
    if (code == 0 && !options->brief)
        code = bench_work_rates(&work, out, err);
    if (code == 0 && !options->brief)
        code = bench_work_limit(&work, out, err);
    bench_work_release(&work);
    return code;
}

int bench_measure(const struct bench *bench, const struct bench_options *options,
                  struct bench_result *out, struct err *err)
{
    struct bench_options complete;
    int code = check(bench, options, &complete, err);
    if (code != 0)
        return code;
    memset(out, 0, sizeof *out);
    out->options = complete;
    out->flop = bench_flop(&bench->net);
    if (complete.with_data)
        code = time_data_steps(bench, out, err);
    if (code == 0 && !(complete.with_data && complete.brief))
        code = measure_work(bench, out, err);
    if (code != 0) {
        bench_release(out);
        return code;
    }
    bench_summary(out);
    return 0;
}
