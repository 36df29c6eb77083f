#include "report/report_parts.h"

#include "backend/names.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/statistics.h"
#include "base/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void report_put_word(struct text *out, const char *word)
{
    int plain = *word != '\0';
    for (const char *at = word; *at != '\0'; at++)
        plain &= isalnum((unsigned char)*at) || strchr("-_./=,:@+%", *at) != NULL;
    if (plain) {
        text_put_string(out, word);
        return;
    }
    text_put_char(out, '\'');
    for (; *word != '\0'; word++)
        if (*word == '\'')
            text_put_string(out, "'\\''");
        else
            text_put_char(out, *word);
    text_put_char(out, '\'');
}

static void put_seeds(struct text *out, const struct result_set *found)
{
    text_put(out, found->first == found->last ? "seed %" PRIu64 : "seeds %" PRIu64, found->first);
    if (found->first != found->last)
        text_put(out, " to %" PRIu64, found->last);
}

static int make_title(struct report_set *set, struct err *err)
{
    const struct facts *facts = &set->found.facts;
    const struct facts_backend *backend = &facts->backend;
    struct text out = {0};
    text_put(&out, "Profile %s", facts->profile->name);
    if (set->trained) {
        text_put(&out, ", %s, %s in %s%s", facts->data.title, backend->name,
                 precision_name(backend->precision), backend->tuned ? ", tuned" : "");
        if (!backend->any_threads)
            text_put(&out, ", %d thread%s", backend->threads, backend->threads == 1 ? "" : "s");
        text_put_string(&out, ", ");
        put_seeds(&out, &set->found);
    } else {
        text_put(&out, ", by the plan alone");
    }
    return text_take(&out, &set->title, "a report", err);
}

static int make_caption(struct report_set *set, struct err *err)
{
    const struct facts *facts = &set->found.facts;
    const struct experiment_profile *profile = facts->profile;
    struct text out = {0};
    if (!set->trained) {
        text_put(&out,
                 "The schedules as planned for %" PRId64 " training images and %d epochs; nothing "
                 "%s.",
                 facts_train_n(facts), profile->epochs,
                 facts->experiment->schedules_only ? "is trained for this figure"
                                                   : "was trained so far");
        return text_take(&out, &set->caption, "a report", err);
    }
    text_put(&out,
             "%s, %s, %" PRId64 " training and %" PRId64 " test images, %d epochs%s%s. Scale: %s. ",
             facts->data.title, profile->network, facts_train_n(facts), profile->test_n,
             set->evidence.here[0].epochs, set->conventions[0] == '\0' ? "" : ", ",
             set->conventions, profile->words);
    if (set->found.first == set->found.last)
        text_put(&out, "One seed a curve.");
    else
        text_put(&out, "Means over the seeds; the bands reach from the lowest to the highest.");
    return text_take(&out, &set->caption, "a report", err);
}

static int make_command(const struct report *report, const struct report_figure *figure,
                        struct report_set *set, struct err *err)
{
    const struct result_set *found = &set->found;
    const struct facts_backend *backend = &found->facts.backend;
    const char *conventions = report->options->conventions;
    struct text out = {0};
    text_put_string(&out, "repro ");
    report_put_word(&out, figure->asked);
    text_put_string(&out, " --profile ");
    report_put_word(&out, found->facts.profile->name);
    if (set->trained && strcmp(found->facts.data.name, "synthetic") != 0)
        text_put_string(&out, " --data DIR");
    if (set->trained) {
        text_put_string(&out, " --backend ");
        report_put_word(&out, backend->name);
    }
    if (set->trained && backend->precision != REPRO_PRECISION_F32)
        text_put(&out, " --precision %s", precision_name(backend->precision));
    if (set->trained && !backend->any_threads)
        text_put(&out, " --threads %d", backend->threads);
    if (set->trained && backend->tuned)
        text_put_string(&out, " --tune");
    if (set->trained && found->first != 1)
        text_put(&out, " --seed %" PRIu64, found->first);
    if (set->trained && found->last > found->first)
        text_put(&out, " --seeds %" PRIu64, found->last - found->first + 1);
    if (conventions != NULL) {
        text_put_string(&out, " --convention ");
        report_put_word(&out, conventions);
    }
    return text_take(&out, &set->command, "a report", err);
}

/* The last row of every seed. */
static int sum_up(const struct curve *curve, struct report_curve *out, struct err *err)
{
    double *accuracies = mem_new(curve->count, sizeof *accuracies, err);
    int code = accuracies == NULL ? ERR_MEMORY : 0;
    for (size_t s = 0; s < curve->count && code == 0; s++) {
        const struct runlog *log = NULL;
        code = stored_log(curve->seeds[s], &log, err);
        if (code != 0)
            break;
        const struct runlog_row *last = &log->rows[log->count - 1];
        accuracies[s] = last->test_accuracy;
        out->lowest = s == 0 ? last->test_accuracy : fmin(out->lowest, last->test_accuracy);
        out->highest = fmax(out->highest, last->test_accuracy);
        out->loss += last->train_loss / (double)curve->count;
        for (size_t r = 0; r < log->count; r++)
            out->seconds += log->rows[r].seconds;
    }
    if (code == 0 && curve->count > 0) {
        out->seeds = curve->count;
        out->accuracy = statistics_mean(accuracies, curve->count);
        out->deviation = sqrt(statistics_variance(accuracies, curve->count));
    }
    if (code == 0 && curve->begun > 0) {
        const struct runlog *log = NULL;
        struct err none = {0}; /* a run that is only just begun has no log */
        out->begun = curve->begun;
        if (stored_log(curve->going, &log, &none) == 0 && log->count > 0)
            out->going_epochs = log->rows[log->count - 1].epoch;
    }
    mem_free(accuracies);
    return code;
}

static int read_curves(struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    set->curve = mem_new(experiment->run_count, sizeof *set->curve, err);
    int code = set->curve == NULL ? ERR_MEMORY : 0;
    for (size_t i = 0; i < experiment->run_count && code == 0; i++) {
        struct report_curve *curve = &set->curve[i];
        curve->updates = set->evidence.here[i].updates;
        curve->paper_updates = set->evidence.paper[i].updates;
        curve->words = plan_judge(&experiment->runs[i], curve->paper_updates);
        if (set->trained)
            code = sum_up(&set->curves.curve[i], curve, err);
    }
    return code;
}

static int judge(struct report_set *set, struct err *err)
{
    const struct facts *facts = &set->found.facts;
    const char *backend = set->trained ? facts->backend.name : NULL;
    const char *data = set->trained ? facts->data.name : NULL;
    return verdicts_judge(&set->verdicts, &set->evidence.claims, data, backend, err);
}

int report_set_read(struct report *report, const struct report_figure *figure,
                    struct report_set *set, struct err *err)
{
    struct result_set *found = &set->found;
    struct facts *facts = &found->facts;
    char apart[9] = "";
    uint64_t span = found->last - found->first + 1;
    size_t seeds = span < SETS_SEEDS ? (size_t)span : SETS_SEEDS;
    int code = 0;
    if (set->trained && report->options->data_title != NULL)
        report->options->data_title(&facts->data);
    if (set->trained)
        code = sets_apart(&report->store, facts, apart, err);
    if (code == 0)
        set->name = set->trained
                        ? facts_stem(facts, apart, err)
                        : mem_format(err, "%s-%s", facts->experiment->name, facts->profile->name);
    if (code == 0 && set->name == NULL)
        code = ERR_MEMORY;
    if (code == 0 && set->trained)
        code = curves_find(&report->store, facts, found->first, seeds, &set->curves, err);
    if (code == 0)
        code = evidence_load(set->trained ? &report->store : NULL, facts, found->first, seeds,
                             &set->evidence, err);
    if (code == 0) {
        conventions_text(&set->evidence.here[0].conventions, set->conventions);
        set->wanted = facts->experiment->run_count * seeds;
        code = read_curves(set, err);
    }
    if (code == 0)
        code = judge(set, err);
    if (code == 0)
        code = make_title(set, err);
    if (code == 0)
        code = make_caption(set, err);
    if (code == 0)
        code = make_command(report, figure, set, err);
    return code == 0 ? origin_read(&set->origin, &set->curves, err) : code;
}

void report_set_release(struct report_set *set)
{
    mem_free(set->name);
    mem_free(set->title);
    mem_free(set->caption);
    mem_free(set->command);
    mem_free(set->curve);
    curves_release(&set->curves);
    verdicts_release(&set->verdicts);
    evidence_release(&set->evidence);
    origin_release(&set->origin);
}
