/* A place is offered by a word of its own: NONE, OFFERED, or ASLEEP while its worker sleeps on it.
 * Whoever changes OFFERED to NONE has taken the place.  `left` counts the places of the region that
 * have not ended; what the region is stands in the team and changes only while `left` is 0, so a
 * place that was taken always sees its own region. */
#include "cpu/team.h"

#include "common/plugin.h"
#include "cpu/team_wait.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { NONE, OFFERED, ASLEEP, END };

#define OWNER_SLEEPS 0x40000000 /* in `left`: wake the owner at 0 */
#define LINE 64                 /* bytes of a cache line: what one thread writes has its own */

struct worker {
    alignas(LINE) atomic_int offer;
    struct team *team;
    int32_t place;
    pthread_t thread;
};

/* A place's block of a loop: what is taken next, and where it ends. */
struct block {
    alignas(LINE) _Atomic int64_t next;
    int64_t end;
};

struct team {
    void (*body)(void *context);
    void *context;
    int32_t size, threads, started;
    int64_t regions;
    int late; /* a worker may be long in coming: whatever it has not begun is taken back */
    struct wait_clock clock; /* the owner's */
    struct wait_mood mood;
    struct worker *workers; /* [threads - 1]: of places 1 and on */
    struct block *blocks;   /* [threads] */
    alignas(LINE) atomic_int left;
    alignas(LINE) atomic_int arrived; /* at the barrier */
    atomic_int rounds;                /* barriers passed */
};

#define NESTED 4 /* regions begun within each other */

/* What the calling thread runs at the moment; `outer`: around the regions that it has begun. */
static _Thread_local struct {
    struct team *bound, *within;
    int32_t place, size;
    int depth;
    struct {
        int32_t place, size;
    } outer[NESTED];
} here = {.size = 1};

static void run_place(struct team *team, int32_t place)
{
    here.within = team;
    here.place = place;
    here.size = team->size;
    team->body(team->context);
    here.within = NULL;
    here.place = 0;
    here.size = 1;
}

static void end_place(struct team *team)
{
    int before = atomic_fetch_sub(&team->left, 1);
    if (before == (OWNER_SLEEPS | 1))
        wait_wake(&team->left, 1);
}

static int take(struct worker *worker)
{
    int offered = OFFERED;
    return atomic_load_explicit(&worker->offer, memory_order_acquire) == OFFERED &&
           atomic_compare_exchange_strong(&worker->offer, &offered, NONE);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct team *team = worker->team;
    struct wait_clock clock = {0};
    team_bind(team);
    for (;;) {
        if (take(worker)) {
            run_place(team, worker->place);
            end_place(team);
            wait_look(&team->mood, &clock);
        } else if (atomic_load(&worker->offer) == END) {
            return NULL;
        } else if (!wait_spin(&team->mood, &worker->offer, NONE)) {
            int none = NONE;
            if (atomic_compare_exchange_strong(&worker->offer, &none, ASLEEP))
                while (atomic_load(&worker->offer) == ASLEEP)
                    wait_sleep(&worker->offer, ASLEEP);
        }
    }
}

/* Whether it slept. */
static int offer(struct worker *worker, int what)
{
    int slept = atomic_exchange(&worker->offer, what) == ASLEEP;
    if (slept)
        wait_wake(&worker->offer, 1);
    return slept;
}

/* Signals are for the threads that know what to do with them. */
static int start(struct worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&worker->thread, NULL, work, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

int32_t team_new(int32_t threads, struct team **out, struct repro_error *err)
{
    size_t count = (size_t)threads;
    struct team *team = aligned_alloc(LINE, sizeof *team);
    if (team == NULL)
        return fail(err, REPRO_MEMORY, "out of memory");
    memset(team, 0, sizeof *team);
    team->threads = threads;
    team->workers = aligned_alloc(LINE, count * sizeof *team->workers);
    team->blocks = aligned_alloc(LINE, count * sizeof *team->blocks);
    if (team->workers == NULL || team->blocks == NULL) {
        team_free(team);
        return fail(err, REPRO_MEMORY, "out of memory for %d threads", (int)threads);
    }
    memset(team->workers, 0, count * sizeof *team->workers);
    memset(team->blocks, 0, count * sizeof *team->blocks);
    for (int32_t i = 0; i < threads - 1; i++) {
        team->workers[i].team = team;
        team->workers[i].place = i + 1;
        int code = start(&team->workers[i]);
        if (code != 0) {
            team_free(team);
            return fail(err, REPRO_DEVICE,
                        "thread %d of %d could not be started: %s; raise the limit (ulimit -u) or "
                        "ask for fewer (--threads)",
                        (int)i + 2, (int)threads, strerror(code));
        }
        team->started++;
    }
    *out = team;
    return 0;
}

void team_free(struct team *team)
{
    if (team == NULL)
        return;
    if (here.bound == team)
        here.bound = NULL;
    for (int32_t i = 0; i < team->started; i++)
        offer(&team->workers[i], END);
    for (int32_t i = 0; i < team->started; i++)
        pthread_join(team->workers[i].thread, NULL);
    free(team->workers);
    free(team->blocks);
    free(team);
}

void team_bind(struct team *team)
{
    here.bound = team;
}

int32_t team_threads(void)
{
    return here.bound == NULL ? 1 : here.bound->threads;
}

int64_t team_regions(const struct team *team)
{
    return team->regions;
}

int32_t team_place(void)
{
    return here.place;
}

int32_t team_size(void)
{
    return here.size;
}

/* Waits for the places that others have taken. */
static void join(struct team *team)
{
    int left;
    while (((left = atomic_load(&team->left)) & ~OWNER_SLEEPS) != 0) {
        if (wait_spin(&team->mood, &team->left, left))
            continue;
        if (left & OWNER_SLEEPS ||
            atomic_compare_exchange_strong(&team->left, &left, left | OWNER_SLEEPS))
            wait_sleep(&team->left, left | OWNER_SLEEPS);
    }
}

/* Offers the places from 1 on. */
static void open_region(struct team *team, int32_t size, void (*body)(void *context), void *context)
{
    team->body = body;
    team->context = context;
    team->size = size;
    team->regions++;
    team->late = wait_is_crowded(&team->mood);
    atomic_store(&team->left, size - 1);
    for (int32_t i = 0; i < size - 1; i++)
        team->late |= offer(&team->workers[i], OFFERED);
}

/* Takes what no worker has begun, and waits for the rest. */
static void close_region(struct team *team)
{
    for (int32_t i = 0; i < team->size - 1; i++)
        if ((team->late || !wait_briefly(&team->workers[i].offer, OFFERED)) &&
            take(&team->workers[i])) {
            run_place(team, i + 1);
            end_place(team);
        }
    join(team);
    wait_look(&team->mood, &team->clock);
}

/* Places of a region of `size` that begins here; 1: it is no region. */
static int32_t places(int32_t size)
{
    int32_t most = here.within != NULL ? 1 : team_threads();
    return size < 1 ? 1 : size < most ? size : most;
}

void team_run(int32_t size, void (*body)(void *context), void *context)
{
    size = places(size);
    if (size == 1) {
        int32_t place = here.place, outer = here.size;
        here.place = 0;
        here.size = 1;
        body(context);
        here.place = place;
        here.size = outer;
        return;
    }
    open_region(here.bound, size, body, context);
    run_place(here.bound, 0);
    close_region(here.bound);
}

void team_begin(int32_t size, void (*body)(void *context), void *context)
{
    assert(here.depth < NESTED);
    here.outer[here.depth].place = here.place;
    here.outer[here.depth++].size = here.size;
    here.place = 0;
    here.size = places(size);
    if (here.size > 1) {
        open_region(here.bound, here.size, body, context);
        here.within = here.bound;
    }
}

void team_end(void)
{
    int32_t size = here.size;
    assert(here.depth > 0);
    here.place = here.outer[--here.depth].place;
    here.size = here.outer[here.depth].size;
    if (size > 1) {
        here.within = NULL;
        close_region(here.bound);
    }
}

void team_barrier(void)
{
    struct team *team = here.within;
    if (team == NULL || here.size <= 1)
        return;
    int round = atomic_load(&team->rounds);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == here.size) {
        atomic_store(&team->arrived, 0);
        atomic_fetch_add(&team->rounds, 1);
        wait_wake(&team->rounds, here.size);
        return;
    }
    while (atomic_load(&team->rounds) == round)
        wait_change(&team->mood, &team->rounds, round);
}

struct loop_region {
    struct block *blocks;
    int64_t piece;
    void (*body)(void *context, int64_t i, int32_t place);
    void *context;
};

/* The own block first, then the others', from the next place on. */
static void loop_place(void *context)
{
    const struct loop_region *loop = context;
    for (int32_t k = 0; k < here.size; k++) {
        struct block *block = &loop->blocks[(here.place + k) % here.size];
        for (;;) {
            int64_t first = atomic_fetch_add(&block->next, loop->piece);
            if (first >= block->end)
                break;
            int64_t end = first + loop->piece < block->end ? first + loop->piece : block->end;
            for (int64_t i = first; i < end; i++)
                loop->body(loop->context, i, here.place);
        }
    }
}

#define PIECES 8 /* of a block: what a thread that lost its core can hold up is one of them */

void team_for(int32_t threads, int64_t count, void (*body)(void *context, int64_t i, int32_t place),
              void *context)
{
    int32_t size = threads < team_threads() ? threads : team_threads();
    if (count < size)
        size = (int32_t)count;
    if (size <= 1 || here.within != NULL) {
        for (int64_t i = 0; i < count; i++)
            body(context, i, 0);
        return;
    }
    int64_t block = (count + size - 1) / size;
    int crowded = wait_is_crowded(&here.bound->mood);
    struct loop_region loop = {here.bound->blocks, crowded ? (block + PIECES - 1) / PIECES : block,
                               body, context};
    for (int32_t k = 0; k < size; k++) {
        atomic_store_explicit(&loop.blocks[k].next, count * k / size, memory_order_relaxed);
        loop.blocks[k].end = count * (k + 1) / size;
    }
    team_run(size, loop_place, &loop);
}
