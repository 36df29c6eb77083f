/* Programs and modules beside. */
#include "base/err.h"
#include "base/process.h"
#include "base/text.h"
#include "doctor/doctor_parts.h"
#include "fetch/load.h"
#include "train/ranks.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* What plots/look.gp draws with. */
static const char *const terminals[] = {"pngcairo", "svg", "pdfcairo"};

/* Runs it; 0 where it ended with status 0. */
static int works(struct process *process)
{
    struct err ignored = {0};
    return process_run(process, &ignored) == 0 && WIFEXITED(process->status) &&
           WEXITSTATUS(process->status) == 0;
}

static int look_at_gnuplot(struct findings *findings, struct err *err)
{
    struct process version = {.argv = (const char *const[]){"gnuplot", "--version", NULL}};
    struct text lacks = {0};
    struct finding *finding;
    if (!works(&version)) {
        finding = findings_add(findings, FINDING_HINDERS, "gnuplot", err,
                               "is not on the PATH, and draws the figures");
        return finding_mend(finding, "install the package gnuplot-nox");
    }
    for (size_t i = 0; i < sizeof terminals / sizeof *terminals; i++) {
        char command[40];
        snprintf(command, sizeof command, "set terminal %s", terminals[i]);
        struct process trial = {.argv = (const char *const[]){"gnuplot", "-e", command, NULL}};
        if (!works(&trial))
            text_put(&lacks, " %s", terminals[i]);
    }
    const char *words = process_last_line(version.messages);
    if (lacks.size == 0)
        finding = findings_add(findings, FINDING_FINE, "gnuplot", err, "%s; draws PNG, SVG and PDF",
                               words);
    else
        finding = findings_add(findings, FINDING_HINDERS, "gnuplot", err,
                               "%s lacks the terminals that figures are drawn with:%s", words,
                               lacks.failed ? "" : lacks.bytes);
    text_release(&lacks);
    if (finding != NULL && finding->state == FINDING_HINDERS)
        finding_mend(finding, "install the package gnuplot-nox");
    return finding == NULL ? ERR_MEMORY : 0;
}

static int look_at_latex(struct findings *findings, struct err *err)
{
    struct process version = {.argv = (const char *const[]){"pdflatex", "--version", NULL}};
    if (works(&version))
        return findings_add(findings, FINDING_FINE, "LaTeX", err,
                            "pdflatex is there: the report is made as a PDF too") == NULL
                   ? ERR_MEMORY
                   : 0;
    return finding_mend(findings_add(findings, FINDING_NOTE, "LaTeX", err,
                                     "no pdflatex on the PATH: the report is a page, and no PDF"),
                        "install the packages texlive-latex-recommended and "
                        "texlive-fonts-recommended");
}

static int look_at_mpi(struct findings *findings, struct err *err)
{
    struct err why = {0};
    struct process version = {.argv = (const char *const[]){"mpirun", "--version", NULL}};
    const struct ranks_link *link = ranks_load(&why);
    if (link != NULL && works(&version))
        return findings_add(findings, FINDING_FINE, "MPI", err, "%s: --ranks works",
                            link->library) == NULL
                   ? ERR_MEMORY
                   : 0;
    return finding_mend(findings_add(findings, FINDING_NOTE, "MPI", err,
                                     link == NULL ? "not built in: no --ranks"
                                                  : "no mpirun on the PATH: no --ranks"),
                        "install the packages libopenmpi-dev and openmpi-bin, then ./bootstrap");
}

static int look_at_fetch(struct findings *findings, struct err *err)
{
    struct err why = {0};
    const struct fetch_link *link = fetch_load(&why);
    if (link != NULL)
        return findings_add(findings, FINDING_FINE, "repro fetch", err, "works with %s",
                            link->libraries) == NULL
                   ? ERR_MEMORY
                   : 0;
    return finding_mend(findings_add(findings, FINDING_NOTE, "repro fetch", err, "not built in"),
                        "install the packages libcurl4-openssl-dev, libarchive-dev and nettle-dev, "
                        "then ./bootstrap");
}

static int look_at_pictures(struct findings *findings, struct err *err)
{
#if defined REPRO_HAVE_JPEG && defined REPRO_HAVE_PNG
    return findings_add(findings, FINDING_FINE, "image files", err, "JPEG and PNG are decoded") ==
                   NULL
               ? ERR_MEMORY
               : 0;
#else
    return finding_mend(findings_add(findings, FINDING_NOTE, "image files", err,
                                     "JPEG or PNG cannot be decoded: figures 6 and 7 take no "
                                     "folder"),
                        "install the packages libjpeg62-turbo-dev and libpng-dev, then "
                        "./bootstrap");
#endif
}

int doctor_tools(struct findings *findings, struct err *err)
{
    int code = look_at_gnuplot(findings, err);
    if (code == 0)
        code = look_at_latex(findings, err);
    if (code == 0)
        code = look_at_mpi(findings, err);
    if (code == 0)
        code = look_at_fetch(findings, err);
    if (code == 0)
        code = look_at_pictures(findings, err);
    return code;
}
