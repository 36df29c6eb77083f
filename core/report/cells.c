#include "report/cells.h"

#include <string.h>

/* The next line, or NULL at the end. */
static const char *next_line(const char *line)
{
    const char *end = strchr(line, '\n');
    return end == NULL || end[1] == '\0' ? NULL : end + 1;
}

/* The cell at `place` of a line; 0 where the line is shorter. */
static int cell_of(const char *line, size_t place, const char **cell, size_t *length)
{
    for (; place > 0; place--) {
        line += strcspn(line, "\t\n");
        if (*line != '\t')
            return 0;
        line++;
    }
    *cell = line;
    *length = strcspn(line, "\t\n");
    return 1;
}

int cells_at(const char *table, size_t row, const char *column, const char **cell, size_t *length)
{
    const char *names = table;
    size_t place = 0;
    while (names != NULL && *names == '#')
        names = next_line(names);
    if (names == NULL)
        return 0;
    for (;; place++) {
        if (!cell_of(names, place, cell, length))
            return 0;
        if (strlen(column) == *length && strncmp(*cell, column, *length) == 0)
            break;
    }
    const char *line = next_line(names);
    for (; row > 0 && line != NULL; row--)
        line = next_line(line);
    return line != NULL && cell_of(line, place, cell, length);
}
