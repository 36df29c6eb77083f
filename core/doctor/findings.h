/* findings.h -- what was looked at, and how it was found. */
#ifndef DOCTOR_FINDINGS_H
#define DOCTOR_FINDINGS_H

#include <stddef.h>

struct err;

enum finding_state {
    FINDING_FINE,
    FINDING_NOTE,    /* the main job runs without */
    FINDING_HINDERS, /* the main job does not run */
    FINDING_STATES
};

extern const char *const finding_states[FINDING_STATES]; /* "fine", "note", "hinders" */

#define FINDING_NAME 64
#define FINDING_WORDS 640
#define FINDING_MEND 400

struct finding {
    enum finding_state state;
    char name[FINDING_NAME]; /* "gnuplot", "backend onednn" */
    char words[FINDING_WORDS];
    char mend[FINDING_MEND];  /* what to do; empty where it is fine */
    double images_per_second; /* of a backend that was measured; else 0 */
};

/* Zeroed: empty. */
struct findings {
    struct finding *list;
    size_t count, capacity;
};

/* Appends one with an empty mend; its words as printf() makes them.  NULL when out of memory. */
struct finding *findings_add(struct findings *findings, enum finding_state state, const char *name,
                             struct err *err, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Sets its mend as printf() does.  Returns 0; ERR_MEMORY for NULL, so that it can follow
 * findings_add(). */
int finding_mend(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* How many are of that state. */
size_t findings_count(const struct findings *findings, enum finding_state state);

/* Legal on a zeroed struct. */
void findings_release(struct findings *findings);

#endif
