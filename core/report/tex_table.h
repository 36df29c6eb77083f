/* tex_table.h -- a table of a report as LaTeX's longtable. */
#ifndef REPORT_TEX_TABLE_H
#define REPORT_TEX_TABLE_H

#include "base/text.h"
#include "report/table.h"

void tex_table_put(struct text *out, const struct table *table);

#endif
