/* curves.h -- the logs of runs as one table, a row an epoch: for pandas, R, a spreadsheet.
 *
 * Tidy: every row says of which run it is.  Columns: figure, profile, data, backend, run, seed,
 * then the log's own (results/runlog.h), with the log's own digits. */
#ifndef EXPORT_CURVES_H
#define EXPORT_CURVES_H

#include "export/export.h"

#include <stddef.h>

struct err;

/* Writes STEM.csv (RFC 4180, one line of names), STEM.json ({"columns", "units", "runs": the
 * provenance of each, "rows": an object each}) from the runs' logs. */
int export_curves(const struct export_run *runs, size_t count, const char *stem, struct err *err);

#endif
