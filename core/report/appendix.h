/* appendix.h -- a report as LaTeX: what a paper's appendix takes in by \input, and a document of
 * its own around it, of which pdflatex makes a PDF.
 *
 *     TO/report.pdf
 *     TO/report-tex/appendix.tex       to be \input; its head says what it needs
 *     TO/report-tex/report.tex         the document
 *     TO/report-tex/repro.bib          the paper
 *     TO/report-tex/figures/NAME.pdf */
#ifndef REPORT_APPENDIX_H
#define REPORT_APPENDIX_H

#include "report/report.h"

struct err;

/* Paths of what there is now; NULL where it is not. */
struct appendix_result {
    char *pdf, *folder;
    char reason[512]; /* why there is no PDF, and the mend; or empty */
};

/* Writes the PDF, and the sources where `keep` or where LaTeX is missing, which is no error.
 * Everything is made in a folder of its own beside the report, which goes when it is done.
 * ERR_INPUT with LaTeX's complaint where it fails: then the sources are kept too, and *made says
 * where.  *made is released with appendix_result_release(), also after a failure. */
int appendix_write(const struct report *report, const char *to, int keep,
                   struct appendix_result *made, struct err *err);
void appendix_result_release(struct appendix_result *made);

#endif
