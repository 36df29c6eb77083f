/* web_table.h -- a table of a report as HTML. */
#ifndef REPORT_WEB_TABLE_H
#define REPORT_WEB_TABLE_H

#include "base/text.h"
#include "report/table.h"

/* Appends <table>, with its title as caption and the first cell of a row as the row's head.  Each
 * cell names its column too, for screens on which a row is a list. */
void web_table_put(struct text *out, const struct table *table);

#endif
