/* knobs.h -- the settings of one of cuDNN's engines.  With the engine's number they say which
 * kernel computes. */
#ifndef CUDNN_KNOBS_H
#define CUDNN_KNOBS_H

#include <stddef.h>
#include <stdint.h>

#define KNOBS_MAX 64
#define KNOBS_TEXT 512 /* room for any of them that is not absurd */

struct knobs {
    int count;
    struct knob {
        int32_t type; /* cudnnBackendKnobType_t */
        int64_t value;
    } list[KNOBS_MAX];
};

/* "2=1,14=3" in the order of the list, "-" when there is none; 1 when it does not fit. */
int knobs_text(const struct knobs *knobs, char *text, size_t size);
/* The other way; 1 when the text is none of knobs_text()'s. */
int knobs_parse(const char *text, struct knobs *knobs);
int knobs_same(const struct knobs *a, const struct knobs *b);

#endif
