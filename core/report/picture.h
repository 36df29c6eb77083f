/* picture.h -- the pictures of a report, a panel each: ours beside the paper's printed curves, and
 * a closer look at both where runs are over soon. */
#ifndef REPORT_PICTURE_H
#define REPORT_PICTURE_H

#include "draw/panel.h"
#include "report/report.h"

#include <stddef.h>

struct err;

struct picture {
    size_t panel; /* of the figure */
    enum panel_view view;
    double closer_to; /* updates that are shown; 0: all */
    char *name;  /* "figure5-small-cifar10-onednn-a-paper": of a file, without folder and ending */
    char *title; /* "(a) SGD with momentum: in the paper, digitised" */
    char *words; /* what there is to see, for those who cannot see it */
};

/* The pictures of one set or one study, and what they are drawn from. */
struct pictures {
    size_t count;
    struct picture *picture; /* [count], panel by panel, ours before the paper's */
    const struct report *report;
    const struct report_study *study; /* or NULL */
    struct plot_request runs, paper;  /* the same panels, without and with the printed curves */
    char *script;
    struct plot_curve *curves;
    struct plot_panel *run_panels, *paper_panels;
    char **papers; /* [runs.panel_count], files of printed curves, or NULL */
    struct plot_log *logs;
    struct runlog *planned; /* [runs.curve_count], or NULL */
};

/* Of a set: none where it has nothing to draw.  The report must outlive them; pictures_release() is
 * legal on a zeroed struct. */
int pictures_of_set(struct pictures *pictures, const struct report *report,
                    const struct report_set *set, struct err *err);
int pictures_of_study(struct pictures *pictures, const struct report *report,
                      const struct report_study *study, struct err *err);
void pictures_release(struct pictures *pictures);

/* 1 where one of them is of that view. */
int pictures_have(const struct pictures *pictures, enum panel_view view);
/* 1 where the paper's curves lie beneath ours. */
int pictures_overlay(const struct pictures *pictures);

/* Writes a picture, "svg" or "pdf".  Errors of panel_draw(). */
int picture_draw(const struct pictures *pictures, size_t i, const char *format, const char *path,
                 struct err *err);

#endif
