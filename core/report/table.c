#include "report/table.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <string.h>

static int reserve(struct table *table)
{
    if (table->count < table->capacity)
        return 1;
    size_t wanted = table->capacity == 0 ? 32 : 2 * table->capacity;
    struct table_cell *larger = mem_new(wanted, sizeof *larger, NULL);
    if (larger == NULL)
        return 0;
    if (table->count > 0)
        memcpy(larger, table->cells, table->count * sizeof *larger);
    mem_free(table->cells);
    table->cells = larger;
    table->capacity = wanted;
    return 1;
}

void table_add(struct table *table, const char *format, ...)
{
    struct text words = {0};
    va_list args;
    va_start(args, format);
    text_put_args(&words, format, args);
    va_end(args);
    if (words.failed || !reserve(table) ||
        text_take(&words, &table->cells[table->count].text, "a table", NULL) != 0)
        table->failed = 1;
    else
        table->count++;
    text_release(&words);
}

void table_mark_code(struct table *table)
{
    if (table->count > 0)
        table->cells[table->count - 1].code = 1;
}

void table_mark_anchor(struct table *table, const char *anchor)
{
    if (table->count > 0)
        table->cells[table->count - 1].anchor = anchor;
}

int table_check(const struct table *table, struct err *err)
{
    return table->failed ? err_set(err, ERR_MEMORY, "out of memory while making a table") : 0;
}

void table_release(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        mem_free(table->cells[i].text);
    mem_free(table->cells);
    *table = (struct table){0};
}

size_t table_rows(const struct table *table)
{
    return table->columns == 0 ? 0 : table->count / table->columns;
}
