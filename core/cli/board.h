/* board.h -- the text of the live view: a line a run, and one for all of them, for a terminal of a
 * given size.  Pure: what the terminal is told beside this text is screen.h's. */
#ifndef CLI_BOARD_H
#define CLI_BOARD_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

enum board_state {
    BOARD_WAITING,
    BOARD_BEGUN, /* waiting, with a part of it done before */
    BOARD_RUNNING,
    BOARD_DONE,
    BOARD_STOPPED,
    BOARD_FAILED,
};

/* One run; what is negative is not known. */
struct board_run {
    const char *name;
    uint64_t seed;
    enum board_state state;
    double part; /* of its images, 0..1 */
    int epoch, epochs;
    double accuracy, loss;
    double images_per_second, seconds_left;
};

struct board {
    const char *title; /* "figure5" */
    size_t count;
    const struct board_run *runs;
    int seeds;   /* the runs have several: they have a column */
    double part; /* of all images, 0..1 */
    double images_per_second, seconds_left;
};

struct board_look {
    size_t columns, rows; /* of the terminal */
    int utf8;             /* it shows UTF-8; else ASCII */
    int colour;
};

/* Appends at most rows - 1 lines, at least one, each of at most columns - 1 columns and ended by a
 * newline.  Where there are more runs than fit those that are in training, or have failed, are
 * shown, as many as fit.  With utf8, width is what wcwidth() says in the thread's locale. */
void board_put(const struct board *board, const struct board_look *look, struct text *out);

/* Columns of a line as shown: colours take none, nor does a newline. */
size_t board_width(const char *line, size_t size, int utf8);

#endif
