#include "export/schedules.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text_json.h"
#include "export/export.h"
#include "export/megatron.h"

#define MARK "\"@PLAN@\""

const char *const export_format_names[EXPORT_FORMAT_COUNT] = {"pytorch", "keras", "bs-scheduler",
                                                              "megatron"};

const char *export_format_file(enum export_format format)
{
    static const char *const files[EXPORT_FORMAT_COUNT] = {
        "schedule_pytorch.py", "schedule_keras.py", "schedule_bs_scheduler.py",
        "schedule_megatron.sh"};
    return files[format - 1];
}

/* NULL when out of memory, as what follows. */
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

/* Numbers and texts alone, so that it is a literal of Python as well. */
static json_t *plan_json(const struct export_plan *plan)
{
    const struct schedule *schedule = plan->schedule;
    const struct schedule_conventions *conventions = &schedule->conventions;
    json_t *optimizer = json_pack("{s:s, s:f, s:s}", "name", optimizer_name(schedule->optimizer),
                                  "weight_decay", plan->weight_decay, "weight_decay_on",
                                  conventions->decay_weights ? "weights" : "all");
    int bad = optimizer == NULL;
    if (schedule->optimizer == REPRO_OPTIMIZER_ADAM)
        bad |= json_object_set_new(optimizer, "beta1", json_real(plan->beta1)) |
               json_object_set_new(optimizer, "beta2", json_real(plan->beta2)) |
               json_object_set_new(optimizer, "epsilon", json_real(plan->epsilon));
    if (bad) {
        json_decref(optimizer);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:I, s:i, s:I, s:i, s:i, s:f, s:o, s:o}", "name", plan->name,
                     "title", plan->title, "train_n", (json_int_t)schedule->train_n, "epochs",
                     schedule->epochs, "updates", (json_int_t)schedule->updates, "keep_last_batch",
                     conventions->keep_last_batch, "reset_moments", conventions->reset_moments,
                     "label_smoothing", conventions->label_smoothing, "optimizer", optimizer,
                     "phases", phases_json(schedule));
}

/* A template with the plan in it. */
static int fill(const struct export_plan *plan, const char *name, const char *share, char **text,
                struct err *err)
{
    char *template = NULL, *table = NULL;
    struct text words = {0};
    json_t *json = plan_json(plan);
    text_put_json(&words, json, JSON_INDENT(4) | JSON_REAL_PRECISION(15));
    json_decref(json);
    int code = text_take(&words, &table, "a plan", err);
    if (code == 0)
        code = export_template(share, name, &template, err);
    if (code == 0)
        code = export_fill(template, MARK, table, name, text, err);
    mem_free(template);
    mem_free(table);
    return code;
}

int export_schedule(const struct export_plan *plan, enum export_format format, const char *share,
                    char **text, struct err *err)
{
    return format == EXPORT_MEGATRON ? export_megatron(plan, text, err)
                                     : fill(plan, export_format_file(format), share, text, err);
}
