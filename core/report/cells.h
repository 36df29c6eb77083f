/* cells.h -- one cell of a tab-separated table, by row and by the name of its column. */
#ifndef REPORT_CELLS_H
#define REPORT_CELLS_H

#include <stddef.h>

/* Row 0 is the first behind the line of names; comment lines, "#", do not count.  1 and the cell,
 * which points into the table; 0 where there is none. */
int cells_at(const char *table, size_t row, const char *column, const char **cell, size_t *length);

#endif
