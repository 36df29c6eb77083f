/* difference.h -- in which fields two identities of runs differ. */
#ifndef RESULTS_DIFFERENCE_H
#define RESULTS_DIFFERENCE_H

#include <jansson.h>
#include <stddef.h>

#define DIFFERENCE_MAX 32
#define DIFFERENCE_TEXT 160

/* A leaf that is not the same: "phases[1].batch: 640, now 320"; a side that lacks it reads
 * "nothing". */
struct difference {
    char path[DIFFERENCE_TEXT]; /* "phases[1].batch" */
    char was[DIFFERENCE_TEXT / 2], now[DIFFERENCE_TEXT / 2];
};

/* The leaves in which `now` is not `was`, in the order of the keys; the first DIFFERENCE_MAX are
 * kept, all are counted. Numbers are the same when eleven of their digits are. */
size_t difference_find(const json_t *was, const json_t *now,
                       struct difference list[DIFFERENCE_MAX]);

#endif
