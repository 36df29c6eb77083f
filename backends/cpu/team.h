/* team.h -- the threads of a device, and how they share work and wait for each other.
 *
 * A team has as many places as its device has threads.  A region runs a function once for every
 * place.  Its owner, the thread that calls the backend, takes place 0; each further place is
 * offered to a worker of its own.  A worker that the system has given no core yet loses its offer:
 * the owner takes the place as soon as it is free.  So a region waits for places that have been
 * begun, never for a thread that does not run.
 *
 * What a place computes depends on its index and on the number of places alone, so who ran it
 * changes no bit.
 *
 * Waiting is spinning while the cores are ours, and sleeping at once while something else wants
 * them too; see team_wait.h.
 *
 * Nothing of OpenMP's environment is read: the number of places is the device's, always.
 *
 * One host thread at a time per team, as per device (backend.h).
 */
#ifndef CPU_TEAM_H
#define CPU_TEAM_H

#include "backend/backend.h"

#include <stdint.h>

struct team;

/* A team of `threads` places, 1 or more; starts threads - 1 workers, which sleep.  REPRO_MEMORY, or
 * REPRO_DEVICE where the system starts no further thread. */
int32_t team_new(int32_t threads, struct team **out, struct repro_error *err);

/* Ends the workers.  No region may be running; NULL is nothing. */
void team_free(struct team *team);

/* The regions of the calling thread use this team from now on; NULL: none, so that every region
 * has one place. */
void team_bind(struct team *team);

/* Places of the calling thread's team; 1 without one. */
int32_t team_threads(void);

/* Regions of more than one place that this team has run. */
int64_t team_regions(const struct team *team);

/* Calls body(context) once for each of the places 0..size-1; size is at most team_threads() and is
 * cut to it.  Within another region: for one place.  Returns when all have ended. */
void team_run(int32_t size, void (*body)(void *context), void *context);

/* The same in two halves, for code that calls body(context) for place 0 by itself in between. */
void team_begin(int32_t size, void (*body)(void *context), void *context);
void team_end(void);

/* Within a region: the place that runs here, and their number; outside 0 and 1. */
int32_t team_place(void);
int32_t team_size(void);

/* Within a region: waits until every place has come here. */
void team_barrier(void);

/* body(context, i, place) for i of 0..count-1, on up to `threads` places.  Every place has a
 * contiguous block and takes pieces of it in order; one that is done takes pieces of the others.
 * So i is not bound to a place: a place's index is for its scratch memory alone.
 */
void team_for(int32_t threads, int64_t count, void (*body)(void *context, int64_t i, int32_t place),
              void *context);

#endif
