/* The tables of what is no set: studies, and the report as a whole. */
#include "report/tables.h"

#include "base/err.h"
#include "base/number.h"
#include "report/cells.h"

#include <string.h>

/* Columns of the summary that are shown, in this order. */
static const struct {
    const char *column, *head;
} measured[] = {{"momentum", "m"},          {"batch", "B here"},
                {"weights", "Weights"},     {"n_lost_predicted", "Epochs lost, eq. (13)"},
                {"n_lost", "Measured"},     {"timescale", "Timescale, fitted"},
                {"level", "Level, fitted"}, {"agrees", "Eq. (11) within 0.1 to update"}};
#define MEASURED (sizeof measured / sizeof measured[0])

int tables_study(struct table *table, const struct report_study *study, struct err *err)
{
    *table = (struct table){.kind = "study",
                            .title = "Epochs lost, predicted and measured",
                            .note = "A row a measurement. Where weights train, nothing is fitted.",
                            .columns = MEASURED};
    for (size_t m = 0; m < MEASURED; m++)
        table->column[m] = (struct table_column){.head = measured[m].head, .numeric = m != 2};
    for (size_t row = 0; row < study->measurements; row++)
        for (size_t m = 0; m < MEASURED; m++) {
            const char *cell;
            size_t length;
            if (!cells_at(study->summary, row, measured[m].column, &cell, &length))
                return err_set(err, ERR_INPUT, "%s-summary.tsv:%zu: no '%s'; measure it again",
                               study->stem, row + 2, measured[m].column);
            double value;
            const char *end;
            if (length == 3 && strncmp(cell, "nan", 3) == 0)
                table_add(table, "-");
            else if (number_real(cell, &value, &end) && end == cell + length)
                table_add(table, "%.4g", value);
            else
                table_add(table, "%.*s", (int)length, cell);
        }
    return table_check(table, err);
}

static void add_set(struct table *table, const struct report_figure *figure,
                    const struct report_set *set)
{
    table_add(table, "%s", figure->experiment->name);
    table_add(table, "%s", set->title);
    table_mark_anchor(table, set->name);
    if (set->trained)
        table_add(table, "%zu of %zu", set->found.done, set->wanted);
    else
        table_add(table, "%s", figure->experiment->schedules_only ? "none needed" : "none yet");
    for (int outcome = 0; outcome < 4; outcome++)
        table_add(table, "%zu", set->verdicts.outcomes[outcome]);
}

/* NULL: there is none. */
static void add_study(struct table *table, const struct report_figure *figure,
                      const struct report_study *study)
{
    table_add(table, "%s", figure->experiment->name);
    table_add(table, "%s", study == NULL ? "no measurement yet" : study->title);
    if (study != NULL) {
        table_mark_anchor(table, study->name);
        table_add(table, "%zu measured", study->measurements);
    } else {
        table_add(table, "none yet");
    }
    for (int outcome = 0; outcome < 4; outcome++)
        table_add(table, "-");
}

int tables_contents(struct table *table, const struct report *report, struct err *err)
{
    *table = (struct table){.kind = "contents",
                            .title = "What is in this report",
                            .columns = 7,
                            .column = {{.head = "Figure"},
                                       {.head = "Results", .share = .36},
                                       {.head = "Runs done", .numeric = 1},
                                       {.head = "Hold", .numeric = 1},
                                       {.head = "Fail", .numeric = 1},
                                       {.head = "Too few runs", .numeric = 1},
                                       {.head = "Not run", .numeric = 1}}};
    for (size_t i = 0; i < report->figure_count; i++) {
        const struct report_figure *figure = &report->figures[i];
        for (size_t s = 0; s < figure->set_count; s++)
            add_set(table, figure, &figure->sets[s]);
        for (size_t s = 0; s < figure->study_count; s++)
            add_study(table, figure, &figure->studies[s]);
        if (figure->set_count + figure->study_count == 0)
            add_study(table, figure, NULL);
    }
    return table_check(table, err);
}
