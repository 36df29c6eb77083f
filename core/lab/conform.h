/* conform.h -- the conformance programs, run on one plugin, and what they said.
 *
 * They are programs of their own because a plugin can crash or hang what it is loaded into, and the
 * tests' library, cmocka, is no part of this program.  Each prints TAP, and what came nearest to
 * its bound as "# worst ERROR of BOUND: WHAT". */
#ifndef LAB_CONFORM_H
#define LAB_CONFORM_H

#include "backend/backend.h"
#include "base/text.h"

#include <stddef.h>

struct err;

/* A program: test_NAME, and what it holds the plugin against. */
struct conform_part {
    const char *name, *title;
};

/* In the order in which an author wants to know. */
const struct conform_part *conform_parts(size_t *count);

/* What one program said; zeroed before, released with conform_release(). */
struct conform_result {
    int passed, failed, skipped;
    /* how it ended where that is no plain end: "was killed by signal 11"; empty: it ran through */
    char end[80];
    double error, bound;  /* the error nearest to its bound; bound 0: none was measured */
    char worst[160];      /* of what */
    struct text failures; /* a line a failed test: its name, and why */
    struct text reasons;  /* a line a reason for which tests were skipped, each once */
};

/* Runs a part's program in `folder`, in this process's environment, to its end.  Failures are the
 * result's; ERR_CANNOT_RUN where there is no such program, ERR_IO, ERR_MEMORY. */
int conform_run(const char *folder, const struct conform_part *part, struct conform_result *result,
                struct err *err);
void conform_release(struct conform_result *result);

/* Takes one line of TAP, without its end; conform_run() for all of a program's.  *pending is what
 * was said since the last test's result. */
void conform_line(struct conform_result *result, struct text *pending, const char *line);

/* What a plugin leaves out, a line each: operations, precisions, optimizers and the optional
 * functions of its table. */
void conform_unclaimed(const struct repro_backend *backend, const struct repro_caps *caps,
                       struct text *text);

#endif
