/* A conversion in words, as a run for an experiment file, and as JSON. */
#include "schedule/convert.h"

#include "backend/names.h"
#include "base/text_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* A scale of 390.625 reads 390.63 whatever the last bit of 1 - m. */
static void write_phases(struct text *out, const char *title, const struct schedule *schedule)
{
    text_put(out, "%s\n  %9s %8s %10s %8s %9s %11s %9s\n", title, "epochs", "B", "lr", "m",
             "updates", "noise scale", "N_lost");
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        char epochs[32];
        snprintf(epochs, sizeof epochs, "%d-%d", phase->first_epoch + 1,
                 phase->first_epoch + phase->epochs);
        text_put(
            out, "  %9s %8" PRId64 " %10.5g %8.5g %9" PRId64 " %11.5g %9.3g\n", epochs,
            phase->batch, phase->lr, phase->momentum, phase->updates,
            noise_scale_approximate(phase->lr, phase->momentum, schedule->train_n, phase->batch) *
                (1 + 1e-12),
            epochs_lost(phase->momentum, schedule->train_n, phase->batch));
    }
    text_put(out, "  %" PRId64 " updates\n\n", schedule->updates);
}

static void write_warnings(struct text *out, const struct schedule *schedule, int64_t ghost)
{
    int warned = 0;
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        double lost = epochs_lost(phase->momentum, schedule->train_n, phase->batch);
        if (phase->batch > schedule->train_n / 10) {
            warned = 1;
            text_put(out,
                     "warning: phase %d: B = %" PRId64 " is above N/10 = %" PRId64
                     "; the scaling rules hold for B << N only "
                     "(set --batch-max)\n",
                     i + 1, phase->batch, schedule->train_n / 10);
        }
        if (lost > 0.5 * phase->epochs) {
            warned = 1;
            text_put(out,
                     "warning: phase %d: momentum needs N_lost = %.3g epochs to build up, "
                     "of the %d it has\n",
                     i + 1, lost, phase->epochs);
        }
        if (ghost > 0 && phase->batch % ghost != 0) {
            warned = 1;
            text_put(out,
                     "warning: phase %d: B = %" PRId64
                     " is no multiple of the ghost batch of %" PRId64 "\n",
                     i + 1, phase->batch, ghost);
        }
    }
    if (warned)
        text_put_char(out, '\n');
}

/* A real number has a point in an experiment file. */
static void write_real(struct text *out, double value)
{
    text_put(out, value == floor(value) && fabs(value) < 1e15 ? "%.1f" : "%.15g", value);
}

/* The run as an experiment file has it. */
static void write_run(struct text *out, const struct schedule_spec *spec)
{
    text_put(out, "for an experiment file:\n    {\n        name = \"converted\";\n        title = "
                  "\"Converted\";\n");
    text_put(out, "        optimizer = \"%s\";\n        lr = ", optimizer_name(spec->optimizer));
    write_real(out, spec->lr);
    text_put_string(out, ";\n        momentum = ");
    write_real(out, spec->momentum);
    text_put(out, ";\n        batch = %" PRId64 ";\n", spec->batch);
    if (spec->batch_max != 0)
        text_put(out, "        batch_max = %" PRId64 ";\n", spec->batch_max);
    if (spec->rule != SCHEDULE_LINEAR)
        text_put(out, "        rule = \"%s\";\n", schedule_rule_names[spec->rule]);
    const char *const parts[] = {"steps", "factor", "action"};
    for (int p = 0; spec->step_count > 0 && p < 3; p++) {
        text_put(out, "        %s = [", parts[p]);
        for (int i = 0; i < spec->step_count; i++) {
            text_put_string(out, i == 0 ? " " : ", ");
            if (p == 0)
                text_put(out, "%d", spec->step_epoch[i]);
            else if (p == 1)
                write_real(out, spec->factor[i]);
            else
                text_put_string(out, spec->action[i] == SCHEDULE_GROW_BATCH ? "\"grow_batch\""
                                                                            : "\"decay_lr\"");
        }
        text_put_string(out, " ];\n");
    }
    text_put(out, "    }\n");
}

int convert_text(const struct conversion *conversion, const struct convert_setting *setting,
                 char **text, struct err *err)
{
    struct text out = {0};
    int64_t before = conversion->from.updates, after = conversion->to.updates;
    write_phases(&out, "given", &conversion->from);
    write_phases(&out, "converted", &conversion->to);
    if (conversion->spec.rule != SCHEDULE_LINEAR)
        text_put(&out,
                 "rule %s: lr/sqrt(B) falls as in the schedule given, not the paper's noise "
                 "scale\n\n",
                 schedule_rule_names[conversion->spec.rule]);
    if (after <= before)
        text_put(&out, "%" PRId64 " updates saved: %.3g times fewer\n\n", before - after,
                 (double)before / (double)after);
    else
        text_put(&out, "%" PRId64 " updates more: %.3g times as many\n\n", after - before,
                 (double)after / (double)before);
    write_warnings(&out, &conversion->to, setting->ghost);
    write_run(&out, &conversion->spec);
    return text_take(&out, text, "a converted schedule", err);
}

/* NULL when out of memory. */
static json_t *phases_json(const struct schedule *schedule)
{
    json_t *phases = json_array();
    for (int i = 0; phases != NULL && i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        json_t *row = json_pack("{s:i, s:i, s:I, s:f, s:f, s:I}", "first_epoch", phase->first_epoch,
                                "epochs", phase->epochs, "batch_size", (json_int_t)phase->batch,
                                "learning_rate", phase->lr, "momentum", phase->momentum, "updates",
                                (json_int_t)phase->updates);
        if (json_array_append_new(phases, row) != 0) {
            json_decref(phases);
            return NULL;
        }
    }
    return phases;
}

int convert_json(const struct conversion *conversion, char **text, struct err *err)
{
    const struct schedule *to = &conversion->to;
    struct text out = {0};
    json_t *root = json_pack("{s:i, s:I, s:I}", "epochs", to->epochs, "train_n",
                             (json_int_t)to->train_n, "updates", (json_int_t)to->updates);
    if (json_object_set_new(root, "phases", phases_json(to)) != 0) {
        json_decref(root);
        root = NULL;
    }
    text_put_json(&out, root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    text_put_char(&out, '\n');
    json_decref(root);
    return text_take(&out, text, "a converted schedule", err);
}
