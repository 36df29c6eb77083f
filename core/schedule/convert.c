#include "schedule/convert.h"

#include "backend/backend.h"
#include "base/err.h"
#include "base/number.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define WORD_MAX 64

/* ---- Words ---- */

/* "0.1x640@60" -> lr, batch (0: not named), epoch. */
static int parse_word(const char *word, double *lr, int64_t *batch, int *epoch, struct err *err)
{
    const char *end = word;
    int64_t first_epoch = 0;
    int good = number_real(word, lr, &end) && *lr > 0;
    *batch = 0;
    if (good && *end == 'x')
        good = number_whole(end + 1, batch, &end) && *batch > 0;
    good = good && *end == '@' && number_whole(end + 1, &first_epoch, &end) && *end == '\0' &&
           first_epoch >= 0 && first_epoch <= INT32_MAX;
    *epoch = good ? (int)first_epoch : 0;
    if (!good)
        return err_set(err, ERR_USAGE,
                       "'%s' is no LR@EPOCH or LRxBATCH@EPOCH, such as 0.1@0 or 0.1x640@60", word);
    return 0;
}

static int check_setting(const struct convert_setting *setting, struct err *err)
{
    if (!(setting->momentum >= 0 && setting->momentum < 1))
        return err_set(err, ERR_USAGE, "the momentum is %g; it must be at least 0 and below 1",
                       setting->momentum);
    if (setting->train_n > CONVERT_TRAIN_MAX || setting->epochs > CONVERT_EPOCHS_MAX)
        return err_set(err, ERR_USAGE,
                       "%" PRId64 " training images and %d epochs are given; at most %" PRId64
                       " and %d are possible",
                       setting->train_n, setting->epochs, CONVERT_TRAIN_MAX, CONVERT_EPOCHS_MAX);
    if (setting->train_n < 1 || setting->batch < 1 || setting->batch > setting->train_n ||
        setting->epochs < 1)
        return err_set(err, ERR_USAGE,
                       "a run needs training images, a batch of at most as many, and epochs; given "
                       "are %" PRId64 ", %" PRId64 " and %d",
                       setting->train_n, setting->batch, setting->epochs);
    return 0;
}

static void count_updates(struct schedule *schedule)
{
    schedule->updates = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        struct phase *phase = &schedule->phase[i];
        int next = i + 1 < schedule->phase_count ? schedule->phase[i + 1].first_epoch
                                                 : schedule->epochs;
        phase->epochs = next - phase->first_epoch;
        phase->updates_per_epoch = schedule->train_n / phase->batch;
        phase->last_rows = phase->batch;
        phase->dropped = schedule->train_n % phase->batch;
        phase->updates = phase->updates_per_epoch * phase->epochs;
        schedule->updates += phase->updates;
    }
}

static double scale_of(const struct schedule *schedule, int i)
{
    const struct phase *phase = &schedule->phase[i];
    return noise_scale_approximate(phase->lr, phase->momentum, schedule->train_n, phase->batch);
}

static int add_phase(struct schedule *schedule, const char *word,
                     const struct convert_setting *setting, struct err *err)
{
    int i = schedule->phase_count, epoch = 0;
    double lr;
    int64_t batch;
    int code = parse_word(word, &lr, &batch, &epoch, err);
    if (code != 0)
        return code;
    if (i == SCHEDULE_PHASE_MAX)
        return err_set(err, ERR_USAGE, "more than %d phases", SCHEDULE_PHASE_MAX);
    if (i == 0 ? epoch != 0 : epoch <= schedule->phase[i - 1].first_epoch)
        return err_set(err, ERR_USAGE, "'%s': %s", word,
                       i == 0 ? "the first phase begins at epoch 0"
                              : "its epoch does not come after the one before");
    if (epoch >= setting->epochs)
        return err_set(err, ERR_USAGE, "'%s': the run ends after %d epochs; set --epochs", word,
                       setting->epochs);
    if (batch == 0)
        batch = i == 0 ? setting->batch : schedule->phase[i - 1].batch;
    if (batch > setting->train_n)
        return err_set(err, ERR_USAGE, "'%s': the batch is above the %" PRId64 " training images",
                       word, setting->train_n);
    schedule->phase[i] = (struct phase){
        .first_epoch = epoch, .batch = batch, .lr = lr, .momentum = setting->momentum};
    schedule->phase_count++;
    if (i > 0 && !(scale_of(schedule, i) < scale_of(schedule, i - 1)))
        return err_set(err, ERR_USAGE, "'%s': the noise scale does not fall, from %.5g to %.5g",
                       word, scale_of(schedule, i - 1), scale_of(schedule, i));
    return 0;
}

int convert_parse(const char *words, const struct convert_setting *setting, struct schedule *out,
                  struct err *err)
{
    struct schedule schedule = {.train_n = setting->train_n,
                                .ghost = 1,
                                .epochs = setting->epochs,
                                .optimizer = setting->momentum > 0 ? REPRO_OPTIMIZER_MOMENTUM
                                                                   : REPRO_OPTIMIZER_SGD};
    int code = check_setting(setting, err);
    for (const char *at = words; code == 0 && *(at += strspn(at, " \t\n,")) != '\0';) {
        char word[WORD_MAX];
        size_t length = strcspn(at, " \t\n,");
        if (length >= sizeof word)
            return err_set(err, ERR_USAGE, "'%.20s...' is no LR@EPOCH", at);
        memcpy(word, at, length);
        word[length] = '\0';
        code = add_phase(&schedule, word, setting, err);
        at += length;
    }
    if (code == 0 && schedule.phase_count == 0)
        code = err_set(err, ERR_USAGE, "no schedule: name one as 0.1@0 0.02@60 ...");
    if (code != 0)
        return code;
    count_updates(&schedule);
    *out = schedule;
    return 0;
}

/* ---- The twin ---- */

/* B of the first phase: lr and 1/(1-m) grow, B with them. */
static int first_batch(const struct schedule *from, const struct convert_target *target,
                       struct schedule_spec *spec, struct err *err)
{
    const struct phase *first = &from->phase[0];
    spec->lr = target->lr > 0 ? target->lr : first->lr;
    spec->momentum = target->momentum >= 0 ? target->momentum : first->momentum;
    if (!(spec->momentum < 1))
        return err_set(err, ERR_USAGE, "the new momentum is %g; it must be at least 0 and below 1",
                       spec->momentum);
    double grown = (spec->lr / first->lr) * ((1 - first->momentum) / (1 - spec->momentum));
    double batch = (double)first->batch * (spec->rule == SCHEDULE_LINEAR ? grown : grown * grown);
    if (!(batch >= 1 - 1e-9) || fabs(batch - round(batch)) > 1e-9 * batch)
        return err_set(err, ERR_INPUT,
                       "the first batch would be %.6g, which is no whole number; choose a learning "
                       "rate and momentum "
                       "that change lr/(B(1-m)) by a whole factor",
                       batch);
    if (batch > (double)from->train_n)
        return err_set(err, ERR_INPUT,
                       "the first batch would be %.0f, above the %" PRId64 " training images",
                       batch, from->train_n);
    spec->batch = llround(batch);
    return 0;
}

int convert(const struct schedule *from, const struct convert_setting *setting,
            const struct convert_target *target, struct conversion *out, struct err *err)
{
    struct schedule_spec spec = {.train_n = from->train_n,
                                 .batch_max = target->batch_max,
                                 .ghost = 1,
                                 .epochs = from->epochs,
                                 .step_count = from->phase_count - 1,
                                 .rule = target->rule};
    int code = first_batch(from, target, &spec, err);
    (void)setting;
    if (code != 0)
        return code;
    spec.optimizer = spec.momentum > 0 ? REPRO_OPTIMIZER_MOMENTUM : REPRO_OPTIMIZER_SGD;
    for (int i = 0; i < spec.step_count; i++) {
        /* The ratio of noise scales, or of what the rule holds; 1 - m is the same on both sides. */
        const struct phase *before = &from->phase[i], *after = &from->phase[i + 1];
        double grown = (double)after->batch / (double)before->batch;
        spec.factor[i] = before->lr / after->lr *
                         (target->rule == SCHEDULE_LINEAR ? grown : sqrt(grown));
        /* 0.1 / 0.02 is 5 but for the last bit, and so are a schedule's decimals. */
        double whole = round(spec.factor[i]);
        if (whole > 1 && fabs(spec.factor[i] - whole) < 1e-12 * whole)
            spec.factor[i] = whole;
        spec.step_epoch[i] = after->first_epoch;
        int grows = target->kind == CONVERT_BATCH || (target->kind == CONVERT_HYBRID && i == 0);
        spec.action[i] = grows ? SCHEDULE_GROW_BATCH : SCHEDULE_DECAY_LR;
    }
    struct schedule to;
    code = schedule_build(&spec, &to, err);
    if (code == 0)
        *out = (struct conversion){*from, to, spec};
    return code;
}
