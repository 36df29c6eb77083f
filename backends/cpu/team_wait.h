/* team_wait.h -- waiting for a word that another thread changes: how long to spin, when to sleep.
 *
 * To spin is right while the other thread runs: it is back in microseconds, and waking a sleeper
 * costs as much again.  Where something else wants the cores it is wrong, twice: the awaited thread
 * stands in a queue, at times behind the very one that spins, and what is spun away counts as used.
 *
 * Which of the two it is, a thread finds by itself: by the share of the time in which it stood in
 * a queue for a core, which the system counts. */
#ifndef CPU_TEAM_WAIT_H
#define CPU_TEAM_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

/* Of a team, shared: until when its cores count as wanted by others, ns of the monotonic clock. */
struct wait_mood {
    _Atomic int64_t crowded_until;
};

/* Of a thread: when its current window began, and how long it had queued by then, ns. */
struct wait_clock {
    int64_t began, queued;
};

/* Waits until *word is another than `value`; may return before, and is called again then. */
void wait_change(struct wait_mood *mood, atomic_int *word, int value);

/* Whether something else wants the cores. */
int wait_is_crowded(const struct wait_mood *mood);

/* Spins only, as long as the mood allows; whether *word is another than `value`. */
int wait_spin(struct wait_mood *mood, const atomic_int *word, int value);

/* Spins for the time that a thread which spins needs to see a change; whether *word is another than
 * `value`. */
int wait_briefly(const atomic_int *word, int value);

/* Sleeps until woken, if *word is `value`. */
void wait_sleep(atomic_int *word, int value);

/* Wakes up to `count` threads that sleep on the word. */
void wait_wake(atomic_int *word, int count);

/* At the end of a piece of work: closes the thread's window where it is long enough, and says in
 * the mood what it was. */
void wait_look(struct wait_mood *mood, struct wait_clock *clock);

#endif
