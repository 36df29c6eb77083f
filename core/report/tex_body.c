#include "report/tex_body.h"

#include "base/err.h"
#include "base/mem.h"
#include "report/picture.h"
#include "report/tables.h"
#include "report/tex.h"
#include "report/tex_table.h"
#include "report/words.h"

#include <string.h>

#define LEGEND_MARKS 4

/* What it needs, and how a paper takes it in. */
static const char head[] =
    "% Made by repro. To be \\input in an appendix of one column; it has sections and\n"
    "% subsections. The preamble needs\n"
    "%     \\usepackage[utf8]{inputenc} \\usepackage[T1]{fontenc} \\usepackage{textcomp}\n"
    "%     \\usepackage{amssymb,array,booktabs,graphicx,longtable,xcolor}\n"
    "% and \\reprofigures, where the figures lie, if that is not beside the main file:\n"
    "%     \\newcommand{\\reprofigures}{report-tex/figures}\n"
    "%     \\input{report-tex/appendix}\n"
    "% The bibliography needs repro.bib.\n"
    "\\providecommand{\\reprofigures}{figures}\n"
    "\\providecommand{\\reprocaption}[1]{\\refstepcounter{figure}\\par\\smallskip\\small "
    "Figure~\\thefigure: #1\\par}\n"
    "\\providecommand{\\reprolink}[2]{#2 (\\S\\ref{repro:#1})}\n"
    "\\definecolor{repros1}{HTML}{0072B2}\\definecolor{repros2}{HTML}{D55E00}%\n"
    "\\definecolor{repros3}{HTML}{009E73}\\definecolor{repros4}{HTML}{AA3377}%\n"
    "\\definecolor{repros5}{HTML}{E69F00}\\definecolor{repros6}{HTML}{56B4E9}%\n"
    "\\definecolor{repros7}{HTML}{000000}\\definecolor{repros8}{HTML}{7F7F00}%\n"
    "\\definecolor{reproprinted}{HTML}{A0A0A0}\\definecolor{reproholds}{HTML}{0A6B3D}%\n"
    "\\definecolor{reprofails}{HTML}{B42318}\\definecolor{reproopen}{HTML}{7A5200}%\n";

struct body {
    struct text *out;
    const struct report *report;
    const char *figures;
};

static void put_heading(struct text *out, const char *level, const char *title, const char *name)
{
    text_put(out, "\n\\%s{", level);
    tex_put(out, title);
    text_put_string(out, "}\n");
    if (name != NULL) {
        text_put_string(out, "\\label{repro:");
        tex_put_label(out, name);
        text_put_string(out, "}\n");
    }
}

static void put_paragraph(struct text *out, const char *words)
{
    tex_put(out, words);
    text_put_string(out, "\\par\n");
}

/* The curves' signs, as last_point() in plots/look.gp has them, in their colours. */
static void put_legend(struct text *out, const char *const *series, size_t count,
                       const char *reference)
{
    static const char *const marks[LEGEND_MARKS] = {"$\\bullet$", "{\\tiny$\\blacksquare$}",
                                                    "{\\scriptsize$\\blacktriangle$}",
                                                    "{\\scriptsize$\\blacklozenge$}"};
    text_put_string(out, "{\\footnotesize ");
    for (size_t i = 0; i < count; i++) {
        text_put(out, "\\mbox{\\textcolor{repros%zu}{\\rule[.45ex]{1.2em}{.9pt}%s}~", i % 8 + 1,
                 marks[i % LEGEND_MARKS]);
        tex_put(out, series[i]);
        text_put_string(out, "}\\quad\n");
    }
    if (reference != NULL) {
        text_put_string(out, "\\mbox{\\textcolor{reproprinted}{\\rule[.45ex]{1.2em}{.9pt}}~");
        tex_put(out, reference);
        text_put_string(out, "}");
    }
    text_put_string(out, "\\par}\\smallskip\n");
}

static int put_picture(struct body *body, const struct pictures *pictures, size_t i,
                       struct err *err)
{
    const struct picture *picture = &pictures->picture[i];
    struct text path = {0};
    char *file = NULL;
    text_put(&path, "%s/", body->figures);
    tex_put_label(&path, picture->name);
    text_put_string(&path, ".pdf");
    int code = text_take(&path, &file, "a figure's name", err);
    if (code == 0)
        code = picture_draw(pictures, i, "pdf", file, err);
    if (code == 0) {
        text_put_string(body->out,
                        "\\begin{minipage}[b]{.495\\linewidth}\\centering{\\footnotesize ");
        tex_put(body->out, picture->title);
        text_put_string(body->out, "}\\\\\n\\includegraphics[width=\\linewidth]{\\reprofigures/");
        tex_put_label(body->out, picture->name);
        text_put(body->out, ".pdf}\\end{minipage}%s\n",
                 i + 1 == pictures->count ? ""
                 : i % 2 == 0             ? "\\hfill"
                                          : "\\\\[1ex]");
    }
    mem_free(file);
    return code;
}

/* The pictures with their legend and caption, in their place: no float, which would leave the
 * tables that belong to it. */
static int put_pictures(struct body *body, const struct pictures *pictures,
                        const char *const *series, size_t count, const char *reference,
                        const char *caption, struct err *err)
{
    int code = 0;
    text_put_string(body->out, "\n\\par\\noindent\\begin{minipage}{\\linewidth}\\raggedright\n");
    put_legend(body->out, series, count, reference);
    for (size_t i = 0; i < pictures->count && code == 0; i++)
        code = put_picture(body, pictures, i, err);
    text_put_string(body->out, "\\reprocaption{");
    tex_put(body->out, caption);
    text_put_string(body->out, "}\n\\end{minipage}\\par\n");
    return code;
}

static int put_set_pictures(struct body *body, const struct report_set *set, struct err *err)
{
    const struct experiment *experiment = set->found.facts.experiment;
    const struct experiment_panel *first = &experiment->panels[0];
    struct pictures pictures = {0};
    const char *series[PANEL_RUN_MAX];
    char *caption = NULL;
    int code = pictures_of_set(&pictures, body->report, set, err);
    for (size_t k = 0; code == 0 && k < first->run_count; k++)
        series[k] = experiment->runs[first->runs[k]].title;
    if (code == 0 && pictures.count > 0) {
        const char *beneath = pictures_overlay(&pictures) ? "the paper's, beneath ours" : NULL;
        code = words_caption(set, pictures_have(&pictures, PANEL_PAPER), &caption, err);
        if (code == 0)
            code = put_pictures(body, &pictures, series, first->run_count, beneath, caption, err);
    }
    mem_free(caption);
    pictures_release(&pictures);
    return code;
}

typedef int make_table(struct table *table, const struct report_set *set, struct err *err);

static int put_table(struct body *body, make_table *make, const struct report_set *set,
                     struct err *err)
{
    struct table table = {0};
    int code = make(&table, set, err);
    if (code == 0)
        tex_table_put(body->out, &table);
    table_release(&table);
    return code;
}

static int put_set(struct body *body, const struct report_set *set, struct err *err)
{
    put_heading(body->out, "subsection", set->title, set->name);
    int code = put_set_pictures(body, set, err);
    if (code == 0)
        code = put_table(body, tables_updates, set, err);
    if (code == 0 && !set->found.facts.experiment->schedules_only)
        code = put_table(body, tables_accuracies, set, err);
    if (code == 0 && set->verdicts.count > 0)
        code = put_table(body, tables_verdicts, set, err);
    return code == 0 ? put_table(body, tables_origin, set, err) : code;
}

static int put_study(struct body *body, const struct report_study *study, struct err *err)
{
    struct pictures pictures = {0};
    struct table table = {0};
    const char *series[REPORT_SERIES];
    for (size_t k = 0; k < study->series_count; k++)
        series[k] = study->series[k];
    put_heading(body->out, "subsection", study->title, study->name);
    int code = tables_study(&table, study, err);
    if (code == 0)
        code = pictures_of_study(&pictures, body->report, study, err);
    if (code == 0)
        code = put_pictures(body, &pictures, series, study->series_count, "equations (11) and (13)",
                            study->caption, err);
    if (code == 0) {
        tex_table_put(body->out, &table);
        text_put_string(body->out, "\\noindent Again: \\texttt{");
        tex_put_code(body->out, study->command);
        text_put_string(body->out, "}\\par\n");
    }
    table_release(&table);
    pictures_release(&pictures);
    return code;
}

static int put_figure(struct body *body, const struct report_figure *figure, struct err *err)
{
    char *missing = NULL;
    int code = words_missing(body->report, figure, &missing, err);
    put_heading(body->out, "section", figure->experiment->title, NULL);
    if (code == 0 && missing[0] != '\0')
        put_paragraph(body->out, missing);
    for (size_t s = 0; s < figure->set_count && code == 0; s++)
        code = put_set(body, &figure->sets[s], err);
    for (size_t s = 0; s < figure->study_count && code == 0; s++)
        code = put_study(body, &figure->studies[s], err);
    mem_free(missing);
    return code;
}

int tex_body_put(struct text *out, const struct report *report, const char *figures,
                 struct err *err)
{
    struct body body = {.out = out, .report = report, .figures = figures};
    struct table contents = {0};
    char *summary = NULL;
    text_put_string(out, head);
    put_heading(out, "section", "What was reproduced, and how to read it", NULL);
    int code = words_summary(report, &summary, err);
    if (code == 0) {
        text_put_string(out, "This is a reproduction of \\cite{smith2018dont}. ");
        put_paragraph(out, summary);
        for (size_t i = 0; words_reading[i] != NULL; i++)
            put_paragraph(out, words_reading[i]);
        code = tables_contents(&contents, report, err);
    }
    if (code == 0)
        tex_table_put(out, &contents);
    for (size_t i = 0; i < report->figure_count && code == 0; i++)
        code = put_figure(&body, &report->figures[i], err);
    table_release(&contents);
    mem_free(summary);
    return code;
}

void tex_document_put(struct text *out, const struct report *report)
{
    text_put_string(
        out, "\\documentclass[11pt]{article}\n"
             "\\usepackage[utf8]{inputenc}\n\\usepackage[T1]{fontenc}\n\\usepackage{textcomp}\n"
             "\\IfFileExists{lmodern.sty}{\\usepackage{lmodern}}{}\n"
             "\\usepackage[a4paper,margin=2.2cm]{geometry}\n"
             "\\usepackage{amssymb,array,booktabs,graphicx,longtable,xcolor}\n"
             "\\usepackage[hidelinks]{hyperref}\n"
             "\\newcommand{\\reprolink}[2]{\\hyperref[repro:#1]{#2 (\\S\\ref*{repro:#1})}}\n"
             "\\setlength{\\parindent}{0pt}\\setlength{\\parskip}{.5ex}\n"
             "\\emergencystretch=3em\n"
             "\\title{");
    tex_put(out, WORDS_TITLE);
    text_put_string(out, "}\n\\author{Made by ");
    tex_put(out, report->options->program);
    text_put_string(out, "}\n\\date{}\n\\begin{document}\n\\maketitle\n\\appendix\n"
                         "\\input{appendix}\n"
                         "\\begin{thebibliography}{1}\n\\bibitem{smith2018dont} ");
    tex_put(out, WORDS_PAPER);
    text_put_string(out, "\n\\end{thebibliography}\n\\end{document}\n");
}

void tex_bibliography_put(struct text *out)
{
    text_put_string(out,
                    "@inproceedings{smith2018dont,\n"
                    "  author = {Smith, Samuel L. and Kindermans, Pieter-Jan and Ying, Chris and "
                    "Le, Quoc V.},\n"
                    "  title = {Don't Decay the Learning Rate, Increase the Batch Size},\n"
                    "  booktitle = {International Conference on Learning Representations},\n"
                    "  year = {2018},\n"
                    "  eprint = {1711.00489},\n"
                    "  archivePrefix = {arXiv},\n"
                    "  url = {https://arxiv.org/abs/1711.00489}\n}\n");
}
