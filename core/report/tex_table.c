#include "report/tex_table.h"

#include "report/tex.h"

#include <stdlib.h>
#include <string.h>

#define WHOLE_ROWS 16
#define HEAD_WIDTH 12 /* a longer head of a column of numbers stands in two lines */

static void put_columns(struct text *out, const struct table *table)
{
    for (size_t c = 0; c < table->columns; c++) {
        const struct table_column *column = &table->column[c];
        if (column->share > 0)
            text_put(out,
                     ">{\\raggedright\\arraybackslash}"
                     "p{\\dimexpr %.3f\\dimexpr\\linewidth+2\\tabcolsep\\relax"
                     "-2\\tabcolsep\\relax}",
                     column->share);
        else
            text_put_char(out, column->numeric ? 'r' : 'l');
    }
}

/* A head is broken at the blank nearest to its middle. */
static void put_head(struct text *out, const struct table_column *column)
{
    const char *head = column->head, *best = NULL;
    size_t length = strlen(head);
    for (const char *at = strchr(head, ' '); at != NULL; at = strchr(at + 1, ' ')) {
        long off = labs(2 * (at - head) - (long)length);
        if (best == NULL || off < labs(2 * (best - head) - (long)length))
            best = at;
    }
    text_put_string(out, "\\textbf{");
    if (!column->numeric || length <= HEAD_WIDTH || best == NULL) {
        tex_put(out, head);
    } else {
        text_put_string(out, "\\shortstack[r]{");
        tex_format(out, "%.*s", (int)(best - head), head);
        text_put_string(out, "\\\\");
        tex_put(out, best + 1);
        text_put_char(out, '}');
    }
    text_put_char(out, '}');
}

static void put_cell(struct text *out, const struct table *table, size_t row, size_t c)
{
    const struct table_cell *cell = &table->cells[row * table->columns + c];
    int verdict = c == 0 && strcmp(table->kind, "verdicts") == 0;
    if (verdict)
        text_put(out, "\\textbf{\\textcolor{repro%s}{",
                 strcmp(cell->text, "HOLDS") == 0   ? "holds"
                 : strcmp(cell->text, "FAILS") == 0 ? "fails"
                                                    : "open");
    if (cell->code)
        text_put_string(out, "\\texttt{");
    if (cell->anchor != NULL)
        text_put_string(out, "\\reprolink{");
    if (cell->anchor != NULL) {
        tex_put_label(out, cell->anchor);
        text_put_string(out, "}{");
    }
    if (cell->code)
        tex_put_code(out, cell->text);
    else
        tex_put(out, cell->text);
    text_put_string(out, cell->code || cell->anchor != NULL ? "}" : "");
    text_put_string(out, verdict ? "}}" : "");
}

void tex_table_put(struct text *out, const struct table *table)
{
    /* one of short rows stands on one page */
    int whole = strcmp(table->kind, "verdicts") != 0 && table_rows(table) <= WHOLE_ROWS;
    text_put_string(out, "{\\footnotesize\\setlength{\\LTleft}{0pt}\\setlength{\\LTpost}{.3ex}"
                         "\\renewcommand{\\arraystretch}{1.12}\n\\begin{longtable}{@{}");
    put_columns(out, table);
    text_put(out, "@{}}\n\\multicolumn{%zu}{@{}l}{\\textbf{", table->columns);
    tex_put(out, table->title);
    text_put_string(out, "}}\\\\\n\\toprule\n");
    for (size_t c = 0; c < table->columns; c++) {
        text_put_string(out, c == 0 ? "" : " & ");
        put_head(out, &table->column[c]);
    }
    text_put_string(out, "\\\\\n\\midrule\n\\endhead\n\\bottomrule\n\\endlastfoot\n");
    for (size_t row = 0; row < table_rows(table); row++) {
        for (size_t c = 0; c < table->columns; c++) {
            text_put_string(out, c == 0 ? "" : " & ");
            put_cell(out, table, row, c);
        }
        text_put_string(out, whole ? "\\\\*\n" : "\\\\\n");
    }
    text_put_string(out, "\\end{longtable}\n");
    if (table->note != NULL) {
        text_put_string(out, "\\noindent ");
        tex_put(out, table->note);
        text_put_string(out, "\\par\n");
    }
    text_put_string(out, "}\n");
}
