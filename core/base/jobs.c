#include "base/jobs.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

enum state { WAITING, UNDER_WAY, ENDED };

struct crew {
    const struct jobs *jobs;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t ended; /* a piece has */
    enum state *states;   /* [count] */
    int failed;
    size_t first; /* the number of the failure kept */
    struct err err;
};

struct worker {
    struct crew *crew;
    size_t number;
    pthread_t thread;
};

/* Takes the first piece that may begin, and waits while there are only such that follow one under
 * way.  0: none is left. */
static int take(struct crew *crew, size_t *job)
{
    const struct jobs *jobs = crew->jobs;
    while (!crew->failed) {
        int held = 0;
        for (size_t i = 0; i < jobs->count; i++) {
            if (crew->states[i] != WAITING)
                continue;
            if (jobs->follows[i] == i || crew->states[jobs->follows[i]] == ENDED) {
                crew->states[i] = UNDER_WAY;
                if (jobs->begin != NULL)
                    jobs->begin(jobs->context, i);
                *job = i;
                return 1;
            }
            held = 1;
        }
        if (!held)
            return 0;
        pthread_cond_wait(&crew->ended, &crew->lock);
    }
    return 0;
}

static void note_failure(struct crew *crew, size_t job, const struct err *err)
{
    int stopped = err->code == ERR_STOPPED, kept_stopped = crew->err.code == ERR_STOPPED;
    if (!crew->failed || (kept_stopped && !stopped) ||
        (kept_stopped == stopped && job < crew->first)) {
        crew->first = job;
        crew->err = *err;
    }
    crew->failed = 1;
}

static void *serve(void *context)
{
    const struct worker *worker = context;
    struct crew *crew = worker->crew;
    size_t job;
    pthread_mutex_lock(&crew->lock);
    while (take(crew, &job)) {
        struct err err = {0};
        pthread_mutex_unlock(&crew->lock);
        int code = crew->jobs->work(crew->jobs->context, job, worker->number, &err);
        pthread_mutex_lock(&crew->lock);
        crew->states[job] = ENDED;
        if (code != 0)
            note_failure(crew, job, &err);
        pthread_cond_broadcast(&crew->ended);
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* One that cannot be had fails as work behind the last would. */
static void run_threads(struct crew *crew, struct worker *workers, size_t count)
{
    size_t started = 0;
    int failed = 0;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (started < count && failed == 0) {
        workers[started] = (struct worker){.crew = crew, .number = started};
        failed = pthread_create(&workers[started].thread, NULL, serve, &workers[started]);
        started += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        struct err err = {0};
        err_set(&err, ERR_MEMORY,
                "no thread for %zu jobs at a time: %s; ask for fewer (--jobs), or raise the limit "
                "on processes "
                "(ulimit -u)",
                count, strerror(failed));
        pthread_mutex_lock(&crew->lock);
        note_failure(crew, crew->jobs->count, &err);
        pthread_cond_broadcast(&crew->ended);
        pthread_mutex_unlock(&crew->lock);
    }
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
}

int jobs_run(const struct jobs *jobs, struct err *err)
{
    struct crew crew = {.jobs = jobs};
    size_t count = jobs->workers < jobs->count ? jobs->workers : jobs->count;
    struct worker *workers = mem_new(count, sizeof *workers, err);
    crew.states = mem_new(jobs->count, sizeof *crew.states, err);
    int code = workers == NULL || crew.states == NULL ? ERR_MEMORY : 0;
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.ended, NULL);
    if (code == 0 && count == 1) {
        workers[0] = (struct worker){.crew = &crew};
        serve(&workers[0]);
    } else if (code == 0) {
        run_threads(&crew, workers, count);
    }
    pthread_cond_destroy(&crew.ended);
    pthread_mutex_destroy(&crew.lock);
    mem_free(crew.states);
    mem_free(workers);
    if (code == 0 && crew.failed) {
        *err = crew.err;
        code = err->code;
    }
    return code;
}
