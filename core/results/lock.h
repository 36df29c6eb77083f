/* lock.h -- who trains a run, and how far it is: the file `lock` in the run's folder.
 *
 * It is held by one process as long as it trains the run, and by nobody from the moment in which
 * that process ends, however it does.  Its text, one JSON object, says who that is, or was.
 * Whoever asks takes no lock, so that no question keeps a training from beginning. */
#ifndef RESULTS_LOCK_H
#define RESULTS_LOCK_H

#include <stdint.h>

struct err;

#define RUN_LOCK_TEXT 2048

/* Where a training stands. */
struct run_place {
    int epoch; /* being trained, from 1; 0: not told yet */
    int64_t update;
    double images_per_second, seconds_left; /* 0: not known */
};

struct run_lock {
    int descriptor;
    double noted;             /* when, seconds */
    char head[RUN_LOCK_TEXT]; /* of the text: what does not change */
};

#define RUN_LOCK_NONE ((struct run_lock){.descriptor = -1})

/* Takes the lock of a run's folder, which exists, and notes this process in it, with the command
 * that goes on with the run, or NULL.  ERR_IO where another process has it. */
int run_lock_take(struct run_lock *lock, const char *folder, const char *command, struct err *err);
/* Notes where it stands, at most once in two seconds: it may be called after every update.  What
 * cannot be written is not there to be read, and nothing else. */
void run_lock_note(struct run_lock *lock, const struct run_place *place);
/* Legal on RUN_LOCK_NONE. */
void run_lock_release(struct run_lock *lock);

/* What a lock says. */
struct run_holder {
    int held;        /* now; else the rest is of who had it last */
    int64_t process; /* 0: it does not say, nor anything below */
    char host[256];
    char since[24];     /* clock_text() */
    char command[1536]; /* or empty */
    char folder[1024];  /* that the command was started in, or empty */
    char noted[24];     /* when the place was, or empty */
    struct run_place place;
};

/* Of a folder without the file: held by nobody.  ERR_IO where it cannot be asked. */
int run_lock_ask(const char *folder, struct run_holder *holder, struct err *err);

#endif
