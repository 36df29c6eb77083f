#include "report/web_table.h"

#include "report/html.h"

#include <string.h>

static void put_cell(struct text *out, const struct table *table, size_t row, size_t c)
{
    const struct table_cell *cell = &table->cells[row * table->columns + c];
    const struct table_column *column = &table->column[c];
    const char *element = c == 0 ? "th" : "td";
    text_put(out, "<%s%s", element, c == 0 ? " scope=\"row\"" : " data-column=\"");
    if (c > 0) {
        html_put(out, column->head);
        text_put_char(out, '"');
    }
    if (column->numeric)
        text_put_string(out, " class=\"number\"");
    text_put_char(out, '>');
    if (c == 0 && strcmp(table->kind, "verdicts") == 0) {
        text_put_string(out, "<span class=\"verdict ");
        html_put_id(out, cell->text);
        text_put_string(out, "\">");
        html_put(out, cell->text);
        text_put_string(out, "</span>");
    } else if (cell->anchor != NULL) {
        text_put_string(out, "<a href=\"#");
        html_put_id(out, cell->anchor);
        text_put_string(out, "\">");
        html_put(out, cell->text);
        text_put_string(out, "</a>");
    } else {
        text_put_string(out, cell->code ? "<code>" : "");
        html_put(out, cell->text);
        text_put_string(out, cell->code ? "</code>" : "");
    }
    text_put(out, "</%s>", element);
}

void web_table_put(struct text *out, const struct table *table)
{
    text_put(out, "<table class=\"%s\">\n<caption>", table->kind);
    html_put(out, table->title);
    text_put_string(out, "</caption>\n<thead><tr>");
    for (size_t c = 0; c < table->columns; c++) {
        text_put(out, "<th scope=\"col\"%s>", table->column[c].numeric ? " class=\"number\"" : "");
        html_put(out, table->column[c].head);
        text_put_string(out, "</th>");
    }
    text_put_string(out, "</tr></thead>\n<tbody>\n");
    for (size_t row = 0; row < table_rows(table); row++) {
        text_put_string(out, "<tr>");
        for (size_t c = 0; c < table->columns; c++)
            put_cell(out, table, row, c);
        text_put_string(out, "</tr>\n");
    }
    text_put_string(out, "</tbody>\n</table>\n");
    if (table->note != NULL) {
        text_put_string(out, "<p class=\"note\">");
        html_put(out, table->note);
        text_put_string(out, "</p>\n");
    }
}
