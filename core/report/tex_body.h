/* tex_body.h -- the text of an appendix, to be \input. */
#ifndef REPORT_TEX_BODY_H
#define REPORT_TEX_BODY_H

#include "base/text.h"
#include "report/report.h"

struct err;

/* Appends appendix.tex, and draws the pictures that it names as FIGURES/NAME.pdf. */
int tex_body_put(struct text *out, const struct report *report, const char *figures,
                 struct err *err);

/* Appends the document that takes it in, and the .bib of the paper. */
void tex_document_put(struct text *out, const struct report *report);
void tex_bibliography_put(struct text *out);

#endif
