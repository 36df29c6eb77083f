/* The known losses are the openblas backend's, whose every operation the conformance tests hold
 * against plain loops in double precision; tests/unit/test_selftest.c computes them again.
 * onednn and the emulated GPU come within 2e-5 of them in f32 and 5e-4 in tf32 and bf16: the bounds
 * are ten times that and more.  Gradients a tenth too large move the last one by 2e-2, updates that
 * are not made by 0.4. */
#include "doctor/selftest.h"

#include "backend/names.h"
#include "base/err.h"
#include "data/dataset.h"
#include "data/source.h"
#include "net/net.h"
#include "schedule/schedule.h"
#include "train/trainer.h"

#include <math.h>

#define NETWORK "wrn-10-1"
#define SEED 1
#define BATCH 32
#define LR 0.1
#define MOMENTUM 0.9
#define WEIGHT_DECAY 5e-4

static const double known[SELFTEST_UPDATES] = {2.244477365, 2.171564229, 2.043720489,
                                               1.889189565, 1.747421459, 1.635306437};

/* Relative, by precision: of 24 bits, of 11, of 8. */
static const double bounds[] = {
    [REPRO_PRECISION_F32] = 5e-4, [REPRO_PRECISION_TF32] = 5e-3, [REPRO_PRECISION_BF16] = 1e-2};

/* An epoch is one update. */
static int train(struct trainer *trainer, double losses[SELFTEST_UPDATES], struct err *err)
{
    for (int i = 0; i < SELFTEST_UPDATES; i++) {
        int code = trainer_update(trainer, err);
        if (code != 0)
            return code;
        losses[i] = trainer_end_epoch(trainer).loss;
    }
    return 0;
}

int selftest_losses(const struct repro_backend *backend, struct repro_device *device, int precision,
                    double losses[SELFTEST_UPDATES], struct err *err)
{
    struct dataset data = {0};
    struct net net = {0};
    struct schedule schedule;
    struct trainer *trainer = NULL;
    const struct schedule_spec spec = {.optimizer = REPRO_OPTIMIZER_MOMENTUM,
                                       .lr = LR,
                                       .momentum = MOMENTUM,
                                       .train_n = BATCH,
                                       .batch = BATCH,
                                       .ghost = BATCH,
                                       .epochs = SELFTEST_UPDATES};
    struct trainer_config config = {.backend = backend,
                                    .device = device,
                                    .net = &net,
                                    .data = &data,
                                    .schedule = &schedule,
                                    .seed = SEED,
                                    .precision = precision,
                                    .micro = BATCH,
                                    .groups = 1,
                                    .weight_decay = WEIGHT_DECAY};
    int code = source_synthetic(SEED, spec.train_n, 1, 0, &data, err);
    if (code == 0)
        code = net_named(&net, NETWORK, data.channels, data.height, data.width, data.classes,
                         data.mean, data.deviation, err);
    if (code == 0)
        code = schedule_build(&spec, &schedule, err);
    if (code == 0)
        code = trainer_new(&config, &trainer, err);
    if (code == 0)
        code = train(trainer, losses, err);
    trainer_free(trainer);
    net_release(&net);
    dataset_release(&data);
    return code;
}

int selftest_judge(const double losses[SELFTEST_UPDATES], int precision, struct err *err)
{
    for (int i = 0; i < SELFTEST_UPDATES; i++)
        if (!(fabs(losses[i] - known[i]) <= bounds[precision] * known[i]))
            return err_set(err, ERR_BACKEND,
                           "computes wrong numbers in %s: the loss of update %d is %.6f, and must "
                           "be %.6f",
                           precision_name(precision), i + 1, losses[i], known[i]);
    return 0;
}
