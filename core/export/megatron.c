/* What is counted: Megatron-LM takes batches until its samples are consumed and knows no epochs, so
 * the samples of a phase are its updates times B, without what an epoch's last batch lacks. */
#include "export/megatron.h"

#include "base/err.h"
#include "base/text.h"

#include "backend/backend.h"

#include <inttypes.h>

static int check(const struct export_plan *plan, struct err *err)
{
    const struct schedule *schedule = plan->schedule;
    const char *what = NULL;
    if (schedule->optimizer == REPRO_OPTIMIZER_NESTEROV)
        what = "Nesterov momentum";
    else if (schedule->conventions.keep_last_batch)
        what = "the partial batch that ends an epoch";
    else if (schedule->conventions.reset_moments)
        what = "an optimizer that begins anew at a step";
    if (what == NULL)
        return 0;
    return err_set(err, ERR_INPUT, "%s: Megatron-LM has no option for %s; take another format",
                   plan->name, what);
}

/* "0:128 $((3000000 * SEQ_LENGTH)):640": a threshold where B changes. */
static void put_batches(struct text *out, const struct schedule *schedule)
{
    int64_t samples = 0;
    text_put_string(out, "batches=\"");
    for (int i = 0; i < schedule->phase_count; i++) {
        const struct phase *phase = &schedule->phase[i];
        if (i == 0)
            text_put(out, "0:%" PRId64, phase->batch);
        else if (phase->batch != schedule->phase[i - 1].batch)
            text_put(out, " $((%" PRId64 " * SEQ_LENGTH)):%" PRId64, samples, phase->batch);
        samples += phase->updates * phase->batch;
    }
    text_put_string(out, "\"\n");
    text_put(out, "samples=%" PRId64 "\n", samples);
}

static void put_optimizer(struct text *out, const struct export_plan *plan)
{
    const struct schedule *schedule = plan->schedule;
    if (schedule->optimizer == REPRO_OPTIMIZER_ADAM)
        text_put(out,
                 "optimizer=\"--optimizer adam --adam-beta1 %.15g --adam-beta2 %.15g --adam-eps "
                 "%.15g\"\n",
                 plan->beta1, plan->beta2, plan->epsilon);
    else
        text_put(out, "optimizer=\"--optimizer sgd --sgd-momentum %.15g\"\n",
                 schedule->phase[0].momentum);
    text_put(out, "decay=\"--weight-decay %.15g\"\n\n", plan->weight_decay);
}

/* The phases from i on that share a learning rate: the index behind them; *updates is raised to the
 * updates done by then. */
static int same_rate(const struct schedule *schedule, int i, int64_t *updates)
{
    double lr = schedule->phase[i].lr;
    for (; i < schedule->phase_count && !(schedule->phase[i].lr < lr || schedule->phase[i].lr > lr);
         i++)
        *updates += schedule->phase[i].updates;
    return i;
}

static void put_launches(struct text *out, const struct schedule *schedule)
{
    int64_t updates = 0;
    for (int i = 0, launch = 1, next; i < schedule->phase_count; i = next, launch++) {
        next = same_rate(schedule, i, &updates);
        text_put(out, "launch --lr %.15g --min-lr %.15g", schedule->phase[i].lr,
                 schedule->phase[i].lr);
        if (launch > 1)
            text_put_string(out, " --override-opt_param-scheduler");
        if (next < schedule->phase_count)
            text_put(out, " --exit-interval %" PRId64, updates);
        text_put_char(out, '\n');
    }
}

int export_megatron(const struct export_plan *plan, char **text, struct err *err)
{
    struct text out = {0};
    int code = check(plan, err);
    if (code != 0)
        return code;
    text_put(
        &out,
        "#!/bin/sh\n"
        "# usage: SEQ_LENGTH=TOKENS sh schedule_megatron.sh\n"
        "#\n"
        "# %s (%s) for Megatron-LM, written by repro: one line of options a launch, for\n"
        "# pretrain_gpt.py and its like.  For --step-batch-size-schedule, which is in\n"
        "# Megatron-LM since pull request 4411 (2026); its thresholds are tokens, so SEQ_LENGTH "
        "is\n"
        "# what --seq-length is.  Its learning rates have no steps: a launch ends at a step, and\n"
        "# the next goes on from its checkpoint (--load, --save) at another --lr.\n"
        "# Leave out --global-batch-size, --rampup-batch-size and --train-iters.\n"
        ": \"${SEQ_LENGTH:?set it to the tokens of a row, as --seq-length has it}\"\n",
        plan->title, plan->name);
    put_batches(&out, plan->schedule);
    put_optimizer(&out, plan);
    text_put_string(&out, "launch() {\n"
                          "    echo \"--train-samples $samples --seq-length $SEQ_LENGTH\" \\\n"
                          "        \"--step-batch-size-schedule '$batches' $optimizer $decay\" \\\n"
                          "        \"--lr-decay-style constant --lr-warmup-samples 0 $*\"\n"
                          "}\n\n");
    put_launches(&out, plan->schedule);
    return text_take(&out, text, "options of Megatron-LM", err);
}
