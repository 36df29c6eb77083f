#include "schedule/convert.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64

/* ---- In ---- */

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
    double batch = (double)first->batch * (spec->lr / first->lr) *
                   ((1 - first->momentum) / (1 - spec->momentum));
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
                                 .step_count = from->phase_count - 1};
    int code = first_batch(from, target, &spec, err);
    (void)setting;
    if (code != 0)
        return code;
    spec.optimizer = spec.momentum > 0 ? REPRO_OPTIMIZER_MOMENTUM : REPRO_OPTIMIZER_SGD;
    for (int i = 0; i < spec.step_count; i++) {
        /* The ratio of noise scales; N and 1 - m are the same on both sides. */
        const struct phase *before = &from->phase[i], *after = &from->phase[i + 1];
        spec.factor[i] = before->lr / after->lr * ((double)after->batch / (double)before->batch);
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

/* ---- Out ---- */

/* A scale of 390.625 reads 390.63 whatever the last bit of 1 - m. */
static void write_phases(FILE *out, const char *title, const struct schedule *schedule)
{
    fprintf(out, "%s\n  %9s %8s %10s %8s %9s %11s %9s\n", title, "epochs", "B", "lr", "m",
            "updates", "noise scale", "N_lost");
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        char epochs[32];
        snprintf(epochs, sizeof epochs, "%d-%d", phase->first_epoch + 1,
                 phase->first_epoch + phase->epochs);
        fprintf(out, "  %9s %8" PRId64 " %10.5g %8.5g %9" PRId64 " %11.5g %9.3g\n", epochs,
                phase->batch, phase->lr, phase->momentum, phase->updates,
                scale_of(schedule, i) * (1 + 1e-12),
                epochs_lost(phase->momentum, schedule->train_n, phase->batch));
    }
    fprintf(out, "  %" PRId64 " updates\n\n", schedule->updates);
}

static void write_warnings(FILE *out, const struct schedule *schedule, int64_t ghost)
{
    int warned = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        double lost = epochs_lost(phase->momentum, schedule->train_n, phase->batch);
        if (phase->batch > schedule->train_n / 10)
            warned += fprintf(out,
                              "warning: phase %d: B = %" PRId64 " is above N/10 = %" PRId64
                              "; the scaling rules hold for B << N only "
                              "(set --batch-max)\n",
                              i + 1, phase->batch, schedule->train_n / 10) > 0;
        if (lost > 0.5 * phase->epochs)
            warned += fprintf(out,
                              "warning: phase %d: momentum needs N_lost = %.3g epochs to build up, "
                              "of the %d it has\n",
                              i + 1, lost, phase->epochs) > 0;
        if (ghost > 0 && phase->batch % ghost != 0)
            warned += fprintf(out,
                              "warning: phase %d: B = %" PRId64
                              " is no multiple of the ghost batch of %" PRId64 "\n",
                              i + 1, phase->batch, ghost) > 0;
    }
    if (warned)
        fputc('\n', out);
}

/* A real number has a point in an experiment file. */
static void write_real(FILE *out, double value)
{
    fprintf(out, value == floor(value) && fabs(value) < 1e15 ? "%.1f" : "%.15g", value);
}

/* The run as an experiment file has it. */
static void write_run(FILE *out, const struct schedule_spec *spec)
{
    fprintf(out, "for an experiment file:\n    {\n        name = \"converted\";\n        title = "
                 "\"Converted\";\n");
    fprintf(out, "        optimizer = \"%s\";\n        lr = ", optimizer_name(spec->optimizer));
    write_real(out, spec->lr);
    fputs(";\n        momentum = ", out);
    write_real(out, spec->momentum);
    fprintf(out, ";\n        batch = %" PRId64 ";\n", spec->batch);
    if (spec->batch_max != 0)
        fprintf(out, "        batch_max = %" PRId64 ";\n", spec->batch_max);
    const char *const parts[] = {"steps", "factor", "action"};
    for (int p = 0; spec->step_count > 0 && p < 3; p++) {
        fprintf(out, "        %s = [", parts[p]);
        for (int i = 0; i < spec->step_count; i++) {
            fputs(i == 0 ? " " : ", ", out);
            if (p == 0)
                fprintf(out, "%d", spec->step_epoch[i]);
            else if (p == 1)
                write_real(out, spec->factor[i]);
            else
                fputs(spec->action[i] == SCHEDULE_GROW_BATCH ? "\"grow_batch\"" : "\"decay_lr\"",
                      out);
        }
        fputs(" ];\n", out);
    }
    fprintf(out, "    }\n");
}

/* The stream's bytes are there once it is closed. */
static int take_text(FILE *out, char **bytes, char **text, struct err *err)
{
    int bad = ferror(out);
    bad |= fclose(out) != 0;
    *text = bad || *bytes == NULL ? NULL : mem_string(*bytes, err);
    free(*bytes);
    return *text == NULL ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}

int convert_text(const struct conversion *conversion, const struct convert_setting *setting,
                 char **text, struct err *err)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    if (out == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    int64_t before = conversion->from.updates, after = conversion->to.updates;
    write_phases(out, "given", &conversion->from);
    write_phases(out, "converted", &conversion->to);
    if (after <= before)
        fprintf(out, "%" PRId64 " updates saved: %.3g times fewer\n\n", before - after,
                (double)before / (double)after);
    else
        fprintf(out, "%" PRId64 " updates more: %.3g times as many\n\n", after - before,
                (double)after / (double)before);
    write_warnings(out, &conversion->to, setting->ghost);
    write_run(out, &conversion->spec);
    return take_text(out, &bytes, text, err);
}

int convert_json(const struct conversion *conversion, char **text, struct err *err)
{
    const struct schedule *to = &conversion->to;
    json_t *phases = json_array(),
           *root = json_pack("{s:i, s:I, s:I}", "epochs", to->epochs, "train_n",
                             (json_int_t)to->train_n, "updates", (json_int_t)to->updates);
    for (int i = 0; i < to->phase_count; i++) {
        const struct phase *phase = &to->phase[i];
        json_array_append_new(
            phases, json_pack("{s:i, s:i, s:I, s:f, s:f, s:I}", "first_epoch", phase->first_epoch,
                              "epochs", phase->epochs, "batch_size", (json_int_t)phase->batch,
                              "learning_rate", phase->lr, "momentum", phase->momentum, "updates",
                              (json_int_t)phase->updates));
    }
    json_object_set_new(root, "phases", phases);
    char *words = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(root);
    *text = words == NULL ? NULL : mem_format(err, "%s\n", words);
    free(words);
    return *text == NULL ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}
