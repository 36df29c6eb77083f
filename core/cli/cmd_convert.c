/* repro convert SCHEDULE: a learning-rate schedule's batch-size twin, and back. */
#include "cli/command.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/options.h"
#include "export/schedules.h"
#include "schedule/convert.h"

#include <float.h>
#include <stdio.h>

/* The places of their names, from 1. */
enum { FORMAT_TEXT = 1, FORMAT_JSON, FORMAT_EXPORTED };

static const char *const kinds[] = {"batch", "lr", "hybrid"}; /* as enum convert_kind */
/* FORMAT_EXPORTED and those behind it are enum export_format, in its order. */
static const char *const formats[] = {"text",  "json",         "pytorch",
                                      "keras", "bs-scheduler", "megatron"};

struct request {
    struct text words;
    struct convert_setting setting;
    struct convert_target target;
    int kind, format, rule;
};

#define FIELD(name) offsetof(struct request, name)
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MOMENTUM .least = 0, .most = 1 - DBL_EPSILON, .bounds = "at least 0 and below 1"

static const struct option_row rows[] = {
    {.name = "train-n",
     .letter = 'N',
     .argument = "N",
     .help = "training images (default: 50000)",
     .kind = OPTION_INT64,
     .offset = FIELD(setting.train_n),
     .low = 1,
     .high = CONVERT_TRAIN_MAX},
    {.name = "batch",
     .letter = 'B',
     .argument = "B",
     .help = "batch of the first phase where SCHEDULE names none (default: 128)",
     .kind = OPTION_INT64,
     .offset = FIELD(setting.batch),
     .low = 1,
     .high = CONVERT_TRAIN_MAX},
    {.name = "momentum",
     .letter = 'm',
     .argument = "M",
     .help = "momentum coefficient of SCHEDULE; 0: plain SGD (default: 0.9)",
     .kind = OPTION_REAL,
     .offset = FIELD(setting.momentum),
     MOMENTUM},
    {.name = "epochs",
     .letter = 'e',
     .argument = "E",
     .help = "of the whole run (default: 200)",
     .kind = OPTION_INT,
     .offset = FIELD(setting.epochs),
     .low = 1,
     .high = CONVERT_EPOCHS_MAX},
    {.name = "to",
     .argument = "KIND",
     .help = "what carries the fall of the noise scale: batch, lr, or hybrid (first step batch, "
             "then lr; default: batch)",
     .kind = OPTION_CHOICE,
     .offset = FIELD(kind),
     .names = kinds,
     .name_count = COUNT_OF(kinds)},
    {.name = "rule",
     .argument = "NAME",
     .help = "what a grown batch holds: linear, lr/B, the paper's; sqrt, lr/sqrt(B) at a constant "
             "lr; seesaw, lr/sqrt(B) with B * alpha and lr / sqrt(alpha) (default: linear)",
     .kind = OPTION_CHOICE,
     .offset = FIELD(rule),
     .names = schedule_rule_names,
     .name_count = SCHEDULE_RULE_COUNT},
    {.name = "batch-max",
     .argument = "B",
     .help = "largest batch; what is left of a step decays the learning rate",
     .kind = OPTION_INT64,
     .offset = FIELD(target.batch_max),
     .low = 1,
     .high = CONVERT_TRAIN_MAX},
    {.name = "new-lr",
     .argument = "LR",
     .help = "another initial learning rate; the batch grows in proportion",
     .kind = OPTION_REAL,
     .offset = FIELD(target.lr),
     .least = DBL_MIN,
     .most = DBL_MAX,
     .bounds = "above 0"},
    {.name = "new-momentum",
     .argument = "M",
     .help = "another momentum coefficient; the batch grows with 1/(1-m)",
     .kind = OPTION_REAL,
     .offset = FIELD(target.momentum),
     MOMENTUM},
    {.name = "ghost",
     .argument = "N",
     .help = "warn of batches that are no multiple of it",
     .kind = OPTION_INT64,
     .offset = FIELD(setting.ghost),
     .low = 1,
     .high = CONVERT_TRAIN_MAX},
    {.name = "format",
     .argument = "NAME",
     .help = "text; json, a table; or code for pytorch, keras, bs-scheduler, megatron, as `repro "
             "export --as schedule` writes it (default: text)",
     .kind = OPTION_CHOICE,
     .offset = FIELD(format),
     .names = formats,
     .name_count = COUNT_OF(formats)},
};

static const struct option_table table = {
    .usage = "SCHEDULE",
    .about = "Turns a schedule into one of equal noise scale in every phase: a decaying learning "
             "rate into an increasing batch size, and back.  SCHEDULE is a list of LR@EPOCH or "
             "LRxBATCH@EPOCH, the first at 0.",
    .rows = rows,
    .count = COUNT_OF(rows),
    .operands = OPTION_OPERANDS_MANY,
    .operand_offset = FIELD(words),
    .operand_missing = "which schedule? Such as: repro convert 0.1@0 0.02@60 0.004@120 0.0008@160"};

/* The twin as code for another program. */
static int code_text(const struct conversion *conversion, enum export_format format, char **text,
                     struct err *err)
{
    struct export_plan plan = {
        .name = "converted", .title = "Converted", .schedule = &conversion->to};
    return export_schedule(&plan, format, share_folder(), text, err);
}

static int write_twin(const struct request *request, const struct conversion *conversion,
                      char **text, struct err *err)
{
    if (request->format == FORMAT_TEXT)
        return convert_text(conversion, &request->setting, text, err);
    if (request->format == FORMAT_JSON)
        return convert_json(conversion, text, err);
    return code_text(conversion, (enum export_format)(request->format - FORMAT_EXPORTED + 1), text,
                     err);
}

int command_convert(int argc, char **argv)
{
    struct request request = {
        .setting = {.train_n = 50000, .batch = 128, .epochs = 200, .momentum = 0.9},
        .target = {.momentum = -1},
        .kind = CONVERT_BATCH,
        .format = FORMAT_TEXT,
        .rule = SCHEDULE_LINEAR + 1};
    char *words = NULL, *text = NULL;
    struct err err = {0};
    struct schedule from;
    struct conversion conversion;
    option_table_parse(&table, argc, argv, &request);
    request.target.kind = (enum convert_kind)request.kind;
    request.target.rule = (enum schedule_rule)(request.rule - 1);
    int code = text_take(&request.words, &words, "the schedule", &err);
    if (code == 0)
        code = convert_parse(words, &request.setting, &from, &err);
    if (code == 0)
        code = convert(&from, &request.setting, &request.target, &conversion, &err);
    if (code == 0)
        code = write_twin(&request, &conversion, &text, &err);
    if (code == 0)
        fputs(text, stdout);
    mem_free(words);
    mem_free(text);
    return code == 0 ? EXIT_DONE : report_error(&err);
}
