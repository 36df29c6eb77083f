/* panel.h -- one panel of a figure as a picture by itself, without title, legend and caption: a
 * report puts its own words around it.
 *
 * plots/panel.gp draws it: a curve's colour is that of its place in the panel, the paper's beneath
 * are grey. */
#ifndef DRAW_PANEL_H
#define DRAW_PANEL_H

#include "draw/plot.h"

#include <stddef.h>

struct err;

enum panel_view {
    PANEL_RUNS,  /* the runs, over the panel's printed curves where it names some */
    PANEL_PAPER, /* the printed curves alone, which the panel must name, on the printed axes */
};

/* How far a closer look at a panel reaches whose curves end after so many updates: beyond those
 * that end in the first tenth; 0 where there are none. */
double panel_closer(const double *updates, size_t count);

/* Writes `path`, an "svg" or a "pdf"; closer_to: how many updates it shows, 0: all.  Curves without
 * a log keep their places and are not drawn.  The request's script lies beside panel.gp, and its
 * stem is named in messages.  Errors of plot_draw(); an old picture stands where it fails. */
int panel_draw(const struct plot_request *request, size_t panel, enum panel_view view,
               double closer_to, const char *format, const char *path, struct err *err);

#endif
