#include "data/pool.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A call, on its caller's stack, in the list while pieces of it have not begun. */
struct call {
    int64_t next, count;
    int under_way;
    int (*work)(void *context, int64_t piece, int thread, struct err *err);
    void *context;
    int64_t failed; /* the piece that err is of; count: none */
    struct err *err;
    struct call *behind;
};

struct worker {
    struct pool *pool;
    int number;
    pthread_t thread;
};

struct pool {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t called, ended;
    struct call *first;
    int stop;

    struct worker worker[POOL_MAX];
    int threads;
};

int pool_threads(int *threads, struct err *err)
{
    const char *text = getenv("REPRO_DECODERS"), *end;
    cpu_set_t cores;
    int64_t count = 1;
    if (text != NULL && *text != '\0') {
        if (!number_whole(text, &count, &end) || *end != '\0' || count < 1 || count > POOL_MAX)
            return err_set(err, ERR_INPUT,
                           "REPRO_DECODERS is '%s'; it must be a number of threads, 1 to %d", text,
                           POOL_MAX);
    } else if (sched_getaffinity(0, sizeof cores, &cores) == 0) {
        count = CPU_COUNT(&cores);
    }
    *threads = count < 1 ? 1 : count > POOL_MAX ? POOL_MAX : (int)count;
    return 0;
}

/* Nothing more of it begins. */
static void unlist(struct pool *pool, const struct call *call)
{
    for (struct call **at = &pool->first; *at != NULL; at = &(*at)->behind)
        if (*at == call) {
            *at = call->behind;
            return;
        }
}

static void note_failure(struct pool *pool, struct call *call, int64_t piece, const struct err *err)
{
    if (piece < call->failed) {
        call->failed = piece;
        *call->err = *err;
    }
    unlist(pool, call);
}

static void *serve(void *context)
{
    struct worker *worker = context;
    struct pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct call *call = pool->first;
        struct err err = {0};
        if (call == NULL && pool->stop)
            break;
        if (call == NULL) {
            pthread_cond_wait(&pool->called, &pool->lock);
            continue;
        }
        int64_t piece = call->next++;
        if (call->next == call->count)
            unlist(pool, call);
        call->under_way++;
        pthread_mutex_unlock(&pool->lock);
        int code = call->work(call->context, piece, worker->number, &err);
        pthread_mutex_lock(&pool->lock);
        err.code = code;
        if (code != 0)
            note_failure(pool, call, piece, &err);
        if (--call->under_way == 0)
            pthread_cond_broadcast(&pool->ended);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int pool_new(int threads, struct pool **out, struct err *err)
{
    struct pool *pool = mem_new(1, sizeof *pool, err);
    sigset_t all, before;
    int failed = 0;
    if (pool == NULL)
        return ERR_MEMORY;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->called, NULL);
    pthread_cond_init(&pool->ended, NULL);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->threads < threads && failed == 0) {
        struct worker *worker = &pool->worker[pool->threads];
        worker->pool = pool;
        worker->number = pool->threads;
        failed = pthread_create(&worker->thread, NULL, serve, worker);
        pool->threads += failed == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        pool_free(pool);
        return err_set(err, ERR_MEMORY,
                       "no thread for decoding images: %s; raise the limit on processes (ulimit "
                       "-u)",
                       strerror(failed));
    }
    *out = pool;
    return 0;
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = 1;
    pthread_cond_broadcast(&pool->called);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->ended);
    pthread_cond_destroy(&pool->called);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

int pool_run(struct pool *pool, int64_t count,
             int (*work)(void *context, int64_t piece, int thread, struct err *err), void *context,
             struct err *err)
{
    struct err first = {0};
    struct call call = {
        .count = count, .work = work, .context = context, .failed = count, .err = &first};
    struct call **last = &pool->first;
    if (count == 0)
        return 0;
    pthread_mutex_lock(&pool->lock);
    while (*last != NULL)
        last = &(*last)->behind;
    *last = &call;
    pthread_cond_broadcast(&pool->called);
    while (call.under_way > 0 || (call.next < count && call.failed == count))
        pthread_cond_wait(&pool->ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    if (call.failed == count)
        return 0;
    return err_set(err, first.code, "%s", first.text);
}
