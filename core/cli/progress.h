/* progress.h -- where a figure stands.  On a terminal one line that is redrawn in place, or with
 * several runs at a time a block of them, a line a run and one for all; else one line an epoch. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "lab/execute.h"

#include <stddef.h>

struct figure;

struct progress_run {
    enum { PROGRESS_WAITING, PROGRESS_TRAINING, PROGRESS_ENDED } state;
    double images; /* that it needs, as long as it says nothing itself */
    int told;
    struct execute_progress last; /* when told */
};

struct progress {
    const struct figure *figure;
    int terminal, block;
    double drawn; /* when, seconds */
    size_t count;
    struct progress_run *runs; /* [count], as figure->runs */
    int width;                 /* of the open line */
    size_t lines;              /* of the block on the screen */
    char *text;                /* of a block */
    size_t text_size;
};

/* The figure is borrowed.  progress_release() is legal on a zeroed struct. */
int progress_init(struct progress *progress, const struct figure *figure, struct err *err);
void progress_release(struct progress *progress);

/* Makes room for other lines; the next progress_show() draws anew. */
void progress_clear(struct progress *progress);

/* struct training_options' three; context is a struct progress.  None of them prints a line of its
 * own on a terminal. */
void progress_begin(struct progress *progress, const struct run *run);
void progress_show(void *context, const struct execute_progress *now);
void progress_end(struct progress *progress, const struct run *run);

#endif
