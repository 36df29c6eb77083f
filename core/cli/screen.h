/* screen.h -- a text that stands below everything else on a terminal and is rewritten in place, by
 * a thread of its own.
 *
 * While it is there, standard error, and standard output where it is the same terminal, go through
 * a pipe to that thread, so that what anybody prints, libraries among them, is put above the text
 * and not lost: also where the process dies of a signal such as SIGABRT.  A frame is one write.
 * The size of the terminal is asked for at each frame.  The cursor stands below the text and is
 * never hidden, so that it is there whatever happens.  One screen a process at a time. */
#ifndef CLI_SCREEN_H
#define CLI_SCREEN_H

#include "base/text.h"

#include <stddef.h>

struct err;
struct screen;

struct screen_size {
    size_t columns, rows;
};

/* Appends the text, whole lines that are no longer than the terminal; called by the thread, ten
 * times a second.  What is the same as before is not drawn again. */
typedef void screen_draw(void *context, const struct screen_size *size, int utf8, struct text *out);

/* Whether standard error is a terminal that can have one: TERM is set and not "dumb". */
int screen_possible(void);

/* Begins.  ERR_IO, ERR_MEMORY, also where there is no thread to be had. */
int screen_new(struct screen **out, screen_draw *draw, void *context, struct err *err);
/* Draws the text a last time, where it stays, and gives the outputs back.  NULL is legal. */
void screen_free(struct screen *screen);

#endif
