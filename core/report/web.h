/* web.h -- a report as one page of HTML that needs nothing else: style and pictures are in it, and
 * nothing is loaded from anywhere. It is well-formed XML as well. */
#ifndef REPORT_WEB_H
#define REPORT_WEB_H

#include "report/report.h"

struct err;

/* Replaces the file at path.  Pictures are drawn beside it, "path.PID.svg", and read.  ERR_INPUT
 * where plots/report.css or a plot script cannot be used, ERR_CANNOT_RUN without gnuplot,
 * ERR_IO. */
int web_write(const struct report *report, const char *path, struct err *err);

#endif
