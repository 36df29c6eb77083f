/* bench_report.h -- what `repro bench` measured, printed for people or as JSON. */
#ifndef CLI_BENCH_REPORT_H
#define CLI_BENCH_REPORT_H

#include "lab/bench.h"

struct err;

/* network is its name; describe: also what the backend chose for each layer. */
void bench_print_text(const struct bench *bench, const char *network, int describe,
                      const struct bench_result *result);
/* One object; what was not measured is null.  ERR_INTERNAL when the object
 * cannot be made. */
int bench_print_json(const struct bench *bench, const char *network, int describe,
                     const struct bench_result *result, struct err *err);

#endif
