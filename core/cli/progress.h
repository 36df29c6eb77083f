/* progress.h -- one line that says where a figure stands.  On a terminal it is redrawn in place, else one line an epoch. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stddef.h>

struct execute_progress;

struct progress {
    int terminal;
    double drawn;          /* when, seconds */
    size_t run, run_count; /* being trained, from 1 */
    double images_after;   /* images that the runs behind this one will need */
    int width;             /* of the line on the screen */
};

void progress_init(struct progress *progress);
/* For struct execute_options; context is a struct progress. */
void progress_show(void *context, const struct execute_progress *now);
/* Ends a line that was left open. */
void progress_break(struct progress *progress);

#endif
