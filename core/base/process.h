/* process.h -- another program, run to its end: no shell, nothing to read, what it says kept. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>

struct err;

#define PROCESS_MESSAGES 4096 /* the end of what it said; the cause stands last */

struct process {
    const char *const *argv; /* [0] is looked for on the PATH; ended by NULL */
    const char *folder;      /* that it runs in; NULL: this one */
    /* NULL, or called with all that it says, as it says it */
    void (*said)(void *context, const char *bytes, size_t size);
    void *context;
    /* filled: both outputs, 0-ended, and how it ended, as waitpid() has it */
    char messages[PROCESS_MESSAGES + 1];
    int status;
};

/* Returns when it has ended, however it did: status says.  ERR_CANNOT_RUN where there is no such
 * program, ERR_IO. */
int process_run(struct process *process, struct err *err);

/* The last line of a text that is not blank, cut off in place; it may be empty. */
const char *process_last_line(char *text);

#endif
