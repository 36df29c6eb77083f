/* progress.h -- where a figure stands while it is trained: on a terminal the live view of board.h,
 * else one line an epoch on standard error, events (say.h), or nothing. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/board.h"
#include "lab/execute.h"

#include <pthread.h>
#include <stddef.h>

struct err;
struct figure;
struct screen;

enum progress_kind {
    PROGRESS_LIVE,
    PROGRESS_LINES,
    PROGRESS_EVENTS,
    PROGRESS_NONE,
};

struct progress_run {
    struct board_run shown;
    double images; /* that it needs */
    double done;   /* of those */
    int wanted;    /* it is to be trained here, or was before */
    int told;      /* below is set */
    struct execute_progress last;
};

struct progress {
    const struct figure *figure;
    enum progress_kind kind;
    int colour;
    pthread_mutex_t lock; /* of the runs, which the screen's thread reads */
    size_t count;
    struct progress_run *runs; /* [count], as figure->runs */
    struct board_run *shown;   /* [count], the screen's thread's */
    struct screen *screen;     /* of a live view that stands */
};

/* By the mode of say.h; of prose live where standard error is a terminal that can show it, unless
 * lines are wanted. */
enum progress_kind progress_kind(int lines_wanted);

/* Begins; the figure is borrowed.  only: of its runs the one that is trained, or NULL: all.  The
 * struct must not be moved. */
int progress_init(struct progress *progress, const struct figure *figure, const struct run *only,
                  enum progress_kind kind, struct err *err);
/* Ends a live view, whose last state stays on the terminal.  Twice is fine. */
void progress_finish(struct progress *progress);
/* Legal on a struct that progress_init() has failed on. */
void progress_release(struct progress *progress);

/* struct training_options' four; context is a struct progress. */
void progress_begin(struct progress *progress, const struct run *run);
void progress_show(struct progress *progress, const struct execute_progress *now);
void progress_epoch(struct progress *progress, const struct execute_progress *now);
void progress_end(struct progress *progress, const struct run *run, const struct err *err);

#endif
